"""Ensembles against a conditional distribution that is known: common large scales, independent small scales."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.conditional import (
    NUDGED,
    conditional_statistics,
    open_nudged,
    small_scale_differences,
)
from atmodist_core.evaluation.ensembles.conditional_tables import (
    conditional_table,
    open_share,
    small_scale_scores,
)
from atmodist_core.evaluation.run.models import EvaluatedModel
from atmodist_core.harmonics.global_transform import truncated
from atmodist_core.simulation import (
    AtmosphereConfig,
    NudgingConfig,
    SimulationConfig,
    run_nudged_simulation,
    run_simulation,
)
from tests.evaluation.mock_fields import globe
from train import evaluate

DEGREE, ROWS, MEMBERS = 11, 48, 5


def small_scales(seed):
    """Fields without degrees up to the nudged one."""
    made = globe(ROWS, times=2, slope=-1.0, seed=seed)
    return made - truncated(made, DEGREE)


@pytest.fixture(scope="module")
def states():
    """A reference and members: the same large scales, small scales of their own."""
    base = globe(ROWS, times=2, slope=-1.0, seed=0)
    large = truncated(base, DEGREE)
    made = [(large + small_scales(seed)).astype(np.float32) for seed in range(1, MEMBERS + 2)]
    return xr.concat(made, "member").assign_attrs(truncation=ROWS // 2 - 1)


class Generator:
    """Draws the true large scales and small scales of its own, ``amplitude`` times as strong."""

    factor, name = 4, "known"

    def __init__(self, states, amplitude=1.0):
        self._large, self._amplitude, self._seed = truncated(states, DEGREE), amplitude, 100

    def __call__(self, coarse, *, region=None, members=None, seed=0):
        moment = coarse["time"].values
        drawn = []
        for _ in range(members or 1):
            self._seed += 1
            noise = small_scales(self._seed).sel(time=self._large.time[:1]).assign_coords(time=moment)
            drawn.append(
                (self._large.isel(member=0).sel(time=moment) + self._amplitude * noise).astype(np.float32)
            )
        return xr.concat(drawn, "member") if members else drawn[0]


@pytest.fixture(scope="module")
def results(states):
    models = [
        EvaluatedModel("calibrated", Generator(states), {}, MEMBERS),
        EvaluatedModel("timid", Generator(states, 0.5), {}, MEMBERS),
        EvaluatedModel("single", Generator(states), {}),
    ]
    return conditional_statistics(states, models, degree=DEGREE)


def test_independent_small_scales_leave_all_their_power_open(results):
    share = open_share(results).sel(field="vorticity").isel(total_wavenumber=slice(1, None))
    for model in (NUDGED, "calibrated"):
        np.testing.assert_allclose(share.sel(model=model)[:DEGREE], 0, atol=1e-9)
        assert float(share.sel(model=model)[DEGREE:].mean()) == pytest.approx(1, abs=0.1)
    assert float(share.sel(model="timid")[DEGREE:].mean()) == pytest.approx(0.25, abs=0.03)
    assert share.sel(model="single").isnull().all()


def test_variance_and_error_are_those_of_their_definition(states, results):
    """Summed over all degrees they are area means of the variance at points."""
    members, truth = states["vorticity"].values[1:, 0], states["vorticity"].values[0, 0]
    weights = ad.evaluation.area_weights(states)
    expected = {
        "variance": (members.var(axis=0, ddof=1, dtype=float) * weights).sum(),
        "error": (np.square(members.mean(axis=0, dtype=float) - truth) * weights).sum(),
        "truth_power": (np.square(truth, dtype=float) * weights).sum(),
    }
    found = results.sel(model=NUDGED, field="vorticity").isel(time=0)
    for name, value in expected.items():
        assert float(found[name].sum()) == pytest.approx(value, rel=1e-3), name


def test_belts_add_up_to_the_globe(states, results):
    from atmodist_core.evaluation.ensembles.calibration import belt_weights

    weights = ad.evaluation.area_weights(states)
    rows = belt_weights(states) > 0
    area = np.array([weights[belt].sum() for belt in rows])
    found = results.sel(field="divergence")
    for of_belts, whole in (("belt_variance", "variance"), ("belt_truth_power", "truth_power")):
        total = (found[of_belts] * xr.DataArray(area, dims="belt")).sum("belt", min_count=1)
        small = (
            found[whole].isel(total_wavenumber=slice(DEGREE + 1, None)).sum("total_wavenumber", min_count=1)
        )
        np.testing.assert_allclose(total, small, rtol=1e-3)


def test_scores_of_calibrated_and_timid_ensembles(results):
    scores = small_scale_scores(results).mean("time").sel(field="vorticity")
    for model in (NUDGED, "calibrated"):
        one = scores.sel(model=model)
        assert float(one["spread_error"]) == pytest.approx(1, abs=0.06)
        assert float(one["open_share"]) == pytest.approx(1, abs=0.1)
        assert float(one["rank_deviation"]) < 0.2
    timid = scores.sel(model="timid")
    assert float(timid["spread_error"]) < 0.6 and float(timid["rank_deviation"]) > 0.5
    single = scores.sel(model="single")
    assert np.isnan(single["spread"]) and np.isnan(single["rank_deviation"])
    # two independent draws differ by twice the variance
    ratio = float(single["error"] ** 2 / scores.sel(model="calibrated")["spread"] ** 2)
    assert ratio == pytest.approx(2, abs=0.2)


def test_block_means_see_a_share_of_the_variance(states, results):
    fine = states["vorticity"].isel(member=slice(1, None))
    coarse = ad.coarsen(states, 4)["vorticity"].isel(member=slice(1, None))
    variances = [
        float(
            (each.var("member") * ad.evaluation.area_weights(each.to_dataset(name="x")))
            .sum("latitude")
            .sum("longitude")[0]
        )
        for each in (coarse, fine)
    ]
    found = results["block_mean_share"].sel(model=NUDGED, field="vorticity").isel(time=0)
    assert float(found) == pytest.approx(variances[0] / variances[1], rel=1e-4)
    assert 0 < float(found) < 1


def test_the_table_has_every_model_with_its_range(results):
    text = conditional_table(results)
    for label in (NUDGED, "calibrated", "timid", "single"):
        assert text.count(f"| {label} |") == 2
    assert f"degrees {DEGREE + 1} to" in text and "nan" not in text


def test_results_are_drawn(results):
    overlay = ad.plots.open_share(results)
    shown = {layer.label: layer for layer in overlay if type(layer).__name__ == "Curve"}
    assert set(shown) == {NUDGED, "calibrated", "timid"}
    expected = open_share(results).sel(field="vorticity", model="timid").values[1:]
    np.testing.assert_allclose(shown["timid"].dimension_values(1), expected)
    with pytest.raises(UserError, match="results of train/evaluate"):
        ad.plots.open_share(results.drop_attrs())


def test_differences_of_equal_unrelated_and_opposite_small_scales(states):
    first, second = states.isel(member=[0]), states.isel(member=[1])
    opposite = 2 * truncated(first, DEGREE) - first
    found = small_scale_differences(
        xr.concat([first, first, second, opposite.assign_attrs(states.attrs)], "member").assign_attrs(
            states.attrs
        ),
        degree=DEGREE,
    ).sel(field="divergence")
    for other, expected in ((0, 0.0), (1, 0.0), (2, 1.0), (3, 2.0)):
        np.testing.assert_allclose(
            found.isel(member=0, other=other), expected, atol=0.1 if other == 2 else 1e-5
        )


def test_fewer_truths_are_fewer_calls_of_a_model(states):
    calls = []

    class Counting(Generator):
        def __call__(self, coarse, **options):
            calls.append(coarse)
            return super().__call__(coarse, **options)

    one_time = states.isel(time=[0])
    model = EvaluatedModel("single", Counting(one_time), {})
    conditional_statistics(one_time, [model], degree=DEGREE, truths=2)
    assert len(calls) == 2


def test_too_few_members_are_said(states):
    with pytest.raises(UserError, match="two or more nudged members"):
        conditional_statistics(states.isel(member=slice(2)), [], degree=DEGREE)


def test_the_command_reads_nudged_simulations(tmp_path, capsys):
    atmosphere = AtmosphereConfig().at(truncation=31, latitude_count=48, step_minutes=20.0)
    simulation = SimulationConfig(
        atmosphere=atmosphere, ladder=(), settle_days=0.0, days=0.25, kept_truncation=31
    )
    source = run_simulation(simulation, tmp_path / "source")
    config = NudgingConfig(nudge_from=source, nudged_members=2, nudged_degree=16, nudged_days=0.5)
    folder = run_nudged_simulation(config, tmp_path / "nudged")
    states, degree = open_nudged(folder)
    assert states.sizes["member"] == 3 and states.sizes["time"] == 4 and degree == 16
    command = f"--conditional {folder} --models bicubic --members 2 --every-hours 6 --out {tmp_path / 'out'} --no-progress"
    assert evaluate.main(command.split()) == 0
    with xr.open_dataset(tmp_path / "out" / "conditional.nc") as written:
        assert written["model"].values.tolist() == [NUDGED, "bicubic"] and written.sizes["time"] == 2
        assert float(written["variance"].sel(model=NUDGED).sum()) > 0
    assert "bicubic" in capsys.readouterr().out
    with pytest.raises(UserError, match="--members 2 or more"):
        evaluate.main(["--conditional", str(folder)])
    with pytest.raises(UserError, match="Expected nudged simulations"):
        open_nudged(source)
