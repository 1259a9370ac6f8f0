"""Broken files: each gives one sentence with what was expected, what was found and what to do."""

import zipfile

import numpy as np
import pytest
import xarray as xr

from tests.fields import layouts
from tests.fields.mistakes import LATITUDE, LONGITUDE, TIMES, error_of, good_dataset, written

# ---------------------------------------------------------------------------------------- paths and formats


def test_missing_path(tmp_path):
    text = error_of(tmp_path / "absent.nc")
    assert text.startswith("There is no file or folder") and "absent.nc; check the path" in text


def test_missing_path_with_a_near_name(tmp_path):
    path = written(good_dataset(), tmp_path)
    assert f"did you mean {path}?" in error_of(tmp_path / "dta.nc")


def test_empty_folder(tmp_path):
    assert "Expected netCDF, GRIB or Zarr data in the folder" in error_of(tmp_path)


def test_folder_of_other_files(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    assert "found 1 files of other kinds" in error_of(tmp_path)


def test_pattern_without_a_match(tmp_path):
    assert "No file matches the pattern" in error_of(str(tmp_path / "*.nc"))


@pytest.mark.parametrize("path", [None, 5, b"data.nc", {}, 1.5])
def test_path_of_another_type(path):
    assert error_of(path).startswith("Expected a path, a list of paths or a URL, found")


@pytest.mark.parametrize("path", ["", "   "])
def test_blank_path(path):
    assert error_of(path).startswith("Expected the path of a file, store or folder, found")


def test_empty_list():
    assert error_of([]) == "Expected at least one file, found an empty list; give the paths of the files."


def test_same_file_twice(tmp_path):
    path = written(good_dataset(), tmp_path)
    assert "Expected each file once" in error_of([path, path])


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.nc", b"", "is empty; download it again"),
        ("notes.nc", b"these are just words\nand more", "found text in"),
        ("error.nc", b'{"error": "no such request"}', "found JSON text in"),
        ("login.nc", b"<!DOCTYPE html><html>please log in</html>", "found a web page in"),
        ("array.npy", b"\x93NUMPY\x01\x00v\x00", "found a NumPy array in"),
        ("model.pkl", b"\x80\x04\x95\x10\x00", "pickles are never loaded"),
        ("weights.pt", b"\xff\xfe\xfd\xfc\x01", "pickles are never loaded"),
        ("bytes.nc", b"\xff\xfe\xfd\xfc\x01", "found bytes of an unknown format in"),
        ("photo.nc", b"\x89PNG\r\n\x1a\n0000", "found a picture in"),
        ("data.nc.gz", b"\x1f\x8b\x08\x00\x00", "found a gzip archive in"),
        ("cut.nc", b"\x89HDF\r\n\x1a\n" + bytes(200), "is damaged or incomplete"),
        ("cut3.nc", b"CDF\x01\x00\x00", "is damaged or incomplete"),
        ("archive.zip", b"PK\x03\x04broken", "is damaged or incomplete"),
    ],
)
def test_file_of_another_kind(name, content, what, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    text = error_of(path)
    assert what in text and name in text


def test_truncated_download(tmp_path):
    path = written(good_dataset(), tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is damaged or incomplete" in error_of(path)


def test_damaged_values(tmp_path):
    """The header is whole, the values are not: compressed chunks of rubbish."""
    dataset = good_dataset()
    path = written(dataset, tmp_path, encoding={"u": {"zlib": True, "chunksizes": (2, 11, 11)}})
    raw = bytearray(path.read_bytes())
    start = raw.find(b"\x78\x5e")  # the head of a deflate stream
    start = start if start > 0 else raw.find(b"\x78\x9c")
    assert start > 0
    raw[start : start + 60] = bytes(60)
    path.write_bytes(raw)
    assert "the file is damaged: download it again" in error_of(path)


def test_zip_without_data(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "Expected netCDF or GRIB files in the ZIP file" in error_of(tmp_path / "a.zip")


def test_zarr_array_instead_of_group(tmp_path):
    import zarr

    zarr.create_array(tmp_path / "array.zarr", shape=(4, 4), chunks=(2, 2), dtype="f4")
    assert "Expected a Zarr group with variables, found none" in error_of(tmp_path / "array.zarr")


def test_zarr_with_damaged_metadata(tmp_path):
    path = layouts.ecmwf_datacube(tmp_path)
    (path / "u" / "zarr.json").write_text("{")
    assert "The metadata of timeChunked.zarr cannot be decoded" in error_of(path)


# ---------------------------------------------------------------------------------------- variables


def test_no_known_variable(tmp_path):
    text = error_of(written(good_dataset().rename(u="temp", v="salt"), tmp_path))
    assert text.startswith(
        "Expected u and v, or vorticity and divergence, found the variables 'salt', 'temp'"
    )


def test_only_u(tmp_path):
    text = error_of(written(good_dataset().drop_vars("v"), tmp_path))
    assert text.startswith("Expected both u and v, found only u (variables: 'u'); give the file with v too")


def test_only_divergence(tmp_path):
    dataset = good_dataset().rename(u="d").drop_vars("v")
    assert "Expected both vorticity and divergence, found only divergence" in error_of(
        written(dataset, tmp_path)
    )


def test_different_grids(tmp_path):
    good_dataset()[["u"]].to_netcdf(tmp_path / "u.nc", engine="netcdf4")
    good_dataset(latitude=LATITUDE - 1)[["v"]].to_netcdf(tmp_path / "v.nc", engine="netcdf4")
    text = error_of([tmp_path / "u.nc", tmp_path / "v.nc"])
    assert (
        "Expected one grid, found different latitudes in 'u' and 'v' (11 from 60 to 40; 11 from 59 to 39)"
        in text
    )


def test_different_times(tmp_path):
    good_dataset()[["u"]].to_netcdf(tmp_path / "u.nc", engine="netcdf4")
    good_dataset(times=TIMES + np.timedelta64(1, "D"))[["v"]].to_netcdf(tmp_path / "v.nc", engine="netcdf4")
    assert "Expected u and v at the same times" in error_of([tmp_path / "u.nc", tmp_path / "v.nc"])


def test_different_levels(tmp_path):
    for name, level in (("u", 850), ("v", 500)):
        part = good_dataset()[[name]].expand_dims(level=[level])
        part.to_netcdf(tmp_path / f"{name}.nc", engine="netcdf4")
    text = error_of([tmp_path / "u.nc", tmp_path / "v.nc"])
    assert "Expected u and v at the same level, found u at 850 hPa and v at 500 hPa" in text


def test_ensemble(tmp_path):
    dataset = xr.concat([good_dataset()] * 3, dim=xr.Variable("number", [0, 1, 2]))
    assert "has a dimension 'number' of length 3 besides time, level" in error_of(written(dataset, tmp_path))


def test_reduced_gaussian_values(tmp_path):
    dataset = xr.Dataset(
        {n: (("time", "values"), np.zeros((2, 542080), "f4"), {"units": "s-1"}) for n in ("vo", "d")}
    )
    text = error_of(written(dataset.assign_coords(time=TIMES), tmp_path))
    assert "found 542080 along 'values'; a reduced Gaussian grid must be regridded" in text


# ---------------------------------------------------------------------------------------- units


@pytest.mark.parametrize("units", ["K", "s-1", "m", "m2 s-1", "furlongs per fortnight"])
def test_wrong_units(units, tmp_path):
    dataset = good_dataset()
    dataset["v"].attrs["units"] = units
    text = error_of(written(dataset, tmp_path))
    assert text.startswith(f"Attribute 'units' of variable 'v' is '{units}', but m s-1 or units that convert")


def test_missing_units_and_implausible_values(tmp_path):
    dataset = good_dataset() * 1e4
    for array in dataset.values():
        array.attrs.clear()
    text = error_of(written(dataset, tmp_path))
    assert "has no attribute 'units' and its values (standard deviation" in text


def test_unmasked_fill_values(tmp_path):
    dataset = good_dataset()
    dataset["u"][0, 3, 3] = 9.96921e36
    text = error_of(written(dataset, tmp_path))
    assert "Variable 'u' reaches 9.97e+36 m s-1" in text and "_FillValue" in text


def test_level_units(tmp_path):
    dataset = good_dataset().expand_dims(level=[500, 850])
    dataset["level"].attrs["units"] = "furlongs"
    assert "'units' of level coordinate 'level' of 'u' is 'furlongs', where hPa or Pa" in error_of(
        written(dataset, tmp_path)
    )


def test_longitude_units(tmp_path):
    dataset = good_dataset()
    dataset["longitude"].attrs["units"] = "m"
    assert "'units' of the longitude of 'u' is 'm', where degrees were expected" in error_of(
        written(dataset, tmp_path)
    )


# ---------------------------------------------------------------------------------------- axes


def test_no_latitude(tmp_path):
    text = error_of(written(good_dataset().rename(latitude="row").drop_vars("row"), tmp_path))
    assert "Variable 'u' needs a latitude axis, but its dimensions are 'time', 'row', 'longitude'" in text


def test_axis_without_values(tmp_path):
    assert "Dimension 'latitude' of variable 'u' has no values" in error_of(
        written(good_dataset().drop_vars("latitude"), tmp_path)
    )


def test_curvilinear_grid(tmp_path):
    dataset = good_dataset().rename(latitude="y", longitude="x")
    grid = np.broadcast_to(LATITUDE[:, None], (11, 11)), np.broadcast_to(LONGITUDE, (11, 11))
    dataset = dataset.drop_vars(["x", "y"]).assign_coords(
        latitude=(("y", "x"), grid[0]), longitude=(("y", "x"), grid[1])
    )
    assert "to say whether it is the eastward wind or the wind along the grid" in error_of(
        written(dataset, tmp_path)
    )


def test_latitude_out_of_range(tmp_path):
    dataset = good_dataset().assign_coords(latitude=LATITUDE * 2)
    assert "must lie between -90 and 90 degrees, found 120" in error_of(written(dataset, tmp_path))


def test_exchanged_axes(tmp_path):
    dataset = good_dataset(longitude=np.arange(100, 122, 2.0)).rename(
        latitude="longitude", longitude="latitude"
    )
    assert "are latitude and longitude exchanged" in error_of(written(dataset, tmp_path))


def test_missing_coordinate_values(tmp_path):
    dataset = good_dataset().assign_coords(latitude=np.where(LATITUDE == 50, np.nan, LATITUDE))
    assert "must be finite numbers, found 1 missing" in error_of(written(dataset, tmp_path))


def test_gap_in_longitude(tmp_path):
    dataset = good_dataset(longitude=np.arange(0, 60, 2.0)).isel(longitude=[*range(12), *range(16, 30)])
    assert "have a gap of 10 degrees between 22 and 32, where 2 was expected" in error_of(
        written(dataset, tmp_path)
    )


def test_gap_in_latitude(tmp_path):
    dataset = good_dataset().isel(latitude=[0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
    assert "have a gap of 4 degrees between 50 and 54, where 2 was expected" in error_of(
        written(dataset, tmp_path)
    )


def test_longitude_twice(tmp_path):
    dataset = xr.concat([good_dataset(), good_dataset().isel(longitude=[3])], dim="longitude")
    assert "Longitude 6 E occurs twice in 'u'" in error_of(written(dataset, tmp_path))


def test_latitude_twice(tmp_path):
    dataset = xr.concat([good_dataset(), good_dataset().isel(latitude=[3])], dim="latitude")
    assert "Latitude 54 occurs twice in 'u'" in error_of(written(dataset, tmp_path))


@pytest.mark.parametrize("shape", [(1, 11), (2, 11), (11, 2)])
def test_too_few_points(shape, tmp_path):
    dataset = good_dataset().isel(latitude=slice(shape[0]), longitude=slice(shape[1]))
    assert f"found {shape[0]} x {shape[1]}" in error_of(written(dataset, tmp_path))


def test_single_point(tmp_path):
    """A time series of one place: the axes are scalars."""
    dataset = good_dataset().isel(latitude=0, longitude=0)
    assert "Expected at least 3 rows and 3 columns" in error_of(written(dataset, tmp_path))
