"""train/evaluate.py: however a period is cut, killed, resumed, extended or put together, one result."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, bootstrap_counts
from atmodist_core.evaluation.diagnostics.local_statistics import local_statistics
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.evaluation.run.member_run import MemberRun
from atmodist_core.fields import coarsen, open_fields
from atmodist_core.fields.grid.geography import cities
from atmodist_core.inference.downscaler import load_downscaler
from tests.evaluation.run.test_evaluation_run import weather
from train import evaluate

REPOSITORY = Path(__file__).resolve().parents[3]
DAYS = 30


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return weather(tmp_path_factory.mktemp("evaluate"), "weather.nc", 0, times=DAYS)


def arguments(source, out, *more):
    return [
        *("--data", str(source), "--models", "bilinear", "smooth=bicubic", "--reference", "bilinear"),
        *("--replicates", "30", "--every-hours", "48", "--no-progress", "--out", str(out), *more),
    ]


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    assert evaluate.main(arguments(source, out)) == 0
    return out


def stored(folder):
    base = folder / "statistics"
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


def assert_same_result(one, other):
    """The same stores byte for byte, and the same numbers, labels and attributes in the file but for the command."""
    assert stored(one) == stored(other)
    first, second = (open_evaluation(folder / "evaluation.nc") for folder in (one, other))
    assert first.attrs | {"command": ""} == second.attrs | {"command": ""}
    assert list(first.children) == list(second.children)
    for name in first.children:
        xr.testing.assert_identical(first[name].to_dataset(), second[name].to_dataset())


PERIODS = (("2001-01-01", "2001-01-07"), ("2001-01-08", "2001-01-20"), ("2001-01-21", "2001-01-30"))


def test_three_machines_merged_are_one_run(source, whole, tmp_path):
    pieces = []
    for number, period in enumerate(PERIODS):
        pieces.append(tmp_path / str(number))
        assert evaluate.main(arguments(source, pieces[-1], "--period", *period)) == 0
    merged = tmp_path / "merged"
    assert evaluate.main(arguments(source, merged, "--merge", *map(str, pieces))) == 0
    assert_same_result(whole, merged)


def test_nothing_is_computed_again_after_a_merge(source, whole, tmp_path, monkeypatch):
    def fail(*_):
        raise AssertionError("computed although it was there")

    monkeypatch.setattr(MemberRun, "_one_time", fail)
    assert evaluate.main(arguments(source, tmp_path, "--merge", str(whole))) == 0
    assert_same_result(whole, tmp_path)


def test_a_period_that_is_extended_is_one_run(source, whole, tmp_path):
    for _, last in PERIODS:
        assert evaluate.main(arguments(source, tmp_path, "--period", "2001-01-01", last)) == 0
    assert evaluate.main(arguments(source, tmp_path)) == 0
    assert_same_result(whole, tmp_path)


def test_killed_ten_times_at_random_is_one_run(source, whole, tmp_path, monkeypatch):
    """A kill comes between any two steps, also while files are replaced; what was not written is computed again."""

    class Kill(BaseException):
        pass

    random = np.random.default_rng(4)
    kills = 0
    for _ in range(40):
        left = int(random.integers(1, 12))
        replace = Path.replace

        def dies(self, target, replace=replace):
            nonlocal left
            left -= 1
            if left < 0:
                raise Kill  # the scratch file is complete, yet nobody put it in place
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", dies)
        try:
            assert evaluate.main(arguments(source, tmp_path, "--workers", "2")) == 0
        except Kill:
            kills += 1
            continue
        finally:
            monkeypatch.undo()
        break
    assert kills >= 3
    for scratch in tmp_path.rglob(".*"):
        if scratch.is_file():
            scratch.unlink()
    assert_same_result(whole, tmp_path)


@pytest.mark.slow
def test_processes_killed_ten_times_at_random_are_one_run(source, whole, tmp_path):
    random = np.random.default_rng(5)
    command = [sys.executable, "train/evaluate.py", *arguments(source, tmp_path)]
    started = time.monotonic()
    subprocess.run([*command[:-1], str(tmp_path / "timed")], cwd=REPOSITORY, check=True, capture_output=True)
    seconds = time.monotonic() - started
    for _ in range(10):
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=float(random.uniform(0.4, 1.0)) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    for scratch in [*tmp_path.rglob(".*")]:
        scratch.unlink()
    assert_same_result(whole, tmp_path)


def test_a_cluster_gives_the_same(source, whole, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        out = tmp_path / "out"
        assert evaluate.main(arguments(source, out, "--scheduler", cluster.scheduler_address)) == 0
    assert_same_result(whole, out)


def test_a_city_by_hand(source, whole):
    """Distance and quantiles at one city, from the fields with SciPy and NumPy."""
    found = open_evaluation(whole / "evaluation.nc")["cities"].to_dataset()
    fields = open_fields(source).load()
    result = load_downscaler("bicubic", factor=4)(coarsen(fields, 4))
    seattle = cities()[cities()["name"] == "Seattle"]
    places = np.abs(fields["latitude"].values - float(seattle["latitude"].iloc[0]))
    row = int(places.argmin())
    column = int(np.abs(fields["longitude"].values - float(seattle["longitude"].iloc[0]) % 360).argmin())
    for side in (1, 3):
        reach = side // 2
        box = {
            "latitude": slice(row - reach, row + reach + 1),
            "longitude": slice(column - reach, column + reach + 1),
        }
        for name in ("vorticity", "divergence"):
            a, b = (ds[name].isel(box).values.ravel() for ds in (result, fields))
            here = found.sel({"model": "smooth", "field": name, "box": side, "city": "Seattle"})
            assert float(here["wasserstein"]) == pytest.approx(
                scipy.stats.wasserstein_distance(a, b), rel=1e-5
            )
            assert float(here["wasserstein_low"]) <= float(here["wasserstein_high"])
            assert here["quantile"].values == pytest.approx(
                np.quantile(a, here["probability"].values), rel=1e-5
            )
            left, right = (here[f"density_edge_{end}"].values for end in ("left", "right"))
            assert float((here["density"] * (right - left)).sum()) == pytest.approx(1, rel=1e-5)
            histogram, _ = np.histogram(np.clip(a, left[0], right[-1]), np.append(left, right[-1]))
            assert here["density"].values * (right - left) * a.size == pytest.approx(histogram, abs=0.5)
            assert int(here["samples"]) == a.size
    assert local_statistics(fields, seattle)["vorticity"].size  # Seattle lies within the grid


def test_a_spectrum_by_hand(source, whole):
    """Power per degree with pyshtools, and the ratio of means over time."""
    pyshtools = pytest.importorskip("pyshtools")
    found = open_evaluation(whole / "evaluation.nc")["spectra"].to_dataset()
    fields = open_fields(source).load()
    seconds = fields["time"].values.astype("datetime64[s]").astype(np.int64)
    used = fields.isel(time=np.flatnonzero(seconds % (48 * 3600) == 0))
    result = load_downscaler("bicubic", factor=4)(coarsen(used, 4))
    latitude, longitude = (fields[axis].values for axis in ("latitude", "longitude"))
    where = np.meshgrid(latitude, longitude, indexing="ij")
    limit = 21  # what the weather carries: here least squares is exact
    for label, ds in (("smooth", result), ("truth", used)):
        for name in ("vorticity", "divergence"):
            powers = []
            for values in ds[name].values[:3].astype(float):
                coefficients, _ = pyshtools.expand.SHExpandLSQ(
                    values.ravel(), where[0].ravel(), where[1].ravel(), 23, norm=4
                )
                powers.append(pyshtools.spectralanalysis.spectrum(coefficients, normalization="ortho"))
            ours = _power_of(ds.isel(time=slice(0, 3)))[name]
            assert ours[:, : limit + 1] == pytest.approx(np.array(powers)[:, : limit + 1], rel=0.02)
            mean = _power_of(ds)[name].mean(axis=0)
            here = found.sel({"model": label, "field": name})
            assert here["power"].values[1:] == pytest.approx(mean[1:], rel=1e-4, abs=1e-20)
    ratio = found["power_ratio"].sel({"model": "smooth", "field": "vorticity"}).values[1:22]
    power = found["power"].sel(field="vorticity")
    expected = power.sel({"model": "smooth"}).values / power.sel({"model": "truth"}).values
    assert ratio == pytest.approx(expected[1:22], rel=1e-5)


def test_an_advantage_by_hand(source, whole):
    """How much closer the RMSE is to zero than the reference's, in records resampled together."""
    tree = open_evaluation(whole / "evaluation.nc")
    scores = tree["scores"].to_dataset().sel(measure="rmse")
    assert (scores["advantage"].sel({"model": "bilinear"}) == 0).all()
    errors = tree["series"].to_dataset()["rmse"]
    times = open_fields(source)["time"].values
    counts = bootstrap_counts(DayAxis.of([times]), Bootstrap(block_days=3, replicates=30, seed=0))
    days = ((errors["time"].values - times[0]) / np.timedelta64(1, "D")).astype(int)
    weights = counts[:, days] / counts[:, days].sum(axis=1, keepdims=True)
    for field in ("vorticity", "divergence"):
        of = {
            m: np.sqrt(weights @ errors.sel({"model": m, "field": field}).values.astype(float) ** 2)
            for m in ("bilinear", "smooth")
        }
        gain = of["bilinear"] - of["smooth"]
        here = scores.sel({"model": "smooth", "field": field})
        assert float(here["advantage"]) == pytest.approx(gain[0], rel=1e-4)
        ends = np.percentile(gain[1:], (2.5, 97.5))
        assert [float(here[f"advantage_{end}"]) for end in ("low", "high")] == pytest.approx(ends, rel=1e-4)
        own, other = (scores.sel({"model": m, "field": field}) for m in ("smooth", "bilinear"))
        # What it is for: errors of the two rise and fall together, so the difference is better known than either.
        assert np.ptp(ends) < float(own["high"] - own["low"]) + float(other["high"] - other["low"])


