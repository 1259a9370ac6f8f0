"""Verdicts, scorecards and the opening paragraph, from evaluations in which the winner is known."""

import json

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.figures.findings.cell_colours import cell_colour, scale_colours, text_colour
from atmodist_core.figures.findings.comparison import Verdict
from atmodist_core.figures.findings.measure_groups import GROUPS, HEADLINE, headline_of
from atmodist_core.figures.findings.opening import findings, opening_sentences, pair_verdict
from atmodist_core.figures.findings.scorecard import ROUNDING, cell_text, scorecard_table

MEASURES = {
    "band_power_ratio": ("power ratio", "one", "1", "spectra"),
    "wasserstein": ("Wasserstein-1 distance", "zero", "field", "values"),
    "rmse": ("root mean square error", "zero", "field", "values"),
    "block_mean_error": ("error of the block means", "zero", "1", "conservation"),
    "psnr": ("PSNR", "none", "dB", "series"),
}


def made(values, spread=0.01, reference="plain", shares=None):
    """Evaluation of one field; ``values`` are by measure and model, ``spread`` the relative half width of the intervals.

    ``shares`` are departures from the truth at ten cities by model.
    """
    models = list(next(iter(values.values())))
    names = list(values)
    value = np.array([[[values[name][model]] for model in models] for name in names], dtype=float)
    axes = ("measure", "model", "field")
    texts = {
        key: ("measure", [MEASURES[name][n] for name in names])
        for n, key in enumerate(("long_name", "ideal", "units", "section"))
    }
    scores = xr.Dataset(
        {"value": (axes, value), "low": (axes, value * (1 - spread)), "high": (axes, value * (1 + spread))},
        {
            **{"measure": names, "model": models, "field": ["vorticity"], "field_units": ("field", ["s-1"])},
            **texts,
            "definition": ("measure", ["as defined"] * len(names)),
        },
    )
    parts = {"/scores": scores}
    if shares:
        local = np.array([[[np.full(10, shares[model])]] for model in models]).reshape(len(models), 1, 1, 10)
        local = local * (1 + 0.01 * np.arange(10))
        parts["/cities"] = xr.Dataset(
            {"wasserstein": (("model", "field", "box", "city"), local)},
            {"model": models, "field": ["vorticity"], "box": [1], "city": [f"city {n}" for n in range(10)]},
        )
    tree = xr.DataTree.from_dict(parts)
    tree.attrs = {"reference": reference, "models": json.dumps([{"label": one} for one in models])}
    return tree


def sentences(tree, basis=""):
    table = scorecard_table(tree)
    names = {str(name): str(name) for name in table["model"].values}
    return opening_sentences({"vorticity": table}, names, basis)


WINNER = {
    "band_power_ratio": {"plain": 0.5, "sharp": 0.98, "sharper": 1.5},
    "wasserstein": {"plain": 3e-6, "sharp": 1e-6, "sharper": 2e-6},
    "rmse": {"plain": 9e-6, "sharp": 7e-6, "sharper": 8e-6},
}


def test_a_model_that_wins_everything_is_best():
    first = sentences(made(WINNER))[0]
    assert (
        first
        == "Sharp is best: it is closest to the truth in small-scale power, the distribution of values and pointwise error."
    )


def test_the_interpolation_is_called_best_where_it_is():
    turned = {
        name: {"sharp": of["plain"], "plain": of["sharp"], "sharper": of["sharper"]}
        for name, of in WINNER.items()
    }
    assert sentences(made(turned))[0].startswith("Plain is best")


def test_wide_intervals_decide_nothing():
    text = sentences(made(WINNER, spread=0.9), "20 times")
    assert text[0].startswith(
        "Undecided: in small-scale power, the distribution of values and pointwise error"
    )
    assert not any("best" in one for one in text)
    assert text[-1].startswith("This rests on 20 times.")


def test_different_winners_are_named_with_what_they_win():
    split = {**WINNER, "rmse": {"plain": 7e-6, "sharp": 9e-6, "sharper": 8e-6}}
    first = sentences(made(split))[0]
    assert first == (
        "No model is best in everything: sharp is closest to the truth in small-scale power and the distribution of values; "
        "plain is closest to the truth in pointwise error."
    )


def test_a_small_lead_is_called_narrow_and_an_open_question_undecided():
    close = {
        "band_power_ratio": {"plain": 0.9, "sharp": 0.901, "sharper": 0.5},
        "rmse": {"plain": 7.2e-6, "sharp": 7e-6, "sharper": 8e-6},
    }
    first = sentences(made(close, spread=0.002))[0]
    assert "sharp is narrowly closest to the truth in pointwise error" in first
    assert "small-scale power is undecided" in first


def test_one_model_is_called_nothing():
    text = sentences(made({name: {"plain": of["plain"]} for name, of in WINNER.items()}))
    assert len(text) == 1 and text[0].startswith("Only plain was evaluated, so no model can be called best: ")
    assert "9.00" in text[0] and "0.500" in text[0]


def test_without_intervals_nobody_is_best():
    tree = made(WINNER)
    for end in ("low", "high"):
        tree["scores"][end] = tree["scores"][end] * np.nan
    text = sentences(tree)
    assert text[0] == "Undecided: the evaluation has no intervals, so no model is called best."
    assert "sharp in small-scale power" in text[1]


def test_missing_values_lead_nothing():
    holed = {**WINNER, "rmse": {"plain": 9e-6, "sharp": np.nan, "sharper": 8e-6}}
    table = scorecard_table(made(holed))
    found = {one.question: one.leader for one in findings({"vorticity": table})}
    assert found["pointwise error"] == "sharper"
    assert table["state"].sel(model="sharp", measure="rmse") == Verdict.UNDEFINED.value
    assert cell_text(table.sel(model="sharp", measure="rmse")) == "–"


