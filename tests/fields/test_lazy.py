"""Opening reads metadata only; computing reads the chunks it needs and no other."""

from typing import ClassVar

import fsspec
import numpy as np
import pytest
import xarray as xr
import zarr
from fsspec.implementations.memory import MemoryFileSystem

from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.analytic_flow import largest_error


class CountingFileSystem(MemoryFileSystem):
    """A remote store in memory that remembers which objects were read."""

    protocol = "counting"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]
    reads: ClassVar[list] = []

    def cat_file(self, path, *args, **kwargs):
        CountingFileSystem.reads.append(path)
        return super().cat_file(path, *args, **kwargs)

    def _open(self, path, *args, **kwargs):
        CountingFileSystem.reads.append(path)
        return super()._open(path, *args, **kwargs)


@pytest.fixture
def remote():
    """Upload a local store; returns its URL and a function that lists the chunks read since it was last
    called."""
    fsspec.register_implementation("counting", CountingFileSystem, clobber=True)
    CountingFileSystem.store.clear()

    def upload(path):
        memory = CountingFileSystem()
        for file in path.rglob("*"):
            if file.is_file():
                memory.pipe_file(
                    f"counting://{path.name}/{file.relative_to(path).as_posix()}", file.read_bytes()
                )
        CountingFileSystem.reads.clear()
        return f"counting://{path.name}"

    def chunks_read(*variables):
        read = [path for path in CountingFileSystem.reads if any(f"/{name}/" in path for name in variables)]
        read = [path for path in read if not path.rsplit("/", 1)[-1].startswith((".z", "zarr.json"))]
        CountingFileSystem.reads.clear()
        return sorted({"/".join(path.split("/")[-2:]) for path in read})

    return upload, chunks_read


def test_opening_a_wind_store_reads_no_field(remote, tmp_path):
    upload, chunks_read = remote
    url = upload(layouts.arco_full_37(tmp_path))
    fields = open_fields(url, level=850)
    assert chunks_read("u_component_of_wind", "v_component_of_wind", "temperature") == []
    fields.isel(time=1).vorticity.load()
    # The third stored time is the second valid one; all levels share a chunk.
    assert chunks_read("u_component_of_wind", "v_component_of_wind") == [
        "u_component_of_wind/3.0.0.0",
        "v_component_of_wind/3.0.0.0",
    ]
    assert chunks_read("temperature") == []
    assert largest_error(fields, start=layouts.TIMES[0]) < 5e-6


def test_one_level_and_time_of_a_model_level_store(remote, tmp_path):
    upload, chunks_read = remote
    url = upload(layouts.arco_model_level(tmp_path))
    fields = open_fields(url, level=120, time="2020-01-01T06", region="Europe")
    assert chunks_read("vorticity", "divergence") == []
    fields.load()
    # Levels 101..137 in chunks of 18: 120 lies in the second.
    assert chunks_read("vorticity", "divergence") == ["divergence/2.1.0.0", "vorticity/2.1.0.0"]


def test_one_level_and_time_of_coefficients(remote, tmp_path):
    upload, chunks_read = remote
    url = upload(layouts.arco_coefficients(tmp_path))
    fields = open_fields(url, level=120)
    assert chunks_read("vo", "d") == []
    fields.divergence.isel(time=3).load()
    assert chunks_read("vo", "d") == ["d/3.1.0"]


def test_region_reads_only_its_chunks(remote, tmp_path):
    """Given fields chunked in space: a box reads the chunks it touches."""
    upload, chunks_read = remote
    _, _, vorticity, divergence = layouts.flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, layouts.TIMES)
    dataset = xr.Dataset(
        {"vo": vorticity.assign_attrs(units="s-1"), "d": divergence.assign_attrs(units="s-1")}
    )
    path = tmp_path / "tiles.zarr"
    dataset.to_zarr(
        path, zarr_format=2, consolidated=True, encoding={n: {"chunks": (1, 10, 12)} for n in dataset}
    )
    fields = open_fields(upload(path), time="2020-01-01T03", region=(10, 60, 10, 90))
    assert chunks_read("vo", "d") == []
    fields.vorticity.load()
    assert chunks_read("vo", "d") == ["vo/1.0.0"]
    assert largest_error(fields, start=layouts.TIMES[0]) < 2e-7


def test_stores_of_version_3_without_consolidated_metadata(remote, tmp_path):
    upload, _ = remote
    fields = open_fields(upload(layouts.ecmwf_datacube(tmp_path)))

    def chunks_of_version_3():
        return {
            path.split(".zarr/")[1] for path in CountingFileSystem.reads if "/u/c/" in path or "/v/c/" in path
        }

    assert chunks_of_version_3() == set()
    assert largest_error(fields.isel(time=[0])) < 5e-6
    assert chunks_of_version_3() == {"u/c/0/0/0/0", "v/c/0/0/0/0"}


