"""Hostile input: each kind is refused at once with one sentence, or opens as what it is."""

import os
import socket
import struct
import time

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.mistakes import LATITUDE, LONGITUDE, TIMES, error_of, good_dataset, written

# ---------------------------------------------------------------------------------------- times


@pytest.mark.parametrize("year", [1, 1000, 1677, 2262, 3000, 9999])
def test_years_that_nanoseconds_cannot_hold(year, tmp_path):
    """NumPy wraps them around without a word: the year 3000 becomes 1830."""
    dataset = good_dataset().assign_coords(time=[np.datetime64(f"{year:04d}-06-01", "s")] * 1 + [
        np.datetime64(f"{year:04d}-06-02", "s")
    ])
    path = written(dataset, tmp_path, encoding={"time": {"units": f"days since {year:04d}-01-01"}})
    text = error_of(path)
    assert text.startswith(f"Expected times in the years 1678 to 2261, found {year:04d}-06-01"), text


@pytest.mark.parametrize("year", [1678, 1850, 2261])
def test_years_that_nanoseconds_can_hold(year, tmp_path):
    dataset = good_dataset().assign_coords(time=np.array([f"{year}-06-01", f"{year}-06-02"], "M8[s]"))
    fields = open_fields(written(dataset, tmp_path))
    assert str(fields.time.values[0])[:10] == f"{year}-06-01"


def test_years_of_model_calendars(tmp_path):
    times = xr.date_range("3000-01-01", periods=2, calendar="noleap", use_cftime=True)
    text = error_of(written(good_dataset().assign_coords(time=times), tmp_path))
    assert "found 3000-01-01" in text


def test_a_requested_year_out_of_range(tmp_path):
    path = written(good_dataset(), tmp_path)
    for request in ("3000-01", np.datetime64("3000-01-01"), slice("0001", "0002")):
        assert error_of(path, time=request).startswith(("Expected a time such as", "No time lies", "Time "))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_times_that_are_no_dates(value, tmp_path):
    dataset = good_dataset().assign_coords(time=("time", [0.0, value], {"units": "days since 2000-01-01"}))
    assert "time" in error_of(written(dataset, tmp_path)).lower()


@pytest.mark.parametrize("value", [np.nan, 1e30])
def test_forecast_steps_that_are_no_time_spans(value, tmp_path):
    dataset = good_dataset().rename(time="step").assign_coords(
        step=("step", [0.0, value], {"units": "hours"}), time=np.datetime64("2020-01-01", "ns")
    )
    assert "Forecast steps 'step'" in error_of(written(dataset, tmp_path))


# ---------------------------------------------------------------------------------------- truncated files


