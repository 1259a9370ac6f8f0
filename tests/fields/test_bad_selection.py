"""Times, levels, regions, missing values and URLs that cannot be: each gives one sentence."""

import re

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.mistakes import error_of, good_dataset, written

# ---------------------------------------------------------------------------------------- times


def test_duplicate_times(tmp_path):
    dataset = xr.concat([good_dataset(), good_dataset().isel(time=[1])], dim="time")
    text = error_of(written(dataset, tmp_path))
    assert text.startswith(
        "Expected each time once, found 1 duplicate times in 'u', the first 2020-01-01T03:00"
    )


def test_duplicate_times_in_two_files(tmp_path):
    good_dataset().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    good_dataset().isel(time=[1]).to_netcdf(tmp_path / "b.nc", engine="netcdf4")
    assert "1 duplicate times in a.nc and in b.nc" in error_of([tmp_path / "a.nc", tmp_path / "b.nc"])


def test_times_without_units(tmp_path):
    text = error_of(written(good_dataset().assign_coords(time=[0.0, 3.0]), tmp_path))
    assert "holds numbers without a unit such as 'hours since 2000-01-01'" in text


def test_times_with_nonsense_units(tmp_path):
    dataset = good_dataset().assign_coords(time=("time", [0.0, 3.0], {"units": "hours since the beginning"}))
    assert "time axis of" in error_of(written(dataset, tmp_path)).lower()


def test_months_of_a_360_day_calendar(tmp_path):
    dataset = good_dataset().assign_coords(
        time=("time", [59.0, 60.0], {"units": "days since 2001-01-01", "calendar": "360_day"})
    )
    path = written(dataset, tmp_path)
    assert open_fields(path, time="2001-02").model_date.values.tolist() == ["2001-02-30T00:00"]
    assert open_fields(path, time="2001-03").model_date.values.tolist() == ["2001-03-01T00:00"]
    assert open_fields(path).attrs["time_step_hours"] == 24
    assert "2001-04" in error_of(path, time="2001-04")


@pytest.mark.parametrize(
    ("time", "what"),
    [
        (
            "2021",
            "Time 2021 is not in the data; available are 2 times from 2020-01-01T00:00 to 2020-01-01T03:00",
        ),
        (
            "yesterday",
            "Expected a time such as '2020-01-01T06', a slice or a list of times, found 'yesterday'",
        ),
        (17, "Expected a time such as"),
        ([], "Expected at least one time, found an empty list"),
        (slice("2021", None), "No time lies in 2021-01-01T00:00 to"),
        (["2020-01-01T00", "2020-01-01T01"], "Time 2020-01-01T01 is not in the data"),
        (np.datetime64("NaT"), "Expected a time such as"),
    ],
)
def test_time_argument(time, what, tmp_path):
    assert what in error_of(written(good_dataset(), tmp_path), time=time)


# ---------------------------------------------------------------------------------------- levels and regions


def test_level_not_there(tmp_path):
    text = error_of(layouts.generic_wind(tmp_path), level=300)
    assert text == "Level 300 is not in the data, which hold 500, 850 hPa; choose one of these."


def test_level_of_another_kind(tmp_path):
    assert "Level 850 m is not in the data" in error_of(layouts.generic_wind(tmp_path), level="850 m")


def test_level_without_levels(tmp_path):
    path = written(good_dataset(), tmp_path)
    assert (
        error_of(path, level=850) == "Level 850 was requested, but the data have no levels; leave out level."
    )


def test_level_of_10_m_wind(tmp_path):
    path = written(good_dataset().rename(u="u10", v="v10"), tmp_path)
    assert error_of(path, level=850) == "Level 850 is not in the data, which hold 10 m; choose one of these."
    assert open_fields(path, level=10).attrs["level"] == "10 m"


@pytest.mark.parametrize("level", ["surface", [850], {}, True, "850 parsecs"])
def test_level_argument(level, tmp_path):
    assert "such as 850, '850 hPa' or 'hybrid 120', found" in error_of(
        layouts.generic_wind(tmp_path), level=level
    )