def _power_of(ds):
    from atmodist_core.evaluation import energy_spectrum

    return {name: spectrum.values for name, spectrum in energy_spectrum(ds).items()}


def test_everything_is_labelled(whole):
    tree = open_evaluation(whole / "evaluation.nc")
    assert set(tree.children) == {
        *("spectra", "semivariogram", "values", "extremes", "scores", "series", "maps", "cities", "verdicts")
    }
    for node in tree.children.values():
        for name, field in node.data_vars.items():
            assert {"units", "long_name", "definition"} <= set(field.attrs), name
    assert json.loads(tree.attrs["models"])[1]["label"] == "smooth"
    assert json.loads(tree.attrs["data"])[0]["first_time"] == "2001-01-01T00:00"
    assert tree.attrs["times"] == 15 and tree.attrs["city_times"] == DAYS and tree.attrs["days"] == DAYS
    extremes = tree["extremes"].to_dataset()
    of_truth = extremes["area_share"].sel({"model": "truth"}).values
    assert of_truth == pytest.approx(0.001, rel=1e-3)
    assert extremes["return_time"].sel({"model": "truth"}).values == pytest.approx(48 / 0.001, rel=1e-3)
    values = tree["values"].to_dataset()
    mass = (values["density"] * (values["value_right"] - values["value_left"])).sum("value_bin")
    np.testing.assert_allclose(mass.values, 1, rtol=1e-4)
    verdicts = tree["verdicts"].to_dataset()
    total = verdicts["better"] + verdicts["equal"] + verdicts["worse"]
    assert (total == verdicts.sizes["city"]).all() and (verdicts["better_sure"] <= verdicts["better"]).all()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--reference", "nobody"], "Expected --reference among bilinear, smooth, found 'nobody'"),
        (["--every-hours", "-1"], "Expected --every-hours 0 or more, found -1"),
        (
            ["--period", "2001", "2002", "2003"],
            "Expected one or two dates after --period, or two for each of 1 data, found 3",
        ),
        (["--workers", "-1"], "--workers 0 or more"),
        (["--merge", "nowhere"], "Expected statistics to merge in nowhere/statistics, found none"),
        (["--scheduler", "slurm"], "Expected --scheduler threads, processes or an address"),
    ],
)
def test_mistakes(source, tmp_path, flags, words):
    with pytest.raises(UserError, match=words):
        evaluate.main(arguments(source, tmp_path, *flags))


def test_another_file_is_no_evaluation(source, tmp_path):
    with pytest.raises(UserError, match=r"found none; make one with train/evaluate\.py"):
        open_evaluation(tmp_path / "none.nc")
    with pytest.raises(UserError, match="without evaluation_version"):
        open_evaluation(source)
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(UserError, match="cannot be read as NetCDF"):
        open_evaluation(tmp_path / "text.nc")