@pytest.mark.parametrize("layout", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("unlimited", [False, True])
def test_truncated_netcdf3(layout, unlimited, tmp_path):
    """The library reads zeros behind the end of the file."""
    path = tmp_path / "data.nc"
    good_dataset().to_netcdf(
        path, engine="netcdf4", format=layout, unlimited_dims=["time"] if unlimited else []
    )
    open_fields(path)
    whole = path.read_bytes()
    for length in (len(whole) - 64, len(whole) // 2, 600):
        path.write_bytes(whole[:length])
        assert "damaged or incomplete" in error_of(path), length


def test_netcdf3_with_one_record_variable_has_no_padding(tmp_path):
    """int16 records of 3 values: 6 bytes each, not 8."""
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("time", None)
        file.createDimension("x", 3)
        file.createVariable("u", "i2", ("time", "x"))[:] = np.arange(15).reshape(5, 3)
    whole = path.read_bytes()
    from atmodist_core.fields.open.netcdf_integrity import refuse_truncated_netcdf3

    refuse_truncated_netcdf3(str(path))
    path.write_bytes(whole[:-4])
    with pytest.raises(UserError, match="damaged or incomplete"):
        refuse_truncated_netcdf3(str(path))


@pytest.mark.parametrize("part", [0.05, 0.5, 0.9, 0.999])
def test_truncated_netcdf4(part, tmp_path):
    path = written(good_dataset(), tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert "damaged or incomplete" in error_of(path)


@pytest.mark.parametrize("part", [0.1, 0.45, 0.9, 0.999])
def test_truncated_grib(part, tmp_path):
    pytest.importorskip("eccodes")
    path = layouts.grib_grid(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    text = error_of(path)
    assert "damaged or incomplete" in text or "missing" in text


@pytest.mark.parametrize("change", ["truncate", "replace"])
@pytest.mark.parametrize("layout", ["netcdf3", "netcdf4", "grib"])
def test_a_file_that_changes_after_opening(change, layout, tmp_path):
    if layout == "grib":
        pytest.importorskip("eccodes")
        path = layouts.grib_grid(tmp_path)
    else:
        options = {"format": "NETCDF3_CLASSIC"} if layout == "netcdf3" else {}
        path = written(good_dataset(), tmp_path, **options)
    fields = open_fields(path)
    if change == "truncate":
        os.truncate(path, path.stat().st_size // 2)
    else:
        other = tmp_path / "other"
        other.write_bytes(path.read_bytes())
        os.utime(other, (0, 0))
        os.replace(other, path)
    with pytest.raises(UserError, match=f"The file {path} has changed since it was opened; open it again"):
        fields.load()


def test_a_damaged_chunk_is_reported_when_it_is_read(tmp_path):
    path = layouts.ecmwf_datacube(tmp_path)
    fields = open_fields(path)
    chunk = path / "u" / "c" / "0" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(UserError, match=r"The values of 'u' in .* cannot be read"):
        fields.isel(time=0).load()


# ---------------------------------------------------------------------------------------- missing chunks


def store(folder, fill, zarr_format=3, dtype="f4"):
    path = folder / f"store{zarr_format}.zarr"
    u, v, _, _ = layouts.flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, layouts.TIMES)
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    axes = {"time": np.arange(4), "latitude": layouts.LATITUDE, "longitude": layouts.LONGITUDE}
    for name, values in {**axes, "u": u.values, "v": v.values}.items():
        dimensions = tuple(axes) if name in "uv" else (name,)
        attributes = {"units": {"time": "days since 2020-01-01", "u": "m s-1", "v": "m s-1"}.get(name, "degrees")}
        extra = {"dimension_names": dimensions}
        if zarr_format == 2:
            extra, attributes = {}, {**attributes, "_ARRAY_DIMENSIONS": list(dimensions)}
        array = group.create_array(
            name,
            shape=values.shape,
            chunks=(1, *values.shape[1:]) if name in "uv" else values.shape,
            dtype=dtype if name in "uv" else values.dtype,
            fill_value=fill if name in "uv" else -999,
            attributes=attributes,
            **extra,
        )
        array[:] = values
    return path


def test_missing_chunks_that_would_read_as_zeros(tmp_path):
    path = store(tmp_path, 0.0)
    (path / "u" / "c" / "2" / "0" / "0").unlink()
    fields = open_fields(path)
    assert (
        "1 of 4 stored chunks of 'u' are missing (the first is u/c/2/0/0); reading them is refused"
        in fields.attrs["notes"]
    )
    fields.isel(time=[0, 1, 3]).load()
    with pytest.raises(UserError, match="Expected the chunk u/c/2/0/0 of the Zarr store"):
        fields.isel(time=2).load()
    assert "missing" not in open_fields(path, time="2020-01-01").attrs["notes"], "only what is selected"


@pytest.mark.parametrize(("zarr_format", "chunk"), [(2, "2.0.0"), (3, "c/2/0/0")])
def test_missing_chunks_that_read_as_missing_values(zarr_format, chunk, tmp_path):
    path = store(tmp_path, np.nan, zarr_format)
    (path / "u" / chunk).unlink()
    fields = open_fields(path)
    assert f"1 of 4 stored chunks of 'u' are missing (the first is u/{chunk})" in fields.attrs["notes"]
    with pytest.raises(UserError, match="Expected values of u everywhere on the globe"):
        fields.isel(time=2).load()


def test_missing_chunks_of_a_remote_store_are_refused_when_read(tmp_path):
    import fsspec

    path = store(tmp_path, 0.0)
    (path / "v" / "c" / "1" / "0" / "0").unlink()
    memory = fsspec.filesystem("memory")
    memory.put(str(path), "/incomplete.zarr", recursive=True)
    try:
        fields = open_fields("memory://incomplete.zarr")
        with pytest.raises(UserError, match="Expected the chunk v/c/1/0/0"):
            fields.isel(time=1).load()
    finally:
        memory.rm("/incomplete.zarr", recursive=True)


def test_missing_chunks_of_a_simulated_store(tmp_path):
    from atmodist_core.fields.open.coefficient_store import CoefficientWriter

    writer = CoefficientWriter(tmp_path / "member", 5, {"source": "test", "level": "sigma 0.883"}, 2)
    coefficients = np.zeros((4, 6, 6), complex)
    writer.write(0, layouts.TIMES, {"vorticity": coefficients, "divergence": coefficients})
    assert not open_fields(tmp_path / "member").vorticity.values.any(), "zeros are written, not left out"
    (tmp_path / "member" / "divergence_values" / "c" / "1" / "0").unlink()
    assert "1 of 2 chunks missing" in error_of(tmp_path / "member")


# ---------------------------------------------------------------------------------------- coordinates, values


def test_radians_are_converted_when_stated_and_refused_when_not(tmp_path):
    dataset = good_dataset(layouts.LATITUDE, layouts.LONGITUDE)
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    expected = open_fields(written(dataset, folders[0])).load()
    radians = dataset.assign_coords(
        latitude=np.deg2rad(dataset.latitude), longitude=np.deg2rad(dataset.longitude)
    )
    assert "which are radians; set their attribute 'units'" in error_of(written(radians, folders[1]))
    for axis in ("latitude", "longitude"):
        radians[axis].attrs["units"] = "radians"
    fields = open_fields(written(radians, folders[2]))
    np.testing.assert_allclose(fields.latitude, expected.latitude, atol=1e-9)
    np.testing.assert_allclose(fields.vorticity, expected.vorticity, atol=1e-9)
    assert "The latitudes were converted from radians to degrees." in fields.attrs["notes"]


@pytest.mark.parametrize("how", ["mapping", "names", "standard_name", "lambert"])
def test_rotated_and_projected_grids(how, tmp_path):
    dataset = good_dataset()
    if how == "names":
        dataset = dataset.rename(latitude="rlat", longitude="rlon")
    elif how == "standard_name":
        dataset["latitude"].attrs["standard_name"] = "grid_latitude"
    else:
        kind = "rotated_latitude_longitude" if how == "mapping" else "lambert_conformal_conic"
        attrs = {"grid_mapping_name": kind, "grid_north_pole_latitude": 39.25}
        dataset["crs"] = ((), 0, attrs if how == "mapping" else {"grid_mapping_name": kind})
        for name in "uv":
            dataset[name].attrs["grid_mapping"] = "crs"
    text = error_of(written(dataset, tmp_path))
    assert "regrid it" in text and ("rotated" in text or "lambert" in text)


def test_an_ordinary_grid_mapping_opens(tmp_path):
    dataset = good_dataset()
    dataset["crs"] = ((), 0, {"grid_mapping_name": "latitude_longitude"})
    for name in "uv":
        dataset[name].attrs["grid_mapping"] = "crs"
    assert open_fields(written(dataset, tmp_path)).sizes["latitude"] == LATITUDE.size


@pytest.mark.parametrize("dtype", ["bool", "complex64", "U3"])
def test_values_that_are_not_real_numbers(dtype, tmp_path):
    dataset = good_dataset()
    dataset["u"] = dataset.u.astype(dtype).drop_encoding()
    path = tmp_path / "a.zarr"
    dataset.to_zarr(path, zarr_format=2)
    assert "where real numbers were expected" in error_of(path)


@pytest.mark.parametrize("axis", ["time", "latitude", "longitude"])
def test_dimensions_without_entries(axis, tmp_path):
    text = error_of(written(good_dataset().isel({axis: []}), tmp_path))
    assert "has no entries" in text or "time" in text


@pytest.mark.parametrize("axis", ["time", "latitude", "level"])
@pytest.mark.parametrize("with_coordinate", [True, False])
@pytest.mark.parametrize("layout", ["netcdf4", "zarr"])
def test_a_dimension_of_a_billion(axis, with_coordinate, layout, tmp_path):
    """Its coordinate is never read: that would take 8 GB."""
    sizes = {"time": 2, "latitude": 11, "longitude": 11} | {axis: 10**9}
    values = {"time": np.arange(2), "latitude": LATITUDE, "longitude": LONGITUDE}
    path = tmp_path / f"huge.{layout}"
    start = time.process_time()
    if layout == "zarr":
        group = zarr.open_group(path, mode="w", zarr_format=3)
        for name in sizes:
            if name != axis or with_coordinate:
                array = group.create_array(
                    name, shape=(sizes[name],), chunks=(10**6,), dtype="f8", dimension_names=(name,)
                )
                if name != axis:
                    array[:] = values[name]
        for name in "uv":
            chunks = tuple(min(length, 1000) for length in sizes.values())
            group.create_array(
                name, shape=tuple(sizes.values()), chunks=chunks, dtype="f4", dimension_names=tuple(sizes)
            )
    else:
        with netCDF4.Dataset(path, "w") as file:
            for name, length in sizes.items():
                file.createDimension(name, length)
                if name != axis or with_coordinate:
                    variable = file.createVariable(name, "f8", (name,), chunksizes=(min(length, 10**6),))
                    if name != axis:
                        variable[:] = values[name]
            for name in "uv":
                chunks = tuple(min(length, 1000) for length in sizes.values())
                file.createVariable(name, "f4", tuple(sizes), chunksizes=chunks)
    assert f"Dimension '{axis}' of" in error_of(path) and "1,000,000,000" in error_of(path)
    assert time.process_time() - start < 20


@pytest.mark.parametrize("axis", ["latitude", "longitude"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 50.5])
def test_coordinates_that_are_not_an_axis(axis, value, tmp_path):
    dataset = good_dataset()
    values = dataset[axis].values.copy()
    values[4] = value if axis == "latitude" or value != 50.5 else 1.0
    if np.isfinite(value):
        values[7] = values[2] + 0.1
    text = error_of(written(dataset.assign_coords({axis: values}), tmp_path))
    assert f"{axis}s of 'u' must" in text.lower() or "gap" in text


@pytest.mark.parametrize("levels", [[np.nan, 850.0], [np.inf, 850.0], [850.0, 850.0]])
def test_levels_that_are_not_an_axis(levels, tmp_path):
    dataset = xr.concat([good_dataset()] * 2, xr.Variable("level", levels, {"units": "hPa"}))
    assert "Level coordinate 'level' of 'u' must hold different finite numbers" in error_of(
        written(dataset, tmp_path)
    )


# ---------------------------------------------------------------------------------------- special files, links


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
@pytest.mark.parametrize("in_folder", [True, False])
def test_files_that_would_block(kind, in_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    folder = tmp_path / "data"
    folder.mkdir()
    good_dataset().to_netcdf(folder / "a.nc", engine="netcdf4")
    path = folder / "b.nc"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("data/b.nc")
    elif in_folder:
        pytest.skip("a link to a device leads out of the folder")
    else:
        path.symlink_to("/dev/zero")
    assert f"found {kind} at" in error_of(folder if in_folder else path)


def test_a_pipe_in_a_store(tmp_path):
    path = layouts.ecmwf_datacube(tmp_path)
    chunk = path / "u" / "c" / "0" / "0" / "0" / "0"
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(UserError, match="found a pipe or device"):
        open_fields(path).isel(time=0).load()
    (path / "zarr.json").unlink()
    os.mkfifo(path / "zarr.json")
    assert error_of(path)


def test_a_loop_of_folders(tmp_path):
    good_dataset().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "itself.nc").symlink_to(tmp_path / "itself.nc")
    assert error_of(tmp_path)
    (tmp_path / "itself.nc").unlink()
    assert open_fields(tmp_path).sizes["time"] == 2


def test_links_that_leave_a_folder(tmp_path):
    outside = written(good_dataset(), tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    link = folder / "link.nc"
    link.symlink_to(outside)
    assert "found the link link.nc that leads out of it" in error_of(folder)
    assert open_fields(link).sizes["time"] == 2, "a link that the user names is followed"
    assert open_fields(str(folder / "*.nc")).sizes["time"] == 2


@pytest.mark.parametrize("part", ["chunk", "metadata", "array"])
def test_links_that_leave_a_store(part, tmp_path):
    path = layouts.ecmwf_datacube(tmp_path)
    inside = {"chunk": path / "u/c/0/0/0/0", "metadata": path / "u/zarr.json", "array": path / "u"}[part]
    inside.rename(tmp_path / "outside")
    inside.symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match="that leads out of it"):
        open_fields(path).isel(time=0).load()
    whole = tmp_path / "link.zarr"
    whole.symlink_to(layouts.weatherbench2(tmp_path))
    assert open_fields(whole, level=850).sizes["time"] == 4


@pytest.mark.parametrize("how", ["external link", "virtual dataset", "external storage"])
def test_hdf5_that_reads_other_files(how, tmp_path):
    outside = tmp_path / "outside.nc"
    good_dataset().to_netcdf(outside, engine="netcdf4")
    path = tmp_path / "data.nc"
    good_dataset().drop_vars("u" if how != "external link" else "v").to_netcdf(path, engine="netcdf4")
    with h5py.File(path, "a") as file:
        if how == "external link":
            file["v"] = h5py.ExternalLink(str(outside), "/v")
        elif how == "virtual dataset":
            layout = h5py.VirtualLayout(shape=(2, 11, 11), dtype="f8")
            layout[:] = h5py.VirtualSource(str(outside), "u", shape=(2, 11, 11))
            file.create_virtual_dataset("u", layout)
        else:
            file.create_dataset("u", (2, 11, 11), "f8", external=[(str(outside), 0, 2 * 11 * 11 * 8)])
    text = error_of(path)
    assert "refers to another file, which is not followed" in text


def test_a_virtual_dataset_of_the_same_file_is_no_link(tmp_path):
    from atmodist_core.fields.open.netcdf_integrity import refuse_links_of_hdf5

    path = written(good_dataset(), tmp_path)
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout(shape=(2, 11, 11), dtype="f8")
        layout[:] = h5py.VirtualSource(".", "u", shape=(2, 11, 11))
        file.create_virtual_dataset("copy", layout)
    refuse_links_of_hdf5(str(path), "data.nc")


def test_absurd_counts_in_a_netcdf3_header(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(b"CDF\x01" + struct.pack(">4i", 0, 10, 2**31 - 1, 2**31 - 1) + bytes(64))
    assert "its header cannot be read" in error_of(path)