@pytest.mark.parametrize(
    ("region", "what"),
    [
        (
            "Atlantis",
            "Expected the name of a region (Europe, North America, South-East Asia, Pacific, Globe), found",
        ),
        ((1, 2, 3), "Expected a region as Region(south, north, west, east)"),
        (5, "Expected a region as Region(south, north, west, east)"),
        ((70, 30, 0, 40), "Expected the south of a region below its north"),
        ((-40, -20, 100, 120), "Expected at least 2 x 2 points of the data in region -40..-20 N, 100..120 E"),
    ],
)
def test_region_argument(region, what, tmp_path):
    assert what in error_of(written(good_dataset(), tmp_path), region=region)


# ---------------------------------------------------------------------------------------- missing values


def test_missing_values_on_the_globe(tmp_path):
    dataset = good_dataset(layouts.LATITUDE, layouts.LONGITUDE)
    dataset["v"][1, 4:6, 7] = np.nan
    text = error_of(written(dataset, tmp_path))
    assert text.startswith(
        "Expected values of 'v' everywhere on the globe, found 2 of 1368 missing; fill them"
    )


def test_missing_values_in_a_store_are_refused_when_computed(tmp_path):
    dataset = good_dataset(layouts.LATITUDE, layouts.LONGITUDE)
    dataset["v"][1, 4:6, 7] = np.nan
    dataset.to_zarr(
        tmp_path / "s.zarr", zarr_format=2, encoding={n: {"chunks": (1, 19, 36)} for n in ("u", "v")}
    )
    fields = open_fields(tmp_path / "s.zarr")
    assert np.isfinite(fields.isel(time=0).load().vorticity).all()
    with pytest.raises(
        UserError, match="Expected values of v everywhere on the globe, found 2 of 684 missing"
    ):
        fields.isel(time=1).load()


def test_nothing_but_missing_values(tmp_path):
    text = error_of(written(good_dataset().where(False).assign(u=good_dataset().u), tmp_path))
    assert text.startswith("Expected values in 'u' and 'v', found only missing ones") or "units" in text


# ---------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("gopher://server/data.zarr", "Expected an address such as gs://, s3:// or https://"),
        ("gs://", "Expected an address after gs://, found 'gs://'"),
        ("https://host.invalid/data.grib", "found a grib file by its name; download it"),
        ("https://host.invalid/data.zip", "found a zip file by its name; download it"),
        (
            "https://host.invalid/data.zarr",
            "The server host.invalid of https://host.invalid/data.zarr cannot be found",
        ),
        (
            "memory://nowhere.zarr",
            "Expected a Zarr group with variables, found none at memory://nowhere.zarr",
        ),
        ("memory://nowhere.nc", "memory://nowhere.nc cannot be read (FileNotFoundError"),
    ],
)
def test_url(url, what, monkeypatch):
    import urllib.request

    monkeypatch.setattr(urllib.request, "getproxies", dict)
    assert what in error_of(url)


@pytest.mark.parametrize(
    ("url", "package", "install"),
    [
        ("gs://b/x.zarr", "gcsfs", "'atmodist-studio[remote]'"),
        ("s3://b/x.zarr", "s3fs", "s3fs"),
        ("https://h/x", "aiohttp", "'atmodist-studio[remote]'"),
    ],
)
def test_missing_package_names_what_to_install(url, package, install, monkeypatch):
    from atmodist_core.fields.open import remote

    monkeypatch.setattr(remote, "find_spec", lambda name: None)
    text = error_of(url)
    assert f"needs the package {package}" in text and f"pip install {install}." in text


def test_missing_eccodes_names_the_extra(tmp_path, monkeypatch):
    from atmodist_core.fields.open import grib

    def refuse(name):
        if name == "eccodes":
            raise ImportError("no eccodes")
        return __import__(name)

    monkeypatch.setattr(grib, "import_module", refuse)
    (tmp_path / "a.grib").write_bytes(b"GRIB" + bytes(100))
    assert "pip install 'atmodist-studio[grib]'" in error_of(tmp_path / "a.grib")


@pytest.mark.parametrize("status", [401, 403])
def test_server_that_refuses(status, monkeypatch):
    from atmodist_core.fields.open import remote

    class Refusal(Exception):
        def __init__(self):
            super().__init__("Forbidden")
            self.status = status

    def refuse(*_):
        raise Refusal

    monkeypatch.setattr(remote, "open_zarr_url", refuse)
    text = error_of("memory://secret.zarr")
    assert re.search(r"refuses anonymous access .* download the data with your account", text)
