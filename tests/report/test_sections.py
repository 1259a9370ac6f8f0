"""Sections follow the groups of the file, and their numbers are those of the file."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.evaluation.values import quantile_ratio, time_pieces
from atmodist_core.figures.method_styles import distinct_method_styles
from atmodist_core.figures.report.build import report_of
from atmodist_core.figures.report.document import Bullets, Paragraph, Picture
from atmodist_core.figures.report.reading import Evaluation, estimate
from atmodist_core.figures.report.sections.cities import cities_section, drawn_cities
from atmodist_core.figures.report.sections.ensembles import ensembles_section
from atmodist_core.figures.report.sections.opening import measures_section, summary_section
from atmodist_core.figures.report.sections.spectra import spectra_section
from tests.report.evaluation_fixture import GROUPS, LABELS, evaluation_tree, write_evaluation
from tests.report.known_methods import ratio

PAIR = LABELS[1:]


def evaluation(labels=PAIR, fields=("vorticity",), **choices) -> Evaluation:
    tree = evaluation_tree(labels, fields, **choices)
    return Evaluation(tree, tuple(label for label in labels if label != "srgan-4x-mse"))


def words(section) -> str:
    texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    return " ".join([*texts, *(item for b in section.blocks if isinstance(b, Bullets) for item in b.items)])


def test_missing_groups_leave_out_their_sections_and_say_so():
    report = report_of(evaluation(groups=("spectra",)), title="T", command="c")
    assert [s.identifier for s in report.sections] == ["data", "spectra", "limits", "making"]
    said = words(report.sections[2])
    for name in set(GROUPS) - {"spectra"}:
        assert f"no group '{name}'" in said
    assert "no group 'spectra'" not in said


def test_sections_with_results_say_what_they_do_not_show():
    report = report_of(
        evaluation(groups=("spectra", "semivariogram", "scores", "values", "extremes", "distance")),
        title="T",
        command="c",
    )
    found = {section.identifier: section for section in report.sections}
    results = {
        "summary",
        "spectra",
        "semivariogram",
        "values",
        "extremes",
        "scores",
        "conservation",
        "measures",
        "distance",
    }
    assert set(found) == results | {"data", "limits", "making"}
    assert all(found[name].not_shown for name in results | {"data"})
    assert len(set(report.numbers().values())) == len(report.pictures()) + len(report.tables())
    assert "better than chance" in words(found["distance"])
    assert "l2 after" in words(found["distance"])


def test_spectral_sentence_has_the_ratio_of_the_known_methods():
    said = words(spectra_section(evaluation()))
    percent = {label: f"{100 * ratio(label, 'vorticity'):.0f} %" for label in PAIR}
    assert f"MSE GAN has {percent['srgan-4x-mse']} [" in said
    assert f"AtmoDist GAN {percent['srgan-4x-atmodist']} [" in said
    assert "Closer to the truth than MSE GAN: AtmoDist GAN." in said


def test_the_mean_ratio_is_taken_from_the_spectra_where_there_are_no_scores():
    said = words(spectra_section(evaluation(groups=("spectra",))))
    assert f"MSE GAN has {100 * ratio('srgan-4x-mse', 'vorticity'):.0f} % of" in said
    assert "No interval" in said and "Closer" not in said


def test_without_the_truth_there_is_no_ratio():
    tree = evaluation_tree(PAIR, ("vorticity",), groups=("spectra",))
    alone = tree["spectra"].to_dataset().sel({"model": list(PAIR)})
    kept = xr.DataTree.from_dict({"/spectra": alone})
    kept.attrs = tree.attrs
    assert "ithout a spectrum of the truth" in words(spectra_section(Evaluation(kept, PAIR[1:])))


def test_the_candidate_that_loses_is_told_so():
    tree = evaluation_tree(LABELS, ("vorticity",), groups=("scores",))
    said = words(summary_section(Evaluation(tree, ("bicubic",))))
    assert "No model is best in everything: AtmoDist GAN is closest to the truth in small-scale power" in said
    assert "MSE GAN is closest to the truth in pointwise error" in said and "bicubic is" not in said
    whole = measures_section(Evaluation(tree, ("bicubic",))).blocks[0].figure
    rows = [text.get_text() for text in whole.axes[0].get_yticklabels()]
    assert any(row.startswith("power above the band") for row in rows) and len(rows) == 9


def test_nothing_is_claimed_without_intervals():
    report = report_of(
        evaluation(intervals=False, groups=("scores", "cities", "verdicts")), title="T", command="c"
    )
    said = " ".join(words(section) for section in report.sections)
    assert "no difference is claimed" in said and "no interval, so no difference" in said
    assert "is closer to the truth" not in said and "Closer to the truth" not in said


def test_one_model_is_compared_with_nothing():
    alone = evaluation(labels=("bicubic",), groups=("spectra", "scores", "cities"))
    report = report_of(alone, title="T", command="c")
    said = " ".join(words(section) for section in report.sections)
    assert (
        "Only bicubic was evaluated, so no model can be called best" in said
        and "There is no reference" in said
    )
    assert "MSE GAN" not in said


def test_simulated_weather_is_called_so():
    def said(**choices):
        report = report_of(evaluation(groups=("scores",), **choices), title="T", command="c")
        assert [section.identifier for section in report.sections[:2]] == ["summary", "data"]
        return [words(section) for section in report.sections[:2]]

    opening, data = said()
    assert "dry model atmosphere" in data and "240 times within 30 days of simulated weather" in opening
    opening, data = said(simulated=False)
    assert "dry model" not in data and "simulated" not in opening


def test_many_candidates_get_short_sentences_at_cities():
    labels = (*LABELS, "sr-4x-mse")
    said = words(cities_section(evaluation(labels=labels, groups=("cities", "verdicts"))))
    assert "significantly better at" not in said and said.count("improved-to-degraded ratio") == 3


def test_cities_are_those_asked_for_or_chosen_by_the_numbers():
    tree = evaluation_tree(PAIR, ("vorticity",), groups=("cities",))
    table = tree["cities"].to_dataset()
    chosen, reason = drawn_cities(Evaluation(tree, PAIR[1:]), table)
    distances = table["wasserstein"].sel(field="vorticity", box=3)
    gain = distances.sel({"model": PAIR[0]}) / distances.sel({"model": PAIR[1]})
    gain = gain.where(gain["city"] != "Seattle", drop=True)
    assert chosen[:3] == ["Seattle", str(gain.idxmax().item()), str(gain.idxmin().item())]
    assert "not typical" in reason
    asked, reason = drawn_cities(Evaluation(tree, PAIR[1:], ("Abuja",)), table)
    assert asked == ["Abuja"] and "Selected by" in reason


def test_ratios_of_quantiles_keep_the_order_of_their_ends():
    table = evaluation_tree(PAIR, ("vorticity",), groups=("values",))["values"].to_dataset()
    ratios = quantile_ratio(table, "vorticity")
    lowest, middle = ratios.sel({"model": PAIR[0]}).isel(probability=0), ratios.sel(probability=0.5)
    assert float(lowest["low"]) < float(lowest["value"]) < float(lowest["high"]) < 1
    assert np.isnan(middle["value"]).all(), "the median is near zero: nothing to divide by"


def test_lines_over_time_break_at_gaps_and_average_within_pieces():
    hours = np.concatenate([np.arange(1000) * 3, 20000 + np.arange(500) * 3])
    pieces = time_pieces(np.datetime64("2001-01-01", "s") + hours.astype("timedelta64[h]"))
    assert sum(piece.size for piece in pieces) == 1500 and len(pieces) < 260
    empty = [k for k, piece in enumerate(pieces) if not piece.size]
    assert len(empty) == 1 and pieces[empty[0] - 1][-1] == 999 and pieces[empty[0] + 1][0] == 1000


def test_an_interval_with_one_end_is_none():
    table = xr.Dataset(
        {
            "improved_to_degraded": ("box", [2.0]),
            "improved_to_degraded_low": ("box", [1.0]),
            "improved_to_degraded_high": ("box", [np.nan]),
        }
    )
    found = estimate(table.assign_coords(box=[1]), "improved_to_degraded", box=1)
    assert found.value == 2 and np.isnan([found.low, found.high]).all()
    assert estimate(xr.Dataset({"a": 1.0}), "a").value == Estimate(1.0, 0, 0).value


def test_known_methods_keep_their_look_among_others():
    styles = distinct_method_styles(["srgan-4x-mse", "truth", *(f"run-{n}" for n in range(12))])
    assert styles["srgan-4x-mse"].colour == "#e69f00" and styles["truth"].colour is None
    assert len({(look.colour, look.dashes) for look in styles.values()}) == len(styles)


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"candidates": ["srgan-5x"]}, "--candidate among srgan-4x-mse, srgan-4x-atmodist, found 'srgan-5x'"),
        ({"candidates": ["srgan-4x-mse"]}, "other than the reference"),
        ({"cities": ["Atlantis"]}, "--cities among the 31 of the evaluation, found 'Atlantis'"),
    ],
)
def test_wrong_labels(tmp_path, choices, sentence):
    path = write_evaluation(
        tmp_path / "evaluation.nc", labels=PAIR, fields=("vorticity",), groups=("cities",)
    )
    with pytest.raises(UserError, match=sentence):
        Evaluation.read(path, **choices)


def test_wrong_files(tmp_path):
    with pytest.raises(UserError, match="found none"):
        Evaluation.read(tmp_path / "missing.nc")
    (tmp_path / "text.nc").write_text("no NetCDF")
    with pytest.raises(UserError, match="cannot be read as NetCDF"):
        Evaluation.read(tmp_path / "text.nc")
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(UserError, match="without evaluation_version"):
        Evaluation.read(tmp_path / "other.nc")
    tree = evaluation_tree(PAIR, ("vorticity",), groups=("spectra",))
    tree.attrs["evaluation_version"] = 99
    tree.to_netcdf(tmp_path / "newer.nc", engine="h5netcdf")
    with pytest.raises(UserError, match="found version 99"):
        Evaluation.read(tmp_path / "newer.nc")


def test_ensembles_have_a_section_with_their_calibration():
    whole = evaluation()
    assert ensembles_section(whole) is None
    labels = list(whole.labels)
    ranks = np.full((len(labels), 1, 1, 9), np.nan)
    ranks[0] = np.array([0.2, *[0.1] * 8])
    table = xr.Dataset(
        {
            "rank_share": (("model", "field", "area_part", "rank"), ranks),
            "spread_error_by_wavenumber": (
                ("model", "field", "wavenumber"),
                np.full((len(labels), 1, 30), 0.9),
            ),
        },
        {
            "model": labels,
            "field": ["vorticity"],
            "members": ("model", [8] + [1] * (len(labels) - 1)),
            "area_part": ["area"],
        },
    )
    whole.tree["ensembles"] = xr.DataTree(table)
    section = ensembles_section(whole)
    picture = next(block for block in section.blocks if isinstance(block, Picture))
    left, right = picture.figure.axes[:2]
    np.testing.assert_allclose(left.patches[0].get_data().values, np.array([1.8, *[0.9] * 8]))
    np.testing.assert_allclose(right.lines[0].get_ydata(), 0.9)
    assert section.not_shown and section.title == "Ensembles"
