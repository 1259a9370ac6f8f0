"""The whole way, from fields to tables, with models whose answers are known."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import scores
from atmodist_core.evaluation.bootstrap import Bootstrap
from atmodist_core.evaluation.results.evaluation_result import evaluation_result
from atmodist_core.evaluation.results.tables import TABLES, heading, plain_values, table
from atmodist_core.evaluation.results.targets import targets, targets_table
from atmodist_core.evaluation.run.data import open_evaluation_data
from atmodist_core.evaluation.run.member_run import MemberRun, Selection
from atmodist_core.evaluation.run.models import EvaluatedModel
from atmodist_core.fields import coarsen, open_fields
from atmodist_core.fields.grid.geography import cities
from atmodist_core.inference.downscaler import load_downscaler
from tests.evaluation.known_models import FACTOR, checkerboard, model, prepared, scaled
from tests.evaluation.mock_fields import globe

SELECTION = Selection(every_hours=48)
BOOTSTRAP = Bootstrap(block_days=3, replicates=50, seed=1)
FEW_CITIES = cities().iloc[:6]
TIMES = 10


def weather(folder, name, seed, times=TIMES):
    fields = globe(48, truncation=21, times=times, slope=-1.5, seed=seed)
    fields["time"] = np.datetime64("2001-01-01", "ns") + np.arange(times) * np.timedelta64(1, "D")
    fields.to_netcdf(folder / name, engine="netcdf4")
    return folder / name


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return weather(tmp_path_factory.mktemp("judged"), "weather.nc", 0)


@pytest.fixture(scope="module")
def truth(source):
    return open_fields(source).load()


def models_of(truth):
    return [
        model("half", truth, scaled(0.5)),
        model("nearly", truth, scaled(0.98)),
        model("checkered", truth, checkerboard(0.3)),
    ]


def run_on(source, models, out, selection=SELECTION, period=()):
    data = open_evaluation_data(source, factor=FACTOR, period=period)
    run = MemberRun(data, models, out, selection, FEW_CITIES)
    todo = run.todo
    run()
    return data, todo


@pytest.fixture(scope="module")
def judged(source, truth, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    models = models_of(truth)
    data, _ = run_on(source, models, out)
    return evaluation_result(prepared([data], models, out, SELECTION, FEW_CITIES), BOOTSTRAP), models, out


def test_a_scaled_field_has_known_measures(judged):
    result = judged[0]
    for field in result.fields:

        def found(name, field=field):
            return result.estimate(name, "half", field)

        for name in ("band_power_ratio", *(f"semivariance_ratio_{lag}_km" for lag in (500, 1000))):
            assert found(name).value == pytest.approx(0.25, rel=1e-5)
            assert found(name).low == pytest.approx(0.25, rel=1e-5) == found(name).high
        assert found("band_log_ratio").value == pytest.approx(np.log(4), rel=1e-5)
        assert found("kurtosis_ratio").value == pytest.approx(1, rel=1e-6)
        assert found("correlation").value == pytest.approx(1, rel=1e-6)
        assert found("block_mean_error").value == pytest.approx(0.5, rel=1e-6)
        for name in ("quantile_0.1_ratio", "quantile_99.9_ratio"):
            assert found(name).value == pytest.approx(0.5, rel=0.01)
        assert found("spurious_power").value < 1e-6
        assert result.ratio_to("rmse", "half", "nearly", field).value == pytest.approx(25, rel=1e-4)
        assert result.ratio_to("rmse", "half", "nearly", field).high == pytest.approx(25, rel=1e-4)


def test_the_checkerboard_is_told_and_nothing_else(judged):
    result = judged[0]
    for field in result.fields:
        found = {line.text: line for line in targets(result, "checkered", "half") if line.field == field}
        assert not found["no checkerboard: constant grid pattern at most 0.05"].met
        clean = {line.text: line for line in targets(result, "nearly", "half") if line.field == field}
        assert all(line.met for text, line in clean.items() if text.startswith("no checkerboard"))


def test_measures_are_those_of_the_scores(judged, truth, source, tmp_path):
    used = truth.isel(time=slice(1, None, 2))  # even days since 1970
    downscaler = load_downscaler("bicubic", factor=FACTOR)
    expected = scores(downscaler(coarsen(used, FACTOR)), used, factor=FACTOR)
    bicubic = EvaluatedModel("bicubic", downscaler, {"name": "bicubic"})
    data, _ = run_on(source, [bicubic], tmp_path)
    result = evaluation_result(
        prepared([data], [bicubic], tmp_path, SELECTION, FEW_CITIES), Bootstrap(replicates=0)
    )
    for name in (
        "rmse",
        "mae",
        "correlation",
        "kurtosis",
        "kurtosis_ratio",
        "block_mean_error",
        "wasserstein",
    ):
        for field in result.fields:
            assert result.estimate(name, "bicubic", field).value == pytest.approx(
                float(expected[name].sel(field=field)), rel=1e-5
            )


def test_targets_of_a_known_pair(judged):
    result = judged[0]
    lines = targets(result, "nearly", "half")
    by_text = {(line.text, line.field): line for line in lines}
    ratio = by_text["mean power ratio over the band within 10 % of 1", "vorticity"]
    assert ratio.estimate.value == pytest.approx(0.98**2, rel=1e-5) and ratio.met and ratio.certain
    for field in result.fields:
        nine = by_text["9 x 9 at cities: improved-to-degraded ratio at least 3", field]
        assert nine.met and nine.estimate.value == np.inf
    missed = targets(result, "half", "nearly")
    assert not missed[0].met and missed[0].verdict == "missed"
    assert "half against nearly" in targets_table(result, "half", "nearly")


def test_tables_name_every_model(judged):
    result = judged[0]
    for name in TABLES:
        text = table(result, name, "half")
        assert ("nearly" in text) == (name not in ("distance", "ensemble", "latitudes"))
    assert "degrees 13 to 21, the last degree at which the truth's spectrum is not empty" in heading(result)
    assert "5 times, 10 at cities" in heading(result)
    values = plain_values(result, "half")
    assert values["models"]["nearly"]["cities"]["verdicts"]["vorticity"]["9"]["better"][0] == 6
    assert values["truth"]["pattern_constant"]["vorticity"][0] < 0.05


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.nc"))}


def test_killed_and_resumed_is_uninterrupted(judged, source, truth, tmp_path):
    class Kill(Exception):
        pass

    def stop(ds, seen=[]):  # noqa: B006 - counts its calls
        seen.append(1)
        if len(seen) == 4:
            raise Kill
        return scaled(0.98)(ds)

    models = models_of(truth)
    broken = [models[0], model("nearly", truth, stop), models[2]]
    with pytest.raises(Kill):
        run_on(source, broken, tmp_path)
    half = files(tmp_path)
    assert half and half != files(judged[2])
    _, todo = run_on(source, models, tmp_path)
    assert 0 < todo < 3 * TIMES
    assert files(tmp_path) == files(judged[2])


def test_only_what_is_new_is_computed(source, truth, tmp_path):
    first = models_of(truth)[:1]
    run_on(source, first, tmp_path, Selection(96, -1), period=("2001-01-01", "2001-01-06"))
    assert first[0].downscaler.calls == 2
    again = models_of(truth)[:2]
    _, todo = run_on(source, again, tmp_path, Selection(96, -1), period=("2001-01-01", "2001-01-06"))
    assert (todo, again[0].downscaler.calls, again[1].downscaler.calls) == (2, 0, 2)
    longer = models_of(truth)[:1]
    run_on(source, longer, tmp_path, Selection(96, -1))
    assert longer[0].downscaler.calls == 3 - 2
    # Another precision or other weights are another model.
    other = [model("half", truth, scaled(0.5), weights="new")]
    run_on(source, other, tmp_path, Selection(96, -1))
    assert other[0].downscaler.calls == 3


def test_two_members(judged, source, truth, tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    second = weather(folder, "second.nc", 7, times=6)
    both = [open_evaluation_data(place, factor=FACTOR) for place in (source, second)]
    out = folder / "out"
    models = []
    for data in both:
        models = [model("half", data.fields.load(), scaled(0.5)), model("nearly", data.fields, scaled(0.98))]
        MemberRun(data, models, out, SELECTION, FEW_CITIES)()
    result = evaluation_result(prepared(both, models, out, SELECTION, FEW_CITIES), BOOTSTRAP)
    assert (result.times, result.city_times, result.days) == (8, 16, 16)
    assert result.estimate("band_power_ratio", "half", "vorticity").value == pytest.approx(0.25, rel=1e-5)
    single = judged[0].estimate("rmse", "half", "vorticity")
    assert result.estimate("rmse", "half", "vorticity").value != single.value


def test_mistakes(source, truth, tmp_path, judged):
    data = open_evaluation_data(source, factor=FACTOR)
    wrong = model("half", truth, scaled(0.5))
    wrong.downscaler.factor = 2
    with pytest.raises(UserError, match="one factor"):
        MemberRun(data, [wrong], tmp_path, SELECTION, FEW_CITIES)
    with pytest.raises(UserError, match="run the"):
        evaluation_result(prepared([data], models_of(truth), tmp_path, SELECTION, FEW_CITIES), BOOTSTRAP)
    shifted = model("shifted", truth, lambda ds: ds.isel(latitude=slice(4, None)))
    with pytest.raises(UserError, match="44 x 96"):
        MemberRun(data, [shifted], tmp_path, SELECTION, FEW_CITIES)()
