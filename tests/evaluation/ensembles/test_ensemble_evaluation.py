"""Ensembles in the one evaluation: models whose calibration is known, and stores that any run completes."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import (
    coherence,
    crps,
    energy_score,
    rank_histogram,
    spread_skill,
    variogram_score,
)
from atmodist_core.evaluation.bootstrap import Bootstrap
from atmodist_core.evaluation.ensembles.ensemble_results import city_sample_results, ensemble_results
from atmodist_core.evaluation.results.build import evaluation_tree
from atmodist_core.evaluation.results.evaluation_result import evaluation_result
from atmodist_core.evaluation.results.file import open_evaluation, write_evaluation
from atmodist_core.evaluation.results.tables import plain_values, table
from atmodist_core.evaluation.results.targets import targets, targets_table
from atmodist_core.evaluation.run.data import open_evaluation_data
from atmodist_core.evaluation.run.evaluation import PreparedEvaluation
from atmodist_core.evaluation.run.member_run import MemberRun, Selection
from atmodist_core.evaluation.run.plan import EvaluationPlan
from atmodist_core.evaluation.store.merging import merge_statistics
from atmodist_core.fields.grid.geography import cities
from tests.evaluation.ensembles.known_ensemble import NOISE, ensemble_model, weather
from tests.evaluation.known_models import FACTOR, model

CITIES = cities().iloc[:8]
MEMBERS = 6


@pytest.fixture(scope="module")
def fields():
    return weather(days=10)


@pytest.fixture(scope="module")
def source(fields, tmp_path_factory):
    file = tmp_path_factory.mktemp("weather") / "weather.nc"
    fields[1].to_netcdf(file, engine="netcdf4")
    return file


def models_of(fields):
    base, truth = fields
    return [
        ensemble_model("calibrated", base, members=MEMBERS),
        ensemble_model("narrow", base, share=0.5, members=MEMBERS),
        model("mean", truth, lambda ds: base.sel(time=ds["time"])),
    ]


def run_on(source, models, out, period=()):
    data = open_evaluation_data(source, factor=FACTOR, period=period)
    run = MemberRun(data, models, out, Selection(), CITIES, ensemble=True)
    run()
    return run


@pytest.fixture(scope="module")
def found(source, fields, tmp_path_factory):
    models = models_of(fields)
    run = run_on(source, models, tmp_path_factory.mktemp("out"))
    prepared = PreparedEvaluation([run], models, run.selection)
    return evaluation_result(prepared, Bootstrap(block_days=2, replicates=40))


def test_measures_of_known_ensembles(found):
    for field in found.fields:

        def value(name, label, field=field):
            return found.estimate(name, label, field).value

        assert value("spread_error_ratio", "calibrated") == pytest.approx(1, abs=0.03)
        # Spread of half the noise, times 7 / 6; error of the noise and a sixth of the members' variance.
        expected = np.sqrt(0.25 * 7 / 6 / (1 + 0.25 / 6))
        assert value("spread_error_ratio", "narrow") == pytest.approx(expected, rel=0.03)
        assert value("spread_error_ratio", "mean") == 0 and np.isnan(value("rank_deviation", "mean"))
        assert value("rank_deviation", "calibrated") < 0.12 < value("rank_deviation", "narrow")
        assert value("crps", "calibrated") == pytest.approx(NOISE / np.sqrt(np.pi), rel=0.03)
        assert value("crps", "mean") == pytest.approx(value("mae", "mean"), rel=1e-6)
        for name in ("crps", "energy_score", "variogram_score"):
            assert value(name, "calibrated") < value(name, "narrow") < value(name, "mean")
        assert value("log_spectral_distance", "calibrated") < 1 < value("log_spectral_distance", "mean")
        # White noise on a field that stays: members change from time to time as the truth does, their mean does not.
        assert value("step_change_ratio", "calibrated") == pytest.approx(1, abs=0.05)
        assert value("step_change_ratio", "narrow") == pytest.approx(0.5, abs=0.03)
        assert value("step_change_ratio", "mean") == 0
        assert value("lag_correlation_ratio", "mean") > 1
        assert value("joint_extremes_ratio", "calibrated") > 0
        for name in ("gradient_kurtosis_ratio", "vortex_count_ratio", "vortex_size_ratio"):
            # Some ten regions at each of ten times.
            assert value(name, "calibrated") == pytest.approx(1, abs=0.25), (name, field)
        assert value("vortex_count_ratio", "mean") < 0.7


def test_measures_are_those_of_the_library(found, fields):
    """One evaluation: the same numbers from the functions on the same fields."""
    truth = fields[1]
    calibrated = found.prepared.models[0]
    members = xr.concat(
        [calibrated(truth.isel(time=[n]), MEMBERS, None) for n in range(truth.sizes["time"])], "time"
    )
    ratio = spread_skill(members, truth)["ratio"]
    for field in found.fields:
        for function in (crps, energy_score, variogram_score):
            ours = found.estimate(function.__name__, "calibrated", field).value
            assert ours == pytest.approx(float(function(members, truth)[field].mean()), rel=1e-5)
        ours = found.estimate("spread_error_ratio", "calibrated", field).value
        assert ours == pytest.approx(float(ratio.sel(field=field)), rel=1e-6)
    results = ensemble_results(found).sel(model="calibrated")
    belts = spread_skill(members, truth, by="latitude")["ratio"]
    np.testing.assert_allclose(results["spread_error_by_area"].values[:, 1:], belts, rtol=1e-5)
    degrees = spread_skill(members, truth, by="wavenumber")["ratio"]
    np.testing.assert_allclose(
        results["spread_error_by_wavenumber"].values[:, 1:22], degrees.values[:, 1:22], rtol=1e-4
    )
    shares = rank_histogram(members, truth)["share"]
    np.testing.assert_allclose(results["rank_share"].sel(area_part="area"), shares, atol=1e-6)
    ours, theirs = results["coherence"].values, coherence(members.isel(member=0), truth)["coherence"].values
    np.testing.assert_allclose(ours[:, 1:22], theirs[:, 1:22], rtol=1e-4)


def test_bands_are_calibrated_as_the_whole_is(found):
    results = ensemble_results(found)
    assert results.sizes["band_part"] == 4
    calibrated = results.sel(model="calibrated")
    np.testing.assert_allclose(calibrated["spread_error_by_band"], 1, atol=0.15)
    np.testing.assert_allclose(calibrated["band_rank_share"].sum("rank"), 1, atol=1e-6)
    np.testing.assert_allclose(calibrated["band_rank_share"], 1 / 7, atol=0.03)
    edge = results.sel(model="narrow")["band_rank_share"].isel(rank=[0, -1])
    assert (edge > 1.3 / 7).all()
    for name in ("spread_error_by_band", "coherence", "rank_share", "lag_correlation"):
        low, high = (results[f"{name}_{end}"] for end in ("low", "high"))
        known = np.isfinite(results[name])
        assert bool(((low <= results[name]) & (results[name] <= high)).where(known, True).all())
    assert list(results["members"].values) == [MEMBERS, MEMBERS, 1, 1]
    assert results["lag"].values.tolist() == [24.0 * n for n in range(1, 9)]


def test_samples_at_cities(found):
    results = city_sample_results(found, "mean")
    # Ten times: the squared error at a city varies, the spread does not.
    inverse = results["spread_error"].sel(model="calibrated") ** -2
    np.testing.assert_allclose(inverse.mean(), 1, atol=0.3)
    np.testing.assert_allclose(results["rank_share"].sel(model="calibrated").sum("rank"), 1, atol=1e-6)
    assert np.isnan(results["spread_error"].sel(model="mean")).all()
    # Members pooled are closer to the truth than a single one, and as close as independent records of it.
    single, pooled = (results[name].sel(model="calibrated") for name in ("wasserstein", "wasserstein_pooled"))
    assert float(pooled.mean()) < 0.95 * float(single.mean())
    assert float(single.mean()) == pytest.approx(float(results["independent"].mean()), rel=0.15)
    assert float(pooled.mean()) == pytest.approx(
        float(results["independent_pooled"].sel(model="calibrated").mean()), rel=0.15
    )
    xr.testing.assert_equal(
        results["wasserstein"].sel(model="mean"),
        results["wasserstein_pooled"].sel(model="mean").rename("wasserstein"),
    )
    assert (results["wasserstein_corrected"] < results["wasserstein"]).mean() > 0.7


def test_the_file_and_the_tables_hold_them(found, tmp_path):
    tree = evaluation_tree(found, "mean", "a command")
    write_evaluation(tree, tmp_path / "evaluation.nc")
    opened = open_evaluation(tmp_path / "evaluation.nc")
    for name in ("ensembles", "city_samples"):
        for variable in opened[name].data_vars.values():
            assert {"units", "long_name", "definition"} <= set(variable.attrs), variable.name
    scores = opened["scores"].to_dataset()
    assert {"crps", "spread_error_ratio", "effective_resolution"} <= set(scores["measure"].values)
    text = table(found, "ensemble")
    assert "| calibrated | vorticity |" in text and "spread / error" in text and "[s-1]" in text
    assert "coherence, mean over degrees" in (text := table(found, "structure")) and "vortices" in text
    assert plain_values(found, "mean")["models"]["mean"]["rank_deviation"]["vorticity"] == [None] * 3


def test_targets_of_known_ensembles(found):
    lines = {line.text: line for line in targets(found, "calibrated", "mean") if line.field == "vorticity"}
    crps_line = next(line for text, line in lines.items() if text.startswith("CRPS"))
    # NOISE / sqrt(pi) over the mean absolute value of the noise, NOISE sqrt(2 / pi): missed at 0.71.
    assert crps_line.estimate.value == pytest.approx(1 / np.sqrt(2), rel=0.03) and crps_line.met is False
    spread = {text: line for text, line in lines.items() if text.startswith("spread over error")}
    assert len(spread) == 1 + 3 + 4
    assert spread["spread over error, area, within 10 % of 1"].met
    narrow = {line.text: line for line in targets(found, "narrow", "mean") if line.field == "vorticity"}
    assert not any(narrow[text].met for text in spread)
    assert not narrow["rank histogram within 10 % of flat"].met
    powers = [text for text in lines if text.startswith("power of a member")]
    assert len(powers) == 4 and not any(narrow[text].met for text in powers)
    for value in (lines[text].estimate.value for text in powers):
        assert value == pytest.approx(1, abs=0.2)
    assert sum("semivariance of a member" in text for text in lines) == len(found.facts.lags_km)
    pooled, single = (line for text, line in lines.items() if "at cities" in text)
    counts = found.pooled["calibrated"][0, 0, 0], found.city_distances["mean"][0, 0, 0]
    better, worse = (counts[0] < 0.9 * counts[1]).sum(), (counts[1] < 0.9 * counts[0]).sum()
    expected = better / worse if worse else np.inf
    assert pooled.estimate.value == pytest.approx(expected)
    assert np.isnan(single.estimate.low) and "(no interval)" in single.verdict
    assert "calibrated against mean" in targets_table(found, "calibrated", "mean")
    assert not any("CRPS" in line.text for line in targets(found, "mean", "narrow")), (
        "a single field has the GANs'"
    )


def stored(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_interrupted_and_a_merged_run_write_the_same_bytes(source, fields, tmp_path):
    run_on(source, models_of(fields), tmp_path / "whole")
    stopped = open_evaluation_data(source, factor=FACTOR)
    run = MemberRun(stopped, models_of(fields), tmp_path / "resumed", Selection(), CITIES, ensemble=True)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stop)
    run_on(source, models_of(fields), tmp_path / "resumed")
    run_on(source, models_of(fields), tmp_path / "second", ("2001-01-06", "2001-01-10"))
    run_on(source, models_of(fields), tmp_path / "merged", ("2001-01-01", "2001-01-05"))
    assert len(list(merge_statistics([tmp_path / "second"], tmp_path / "merged"))) == 1
    whole = stored(tmp_path / "whole")
    assert any("ensemble-" in name for name in whole) and any("member-cities-" in name for name in whole)
    assert stored(tmp_path / "resumed") == whole == stored(tmp_path / "merged")


def test_members_are_drawn_only_where_they_are_missing(source, fields, tmp_path):
    base = fields[0]
    data = open_evaluation_data(source, factor=FACTOR, period=("2001-01-01",))
    plain = ensemble_model("calibrated", base, members=0)
    MemberRun(data, [plain], tmp_path, Selection(), CITIES)()
    assert plain.downscaler.calls == [None], "one field for an evaluation without members"
    few, single = ensemble_model("calibrated", base, members=3), model("mean", base, lambda ds: ds)
    MemberRun(data, [few, single], tmp_path, Selection(), CITIES, ensemble=True)()
    again = ensemble_model("calibrated", base, members=3)
    assert few.downscaler.calls == [3]
    assert MemberRun(data, [again], tmp_path, Selection(), CITIES, ensemble=True).todo == 0
    more = MemberRun(
        data,
        [ensemble_model("calibrated", base, members=4), single],
        tmp_path,
        Selection(),
        CITIES,
        ensemble=True,
    )
    assert more.todo == 1, "another number of members is computed anew, single fields are not"


def test_numbers_of_members_are_checked(tmp_path):
    options = {"models": ("bicubic",), "data": ("demo",), "out": tmp_path}
    for members, sentence in ((1, "2 or more, found 1"), (-1, "--members 0 or more")):
        with pytest.raises(UserError, match=sentence):
            EvaluationPlan(**options, members=members)