def test_improvements_follow_their_definition():
    table = scorecard_table(made(WINNER))
    at = table["improvement"].sel(model="sharp")
    assert float(at.sel(measure="rmse")) == pytest.approx(1 - 7 / 9)
    assert float(at.sel(measure="band_power_ratio")) == pytest.approx(1 - np.log(0.98) / np.log(0.5))
    assert "psnr" not in table["measure"].values
    assert (table["improvement"].sel(model="plain") == 0).all()


def test_rounding_errors_are_not_compared():
    exact = {"block_mean_error": {"plain": 6e-8, "sharp": 9e-8, "sharper": 0.1}}
    table = scorecard_table(made(exact)).sel(measure="block_mean_error")
    assert list(table["state"].values) == ["reference", ROUNDING, Verdict.FURTHER.value]
    assert list(table["sure"].values) == [False, False, True]
    assert [cell_text(table.sel(model=name)) for name in ("plain", "sharper")] == ["0", "0.10"]


def test_cities_are_counted_by_the_ten_per_cent_rule():
    tree = made(WINNER, shares={"plain": 1.0, "sharp": 0.5, "sharper": 0.95})
    table = scorecard_table(tree).sel(measure="cities_1")
    assert [int(table[way].sel(model="sharp")) for way in ("better", "worse")] == [10, 0]
    assert [int(table[way].sel(model="sharper")) for way in ("better", "worse")] == [0, 0]
    assert cell_text(table.sel(model="sharp")) == "10:0" and cell_text(table.sel(model="plain")) == "–"
    assert table["state"].sel(model="sharp") == Verdict.NO_INTERVAL.value


@pytest.fixture(scope="module")
def shipped():
    return open_evaluation(asset_folder("results") / "evaluation.nc")


def test_decisions_turn_with_the_reference(shipped):
    stored = str(shipped.attrs["reference"])
    forth = scorecard_table(shipped, field="divergence")
    turned = {"closer": "further", "further": "closer"}
    for other in map(str, forth["model"].values):
        if other == stored:
            continue
        back = scorecard_table(shipped, field="divergence", reference=other)
        for measure in map(str, forth["measure"].values):
            one = str(forth["state"].sel(model=other, measure=measure).item())
            two = str(back["state"].sel(model=stored, measure=measure).item())
            assert two == turned.get(one, one), (other, measure)
            a, b = (
                tuple(int(t[way].sel(model=m, measure=measure)) for way in ("better", "worse"))
                if measure.startswith("cities")
                else ()
                for t, m in ((forth, other), (back, stored))
            )
            assert a == b[::-1]


def test_the_shipped_scorecard_holds_the_numbers_of_the_file(shipped):
    table = scorecard_table(shipped, field="vorticity")
    scores = shipped["scores"].to_dataset().sel(field="vorticity")
    one = table.sel(model="srgan-4x-atmodist", measure="rmse")
    of = scores.sel(model="srgan-4x-atmodist", measure="rmse")
    assert float(one["value"]) == float(of["value"]) and float(one["low"]) == float(of["low"])
    other = float(scores["value"].sel(model=shipped.attrs["reference"], measure="rmse"))
    assert float(one["improvement_low"]) == pytest.approx(float(of["advantage_low"]) / other)
    verdicts = shipped["verdicts"].to_dataset().sel(field="vorticity", box=3, candidate="srgan-4x-atmodist")
    at = table.sel(model="srgan-4x-atmodist", measure="cities_3")
    assert (int(at["better"]), int(at["worse"])) == (int(verdicts["better"]), int(verdicts["worse"]))
    assert float(at["low"]) == float(verdicts["improved_to_degraded_low"])
    groups = [list(GROUPS).index(str(name)) for name in table["group"].values]
    assert groups == sorted(groups)
    headline = headline_of([str(name) for name in table["measure"].values])
    assert set(headline) <= set(HEADLINE) and "rmse" in headline and "cities_1" in headline


def test_pairs_beside_the_reference_need_intervals_that_do_not_overlap():
    table = scorecard_table(made(WINNER))
    assert pair_verdict(table, "rmse", "sharp", "sharper") is Verdict.CLOSER
    assert pair_verdict(table, "rmse", "plain", "sharp") is Verdict.FURTHER
    wide = scorecard_table(made(WINNER, spread=0.2))
    assert pair_verdict(wide, "rmse", "sharp", "sharper") is Verdict.UNDECIDED


def test_unknown_names_are_said():
    with pytest.raises(UserError, match="Expected a model among plain, sharp, sharper, found 'x'"):
        scorecard_table(made(WINNER), reference="x")
    with pytest.raises(UserError, match="Expected a field among vorticity"):
        scorecard_table(made(WINNER), field="rain")
    with pytest.raises(UserError, match="evaluation with scores"):
        scorecard_table(xr.DataTree.from_dict({"/spectra": xr.Dataset()}))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_can_be_read_on_every_colour_of_the_scale(theme):
    def luminance(colour):
        parts = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    for colour in scale_colours(theme, 41):
        one, two = sorted((luminance(colour), luminance(text_colour(colour))))
        assert (two + 0.05) / (one + 0.05) > 4.0, colour
    assert cell_colour(float("nan"), theme) == cell_colour(0.0, theme)
    assert scale_colours(theme)[0] == cell_colour(-3, theme)
