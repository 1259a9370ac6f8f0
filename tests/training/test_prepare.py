"""From sources to a training store."""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
import zarr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.common.jobs import results_of
from atmodist_core.training.data.fields_in_memory import load_fields
from atmodist_core.training.data.training_data import measure_normalization
from atmodist_core.training.store import store_jobs, store_writing
from atmodist_core.training.store.store_layout import ShardLayout, read_description
from atmodist_core.training.store.store_writing import prepare_store
from tests.fields.layouts import arco_coefficients
from tests.training.prepared_stores import SMALL, bytes_of, prepared, write_sources

MOMENTS = ("std", "mean_y", "std_y")


@pytest.fixture(scope="module")
def sources(weather, tmp_path_factory):
    return write_sources(weather, tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def store(sources, tmp_path_factory):
    return prepared(sources, tmp_path_factory.mktemp("stores") / "store")


def test_zarr_reads_what_memory_would_hold(sources, store):
    """Values to the bit, units, coordinates; through Zarr's own reader, not ours."""
    memory = load_fields(sources)
    description = read_description(store)
    assert description.units == pytest.approx(memory.units.tolist(), rel=1e-6)
    assert (description.layout.times, description.layout.tile_rows) == (8, 16)
    group = zarr.open_group(store / "member_001", mode="r")
    values = group["values"]
    np.testing.assert_array_equal(values[:], memory.values[40:60].numpy())  # two shards and a half
    assert values.shards == (8, 48, 96, 2) and values.chunks == (1, 16, 16, 2)
    np.testing.assert_array_equal(group["latitude"][:], memory.latitude)
    opened = xr.open_zarr(store / "member_001", consolidated=False)
    np.testing.assert_array_equal(opened.time.values, ad.open_fields(sources[1]).time.values)
    assert opened["values"].dims == ("time", "latitude", "longitude", "channel")


def test_the_split_is_that_of_plain_data(store):
    """40 and 20 times, a quarter of each held out, 6 h of gap are two slices."""
    description = read_description(store)
    assert description.training == ((0, 28), (40, 53))
    assert description.held_out == ((30, 40), (55, 60))
    assert [member.spacing_hours for member in description.members] == [3.0, 3.0]
    assert description.level == "not stated" and description.settings["tile"] == 20


@pytest.mark.parametrize(("storage", "tolerance"), [("float16", 2e-6), ("float32", 5e-6)])
def test_moments_of_one_pass_are_those_of_two(sources, tmp_path, storage, tolerance):
    """Of the training part only, with and without mirrors; float32 sums are what limits the two passes."""
    description = read_description(prepared(sources, tmp_path / "store", storage=storage))
    memory = load_fields(sources, storage=storage)
    for mirrored, one_pass in (
        (False, description.normalization),
        (True, description.mirrored_normalization),
    ):
        two_passes = measure_normalization(memory, description.training, mirrored=mirrored)
        for name in MOMENTS:
            np.testing.assert_allclose(
                getattr(one_pass, name), getattr(two_passes, name), rtol=tolerance, atol=tolerance
            )
        np.testing.assert_allclose(one_pass.mean, two_passes.mean, atol=tolerance * max(two_passes.std))
        assert (one_pass.mean[0] == 0.0) == mirrored
    whole = measure_normalization(memory, [(0, 60)])
    assert abs(whole.std[0] / description.normalization.std[0] - 1) > 1e-4  # another part, other moments


@pytest.mark.parametrize("how", [pytest.param("processes", marks=pytest.mark.slow), "cluster"])
def test_any_scheduler_writes_the_same_store(sources, store, tmp_path, how):
    if how == "processes":
        other = prepared(sources, tmp_path / "store", scheduler="processes", workers=1)
    else:
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster:
            other = prepared(sources, tmp_path / "store", scheduler=cluster.scheduler_address, workers=0)
    assert bytes_of(other) == bytes_of(store)


def test_a_run_that_was_stopped_goes_on(sources, store, tmp_path):
    config = dataclasses.replace(SMALL, data=tuple(sources), out=tmp_path / "store", workers=1)
    seen = []
    stopped = prepare_store(config, stop=lambda: len(seen) > 3, report=lambda *numbers: seen.append(numbers))
    assert not stopped and not read_description(config.out, complete=False).complete
    with pytest.raises(UserError, match=r"found an unfinished store in .*; add --resume"):
        prepare_store(config)
    with pytest.raises(UserError, match=r"found an unfinished one in .*--resume"):
        read_description(config.out)
    again = []
    resumed = dataclasses.replace(config, resume=True)
    assert prepare_store(resumed, report=lambda *numbers: again.append(numbers))
    assert again[0] == seen[-1]  # nothing that was done is done again
    assert again[-1][0] == again[-1][1] and again[-1][2] == again[-1][3]
    assert bytes_of(config.out) == bytes_of(store)
    written = sum(path.stat().st_size for path in config.out.rglob("c/*/0/0/0"))
    assert again[-1][3] == written


def test_a_complete_store_is_left_alone(store, sources):
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    said = []
    config = dataclasses.replace(SMALL, data=tuple(sources), out=store, workers=1, resume=True)
    assert prepare_store(config, say=said.append)
    assert said == [f"The store in {store} is complete already."]
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before
    with pytest.raises(UserError, match=r"found --gap-hours \(6.0 -> 9.0\); give the same"):
        prepare_store(dataclasses.replace(config, gap_hours=9.0))


def test_remote_coefficients_take_the_same_path(tmp_path):
    """A stand-in of ARCO-ERA5's T639 store, of its layout to the chunk: level, period and steps chosen."""
    source = str(arco_coefficients(tmp_path))
    out = prepared(
        [source],
        tmp_path / "store",
        level="hybrid 120",
        period=("2020-01-01T00", "2020-01-01T06"),
        every=2,
        validation_fraction=0.5,
        gap_hours=0.0,
        shard_megabytes=0.01,
        storage="float32",
    )
    description = read_description(out)
    expected = ad.open_fields(source, level="hybrid 120").isel(time=[0, 2])
    assert (description.level, description.layout.times) == (expected.attrs["level"], 1)
    assert (description.layout.rows, description.layout.columns) == (44, 88)
    group = zarr.open_group(out / "member_000", mode="r")
    for channel, name in enumerate(description.channels):
        stored = group["values"][..., channel] * description.units[channel]
        np.testing.assert_allclose(stored, expected[name].values, rtol=2e-7, atol=1e-12)


def test_fields_can_be_averaged_on_the_way(weather, tmp_path):
    weather.to_netcdf(tmp_path / "fine.nc", engine="h5netcdf")
    out = prepared([str(tmp_path / "fine.nc")], tmp_path / "store", coarsen=4, storage="float32")
    description = read_description(out)
    coarse = ad.coarsen(ad.open_fields(tmp_path / "fine.nc"), factor=4)
    stored = zarr.open_group(out / "member_000", mode="r")["values"][..., 1] * description.units[1]
    np.testing.assert_allclose(stored, coarse.divergence.values, rtol=2e-6, atol=1e-12)


def test_members_may_be_held_out_as_a_whole(sources, tmp_path):
    out = prepared(sources[:1], tmp_path / "store", validation=tuple(sources[1:]))
    description = read_description(out)
    assert (description.training, description.held_out) == (((0, 40),), ((40, 60),))


def test_a_remote_source_is_tried_again(monkeypatch):
    tries, waits = [], []

    def failing(job):
        tries.append(job)
        if len(tries) < 3:
            raise ConnectionError("reset by peer")
        return "written"

    monkeypatch.setattr(store_jobs, "_write_shard", failing)
    monkeypatch.setattr(store_jobs.clock, "sleep", waits.append)
    remote = SimpleNamespace(retries=2, source=SimpleNamespace(location="gs://bucket/store"))
    assert store_jobs.write_shard(remote) == "written"
    assert waits == [2.0, 4.0]
    tries.clear()
    with pytest.raises(ConnectionError):
        store_jobs.write_shard(SimpleNamespace(retries=1, source=remote.source))
    tries.clear()
    with pytest.raises(ConnectionError):  # what fails on a disk fails for good
        store_jobs.write_shard(SimpleNamespace(retries=2, source=SimpleNamespace(location="file.nc")))
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.divergence.__setitem__((15, 4, 5), np.nan), "missing or infinite values in .*02T21:00"),
        (lambda d: d.vorticity.__setitem__((15, 4, 5), 30.0), "below 0.65504 s-1, found larger ones"),
        (lambda d: d.divergence.__setitem__(slice(None), 0.0), "Expected a divergence that varies"),
    ],
)
def test_bad_values_are_named(weather, tmp_path, monkeypatch, change, words):
    bad = weather.isel(time=slice(0, 30)).copy(deep=True)
    change(bad)
    # Files of this size are looked through when they are opened; larger ones are not.
    monkeypatch.setattr(store_jobs, "open_member", lambda *_, **__: bad.chunk(time=1))
    with pytest.raises(UserError, match=words):
        prepared(["made up"], tmp_path / "store", workers=1, retries=0)


