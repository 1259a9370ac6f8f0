"""Adaptation: splits in time, refusals, the clock, resuming, models that load, and the verdict from numbers."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import xarray as xr

import atmodist_core as ad
from atmodist_core.models.fit import role_of
from atmodist_core.models.store import save_downscaler
from atmodist_core.networks import Generator, GeneratorConfig
from atmodist_core.training.adaptation import adaptation as adapting
from atmodist_core.training.adaptation.adaptation import adapt
from atmodist_core.training.adaptation.adaptation_data import split_times
from atmodist_core.training.adaptation.adaptation_scores import LOWER, UPPER, ScoredModels
from atmodist_core.training.adaptation.starts import best_distance, choose_starts, patch_size
from atmodist_core.training.adaptation.validation_scores import ValidationScores, halves_of, objective
from atmodist_core.training.adaptation.verdict import HELPED, NOT_HELPED, TOO_LITTLE, verdict_of
from atmodist_core.training.configuration import AdaptationConfig
from tests.networks.mock_models import card
from tests.networks.test_models_for import TRAITS


def _area(times: int = 60, rows: int = 40, columns: int = 48, gap: bool = False) -> xr.Dataset:
    """Hourly moving waves and noise on a limited area."""
    rng = np.random.default_rng(3)
    t, y, x = np.meshgrid(np.arange(times), np.arange(rows), np.arange(columns), indexing="ij")
    waves = np.sin(0.5 * x + 0.3 * t) * np.cos(0.4 * y) + 0.5 * np.sin(1.3 * x + 0.9 * y + t)
    dims = ("time", "latitude", "longitude")
    values = {
        name: (waves + 0.3 * rng.standard_normal(waves.shape)) * 3e-5 for name in ("vorticity", "divergence")
    }
    if gap:
        for field in values.values():
            field[:, :4, :4] = np.nan
    return xr.Dataset(
        {name: (dims, field.astype(np.float32), {"units": "s-1"}) for name, field in values.items()},
        {
            "time": np.datetime64("2020-01-01", "ns") + np.arange(times) * np.timedelta64(1, "h"),
            "latitude": ("latitude", 50 - 0.25 * np.arange(rows), {"units": "degrees_north"}),
            "longitude": ("longitude", 0.25 * np.arange(columns), {"units": "degrees_east"}),
        },
        {"level": "10 m"},
    )


@pytest.fixture
def small_model(tmp_path):
    """A small generator of factor 4, as a start that is quick to train."""
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(filters=8, blocks=2, residual=True))
    loss = {"content": "mse", "adversarial_weight": 0.03}
    save_downscaler(tmp_path / "tiny-mse", generator, card("tiny-mse", loss=loss))
    return tmp_path / "tiny-mse"


def _config(tmp_path, model, **changes) -> AdaptationConfig:
    file = tmp_path / "area.nc"
    if not file.exists():
        _area().to_netcdf(file, engine="h5netcdf")
    like = AdaptationConfig(
        data=(str(file),),
        minutes=0.1,
        out=tmp_path / "out",
        models=(str(model),),
        device="cpu",
        progress=False,
    )
    return dataclasses.replace(like, **changes)


def test_times_are_split_in_order_with_gaps():
    times = np.datetime64("2020-01-01") + np.arange(200) * np.timedelta64(1, "h")
    split = split_times(times, 0.2)
    assert len(split.scored) == 40 and split.scored[-1] == 199
    assert split.gap_hours == pytest.approx(0.05 * 199)
    assert split.scored[0] - split.validation[-1] > split.gap_hours
    assert split.validation[0] - split.training[-1] > split.gap_hours
    assert split.training[0] == 0 and len(split.training) > 100


def test_added_scales_are_cut_in_halves():
    share = np.array([0.2, 0.25, 0.3, 0.5, 0.6, 0.9, 0.95])
    lower, upper = halves_of(share, 4)
    assert lower.tolist() == [False, False, True, True, False, False, False]
    assert upper.tolist() == [False, False, False, False, True, True, False]
    lower, upper = halves_of(share, 4, end=0.5)  # nothing beyond the truncation
    assert not upper[4:].any() and lower[2] and upper[3]


@pytest.mark.slow
def test_adapting_writes_models_report_and_scores_within_the_time(tmp_path, small_model):
    result = adapt(_config(tmp_path, small_model))
    assert result is not None and list(result.verdicts) == ["out-4x-mse"]
    plan = json.loads((tmp_path / "out" / "work" / "adaptation.json").read_text())
    assert plan["seconds"] < 90  # of which drawing the report and loading libraries are not trained away
    model = ad.load_downscaler(tmp_path / "out" / "models" / "out-4x-mse")
    assert model.card.schedule["start_model"] == "tiny-mse" and model.card.area[0] == pytest.approx(
        50 - 0.25 * 39
    )
    assert np.isfinite(model(ad.coarsen(_area().isel(time=[0]))).vorticity).all()
    page = (tmp_path / "out" / "report.html").read_text()
    assert result.verdicts["out-4x-mse"].sentence in page.replace("&#39;", "'") and "data:image/png" in page
    assert "http" not in page.split("<body")[1]
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert set(scores["scores"]) == {"bicubic", "tiny-mse", "out-4x-mse"}
    assert {"rmse", "wasserstein", LOWER, UPPER, "pattern_modulated"} <= set(scores["scores"]["bicubic"])


@pytest.mark.slow
def test_a_stopped_adaptation_is_resumed(tmp_path, small_model):
    steps = []
    assert (
        adapt(
            _config(tmp_path, small_model, minutes=1.0), stop=lambda: bool(steps.append(1)) or len(steps) > 3
        )
        is None
    )
    with pytest.raises(ad.UserError, match="add --resume"):
        adapt(_config(tmp_path, small_model))
    with pytest.raises(ad.UserError, match="--seed"):
        adapt(_config(tmp_path, small_model, resume=True, seed=5))
    assert adapt(_config(tmp_path, small_model, resume=True)) is not None
    made = json.loads((tmp_path / "out" / "models" / "out-4x-mse" / "card.json").read_text())
    assert made["schedule"]["steps"] >= 4


@pytest.mark.slow
def test_points_may_be_missing_at_all_times(tmp_path, small_model):
    _area(gap=True).to_netcdf(tmp_path / "area.nc", engine="h5netcdf")
    result = adapt(_config(tmp_path, small_model, minutes=0.05))
    assert result is not None


@pytest.mark.parametrize(
    ("dataset", "changes", "sentence"),
    [
        (_area(times=6), {}, "at least 12 times on 32 x 32 points"),
        (_area(rows=20), {}, "found 60 on 20 x 48"),
        (_area(), {"minutes": -1.0}, "--minutes"),
        (_area(), {"scored_fraction": 0.9}, "--scored-fraction"),
        (_area(), {"factor": 3}, "--factor"),
        (_area(), {"data": ()}, "--data"),
        (_area(), {"models": ("no-such-model",)}, "no-such-model"),
        (_area(), {"models": ("atmodist-23",)}, "downscaler"),
        (_area(), {"resume": True}, "none there"),
        (_area().drop_vars("divergence"), {}, "divergence"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(tmp_path, small_model, dataset, changes, sentence):
    dataset.to_netcdf(tmp_path / "area.nc", engine="h5netcdf")
    with pytest.raises(ad.UserError, match=sentence) as caught:
        adapt(_config(tmp_path, small_model, **changes))
    assert "\n" not in str(caught.value)


def test_starts_are_the_best_fits_of_each_kind():
    config = AdaptationConfig(data=("x",))
    starts = choose_starts(config, TRAITS, training_seconds=1e4)
    assert starts[0].role == "atmodist" and starts[-1].role == "mse"
    assert all(start.card.factor == 4 and role_of(start.card) == start.role for start in starts)
    assert len(choose_starts(config, TRAITS, training_seconds=100.0)) == 1
    with pytest.raises(ad.UserError, match="factor of 16"):
        choose_starts(dataclasses.replace(config, factor=16), TRAITS, 100.0)
    assert best_distance(TRAITS).is_dir()


def test_patches_fit_the_area():
    assert [patch_size(*shape) for shape in ((105, 121), (40, 200), (33, 33))] == [64, 32, 32]


def test_weights_are_chosen_by_what_a_model_claims():
    start = ValidationScores(log_power=0.5, error=1.0, crps=0.5)
    powerful = ValidationScores(log_power=0.1, error=1.02, crps=0.5)
    accurate = ValidationScores(log_power=0.5, error=0.95, crps=0.5)
    wild = ValidationScores(log_power=0.0, error=1.2, crps=0.5)
    assert objective("atmodist", powerful, start) < objective("atmodist", accurate, start)
    assert objective("atmodist", start, start) < objective("atmodist", wild, start)
    assert objective("mse", accurate, start) < objective("mse", powerful, start)
    assert objective("ensemble", ValidationScores(0.5, 1.0, 0.4), start) < objective("ensemble", start, start)


def _scored(
    own: list[tuple[float, float]], times: int = 20, pattern: float = 0.01, earlier: float = 0.01
) -> ScoredModels:
    """Power ratio and rmse of the adapted model over all times, the first and the second half; the start has 0.5 and 1."""

    def scores(power: float, rmse: float, grid: float = earlier) -> dict[str, list[float]]:
        return {LOWER: [power], UPPER: [power], "rmse": [rmse], "crps": [rmse], "pattern_modulated": [grid]}

    parts = [{"before": scores(0.5, 1.0), "after": scores(*each, pattern)} for each in own]
    return ScoredModels(["vorticity"], ["s-1"], times, *parts, share=np.zeros(1), spectra={})


@pytest.mark.parametrize(
    ("role", "own", "times", "outcome"),
    [
        ("atmodist", [(0.8, 1.0)] * 3, 20, HELPED),
        ("atmodist", [(0.5, 0.9)] * 3, 20, NOT_HELPED),
        ("atmodist", [(0.8, 1.0), (0.8, 1.0), (0.4, 1.0)], 20, TOO_LITTLE),
        ("atmodist", [(0.8, 1.0)] * 3, 6, TOO_LITTLE),
        ("mse", [(0.5, 0.9)] * 3, 20, HELPED),
        ("mse", [(0.9, 1.2)] * 3, 20, NOT_HELPED),
        ("ensemble", [(0.5, 0.8)] * 3, 20, HELPED),
        ("ensemble", [(0.3, 0.8)] * 3, 20, NOT_HELPED),
    ],
)
def test_the_verdict_follows_from_the_numbers(role, own, times, outcome):
    verdict = verdict_of(role, _scored(own, times), "after", "before")
    assert verdict.outcome == outcome and outcome.split()[-1] in verdict.sentence.lower()
    assert "no pattern of the coarse grid" in verdict.sentence


def test_the_verdict_tells_numbers_and_patterns():
    verdict = verdict_of("atmodist", _scored([(0.8, 1.03)] * 3, pattern=0.2), "after", "before")
    assert verdict.has_pattern and "show a pattern of the coarse grid" in verdict.sentence
    assert f"log error {abs(math.log(0.8)):.2f} instead of {abs(math.log(0.5)):.2f}" in verdict.sentence
    assert "root mean square error 3 % larger" in verdict.sentence and "20 times" in verdict.sentence


def test_a_pattern_that_the_start_had_too_is_told():
    verdict = verdict_of("atmodist", _scored([(0.8, 1.0)] * 3, pattern=0.36, earlier=0.81), "after", "before")
    assert (
        not verdict.has_pattern
        and "pattern of the coarse grid (strength 0.36, before: 0.81)" in verdict.sentence
    )


def test_names_say_what_the_models_are(tmp_path):
    starts = choose_starts(AdaptationConfig(data=("x",)), TRAITS, 1e4)
    names = adapting._names(AdaptationConfig(out=tmp_path / "My area (HRRR)"), starts)
    assert names[0] == "My-area-HRRR-4x-atmodist" and names[-1] == "My-area-HRRR-4x-mse"
    twice = adapting._names(AdaptationConfig(out=tmp_path / "a"), [starts[0], starts[0]])
    assert twice[0] == f"a-{starts[0].card.name}"
