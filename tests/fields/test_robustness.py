"""Hostile input: each kind is refused at once with one sentence, or opens as what it is."""

import os
import struct
import time

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.mistakes import LATITUDE, LONGITUDE, error_of, good_dataset, written

# ---------------------------------------------------------------------------------------- times


@pytest.mark.parametrize("year", [1, 1000, 1677, 2262, 3000, 9999])
def test_years_that_nanoseconds_cannot_hold(year, tmp_path):
    """NumPy wraps them around without a word: the year 3000 becomes 1830."""
    dataset = good_dataset().assign_coords(
        time=[np.datetime64(f"{year:04d}-06-01", "s")] * 1 + [np.datetime64(f"{year:04d}-06-02", "s")]
    )
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
    assert "Expected times in the years 1678 to 2261, found 2999-05-03" in text


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
    dataset = (
        good_dataset()
        .rename(time="step")
        .assign_coords(
            step=("step", [0.0, value], {"units": "hours"}), time=np.datetime64("2020-01-01", "ns")
        )
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


def test_absurd_counts_in_a_netcdf3_header(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(b"CDF\x01" + struct.pack(">4i", 0, 10, 2**31 - 1, 2**31 - 1) + bytes(64))
    assert "its header cannot be read" in error_of(path)