def test_mistakes_are_named(sources, tmp_path, monkeypatch):
    config = dataclasses.replace(SMALL, data=tuple(sources), out=tmp_path / "store")
    cases = [
        ({"data": ()}, "at least one source after --data"),
        ({"data": (str(tmp_path / "none.nc"),)}, "found nothing at"),
        ({"every": 0}, "--every of 1 or more, found 0"),
        ({"shard_megabytes": 0.0}, "--shard-megabytes above 0"),
        ({"validation_fraction": 1.0}, "--validation-fraction between 0 and 1"),
        ({"gap_hours": 1000.0}, "too few for --validation-fraction 0.25 and --gap-hours 1000"),
        ({"gap_hours": -1.0}, "of 0 or more, found a negative"),
        ({"channels": ("vorticity", "temperature")}, "change --channels or the data"),
        ({"scheduler": "slurm"}, "--scheduler threads, processes or an address .* found 'slurm'"),
    ]
    for changes, words in cases:
        with pytest.raises(UserError, match=words):
            prepare_store(dataclasses.replace(config, **changes))
        shutil.rmtree(config.out, ignore_errors=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(UserError, match="found other files in"):
        prepare_store(dataclasses.replace(config, out=tmp_path / "full"))
    monkeypatch.setattr(store_writing.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(UserError, match=r"Expected 0.00 GB of free space for the store in .*, found 0.00 GB"):
        prepare_store(config)
    assert not config.out.exists()


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("atmodist_core.common.jobs._CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match=r"Dask scheduler at tcp://127.0.0.1:9, found none that answers"):
        list(results_of(abs, [1], scheduler="tcp://127.0.0.1:9"))


def test_sources_that_changed_are_refused(sources, weather, tmp_path):
    source = tmp_path / "growing.nc"
    shutil.copy(sources[0], source)
    config = dataclasses.replace(SMALL, data=(str(source),), out=tmp_path / "store", workers=1)
    assert not prepare_store(config, stop=lambda: True)
    weather.isel(latitude=slice(0, 47)).to_netcdf(source, engine="h5netcdf")
    with pytest.raises(UserError, match=r"Expected growing.nc as it was when the store was begun"):
        prepare_store(dataclasses.replace(config, resume=True))


def test_another_version_is_refused(store, tmp_path):
    other = tmp_path / "store"
    shutil.copytree(store, other)
    metadata = json.loads((other / "zarr.json").read_text())
    metadata["attributes"]["format_version"] = 99
    (other / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(UserError, match="version 1, found version 99"):
        read_description(other)
    metadata["attributes"]["format_version"] = 1
    del metadata["attributes"]["layout"]["times"]
    (other / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(UserError, match="found damaged ones"):
        read_description(other)
    with pytest.raises(UserError, match=r"found none; make one with train/prepare.py"):
        read_description(tmp_path)


def test_tiles_fit_the_grid():
    def tiles(rows, columns):
        layout = ShardLayout.fitted((rows, columns, 2), "float16", tile=64, megabytes=128)
        return layout.tile_rows, layout.tile_columns, layout.times

    assert tiles(1280, 2560) == (64, 64, 9)
    assert tiles(360, 720) == (60, 60, 123)
    assert tiles(721, 1440) == (66, 60, 30)  # 11 * 66 = 726: less than one percent is wasted
    assert tiles(48, 96)[:2] == (48, 48)
    # a chunk of the source is read once: a multiple of its 24 times
    layout = ShardLayout.fitted((360, 720, 2), "float16", tile=64, megabytes=128, source_times=24)
    assert layout.times == 120