def test_missing_units_read_one_slice(remote, tmp_path):
    """Without units the magnitude is checked: one slice is read, in the middle."""
    upload, chunks_read = remote
    _, _, vorticity, divergence = layouts.flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, layouts.TIMES)
    path = tmp_path / "s.zarr"
    dataset = xr.Dataset({"vo": vorticity, "d": divergence})
    dataset.to_zarr(
        path, zarr_format=2, consolidated=True, encoding={n: {"chunks": (1, 19, 36)} for n in dataset}
    )
    fields = open_fields(upload(path))
    assert chunks_read("vo", "d") == ["d/2.0.0", "vo/2.0.0"]
    assert "Variable 'vo' has no units; s-1 was assumed" in fields.attrs["notes"]


def test_a_store_of_a_million_hours_opens_quickly(tmp_path):
    """Sizes of ARCO-ERA5, no chunk of data at all: 1.5 TB per variable that are never touched."""
    import time

    hours, path = 1_323_648, tmp_path / "huge.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.attrs.update(valid_time_start="1940-01-01", valid_time_stop="2025-12-31")
    axes = {
        "time": (np.arange(hours), {"units": "hours since 1900-01-01", "calendar": "proleptic_gregorian"}),
        "level": (np.array([500, 850, 1000]), {"units": "hPa"}),
        "latitude": (np.linspace(90, -90, 721), {}),
        "longitude": (np.arange(1440) * 0.25, {}),
    }
    for name, (values, attributes) in axes.items():
        array = group.create_array(
            name, shape=values.shape, chunks=values.shape, dtype=values.dtype, fill_value=-999
        )
        array[:] = values
        array.attrs.update(_ARRAY_DIMENSIONS=[name], **attributes)
    for name in ("u_component_of_wind", "v_component_of_wind"):
        shape = (hours, 3, 721, 1440)
        array = group.create_array(name, shape=shape, chunks=(1, 3, 721, 1440), dtype="f4", fill_value=np.nan)
        array.attrs.update(_ARRAY_DIMENSIONS=list(axes), units="m s**-1")
    zarr.consolidate_metadata(path)
    start = time.process_time()
    fields = open_fields(path, level=850, time="2020")
    assert fields.sizes == {"time": 8784, "latitude": 721, "longitude": 1440}
    assert time.process_time() - start < 10, "CPU seconds"
    whole = open_fields(path, level=850)
    assert whole.sizes["time"] == 753_888 == len(whole.vorticity.chunks[0])
    graph = whole.vorticity.data.dask
    assert not any(layer.is_materialized() for layer in graph.layers.values()), (
        "no task exists before it is needed"
    )


def test_netcdf_without_chunks_is_read_time_by_time(tmp_path):
    """A contiguous file has no chunks of its own: slices of a megabyte and more are read alone, small ones
    together."""
    times = np.arange("2020-01-01", "2020-01-07", dtype="M8[D]").astype("M8[ns]")
    _, _, vorticity, divergence = layouts.flow_arrays(np.linspace(90, -90, 361), np.arange(720) * 0.5, times)
    dataset = xr.Dataset(
        {"vo": vorticity.assign_attrs(units="s-1"), "d": divergence.assign_attrs(units="s-1")}
    )
    dataset.to_netcdf(
        tmp_path / "large.nc", engine="netcdf4", encoding={n: {"contiguous": True} for n in ("vo", "d")}
    )
    assert open_fields(tmp_path / "large.nc").vorticity.chunksizes["time"] == (1,) * 6
    small = dataset.isel(latitude=slice(10, 40), longitude=slice(10, 40))
    small.to_netcdf(
        tmp_path / "small.nc", engine="netcdf4", encoding={n: {"contiguous": True} for n in ("vo", "d")}
    )
    assert open_fields(tmp_path / "small.nc").vorticity.chunksizes["time"] == (6,)


def test_stored_chunks_are_followed(tmp_path):
    """Times chosen inside stored chunks of 4: no stored chunk is read for two tasks."""
    times = np.arange("2020-01-01", "2020-01-13", dtype="M8[D]").astype("M8[ns]")
    _, _, vorticity, divergence = layouts.flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, times)
    dataset = xr.Dataset(
        {"vo": vorticity.assign_attrs(units="s-1"), "d": divergence.assign_attrs(units="s-1")}
    )
    dataset.to_zarr(
        tmp_path / "s.zarr", zarr_format=2, encoding={n: {"chunks": (4, 19, 36)} for n in dataset}
    )
    fields = open_fields(tmp_path / "s.zarr", time=slice("2020-01-03", "2020-01-10"))
    assert fields.vorticity.chunksizes["time"] == (2, 4, 2)


def test_other_processes_can_compute_the_graph(tmp_path):
    """A cluster's scheduler sends the tasks to other processes."""
    for builder in (layouts.arco_full_37, layouts.cds_new, layouts.arco_coefficients):
        fields = open_fields(builder(tmp_path))
        first = fields.vorticity.isel(time=0)
        np.testing.assert_array_equal(first.compute(scheduler="processes", num_workers=1), first)
