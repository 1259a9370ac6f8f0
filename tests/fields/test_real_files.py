"""Every real file opens, with the axes, levels, times and magnitudes that it is known to hold."""

import numpy as np
import pytest

from atmodist_core.fields import open_fields
from tests.fields.test_layouts import assert_canonical

EUROPE = ["era5_0p25_hourly_europe_2020-01-01_u.nc", "era5_0p25_hourly_europe_2020-01-01_v.nc"]

FILES = {
    # files: (sizes, grid, level, first and last time, hours between times, range of both standard deviations)
    ("gfs_1deg_10m_wind_3hourly_2018-10-06.nc",): (
        (32, 181, 360),
        "equiangular-with-poles",
        "10 m",
        "2018-10-06T18",
        "2018-10-10T15",
        3.0,
        (2e-5, 4e-5),
        (1e-5, 3e-5),
    ),
    tuple(EUROPE): (
        (24, 41, 41),
        "limited-area",
        "875 hPa",
        "2020-01-01T00",
        "2020-01-01T23",
        1.0,
        (2e-5, 8e-5),
        (1e-5, 4e-5),
    ),
    ("era5_new_cds_layout_10m_wind_2025-05.nc",): (
        (30, 61, 73),
        "limited-area",
        "10 m",
        "2025-05-23T00",
        "2025-05-28T23",
        None,
        (1e-5, 6e-5),
        (1e-5, 6e-5),
    ),
    ("era5_expver_dimension_2021.nc",): (
        (1020, 3, 3),
        "limited-area",
        "875 hPa",
        "2021-01-01T00",
        "2021-09-12T18",
        6.0,
        (1e-5, 8e-5),
        (1e-5, 4e-5),
    ),
    ("erainterim_0p75_monthly_uvz.nc",): (
        (2, 241, 480),
        "equiangular-with-poles",
        "850 hPa",
        "2001-01-01T00",
        "2001-07-01T00",
        None,
        (5e-6, 3e-5),
        (3e-6, 2e-5),
    ),
    ("ifs_0p5_uv_200hPa.grib",): (
        (1, 361, 720),
        "equiangular-with-poles",
        "200 hPa",
        "2010-03-05T12",
        "2010-03-05T12",
        None,
        (2e-5, 6e-5),
        (1e-5, 4e-5),
    ),
    ("ifs_t511_spectral_vo_d.grib2",): (
        (1, 1024, 2048),
        "driscoll-healy",
        "hybrid 1",
        "2021-10-15T12",
        "2021-10-15T12",
        None,
        (2e-5, 4e-5),
        (2e-6, 4e-6),
    ),
}


@pytest.mark.parametrize("names", FILES, ids=[names[0] for names in FILES])
def test_real_file(names, real_data):
    if names[0].endswith(("grib", "grib2")):
        pytest.importorskip("pyproj")  # must be loaded before ecCodes, or it crashes
        pytest.importorskip("eccodes")
    sizes, grid, level, first, last, step, vorticity, divergence = FILES[names]
    dataset = open_fields([real_data / name for name in names])
    assert_canonical(dataset)
    assert (dataset.sizes["time"], dataset.sizes["latitude"], dataset.sizes["longitude"]) == sizes
    assert dataset.attrs["grid"] == grid
    assert dataset.attrs["level"] == level
    assert dataset.attrs.get("time_step_hours") == step
    assert dataset.time.values[0] == np.datetime64(first)
    assert dataset.time.values[-1] == np.datetime64(last)
    # The whole GFS sequence takes long on one core; every fourth time is enough.
    loaded = dataset.isel(time=slice(None, None, 4)).load()
    weights = np.cos(np.deg2rad(loaded.latitude))
    for name, (low, high) in (("vorticity", vorticity), ("divergence", divergence)):
        assert np.isfinite(loaded[name]).all()
        assert low < float(loaded[name].weighted(weights).std()) < high


def test_global_wind_has_no_mean_vorticity_or_divergence(real_data):
    """Stokes and Gauss: the mean over the sphere vanishes."""
    dataset = open_fields(real_data / "gfs_1deg_10m_wind_3hourly_2018-10-06.nc", time="2018-10-07T00").load()
    weights = np.cos(np.deg2rad(dataset.latitude))
    for field in dataset.data_vars.values():
        assert abs(float(field.weighted(weights).mean())) < 2e-4 * float(field.std())


def test_notes_of_real_files(real_data):
    irregular = open_fields(real_data / "era5_new_cds_layout_10m_wind_2025-05.nc").attrs["notes"]
    assert "irregularly spaced: most are 6 h apart, but steps range from 1 to 6 h" in irregular
    assert "All times are preliminary ERA5T (expver 5)" in irregular
    monthly = open_fields(real_data / "erainterim_0p75_monthly_uvz.nc").attrs["notes"]
    assert "its dimension 'month' (1, 7) was given placeholder dates" in monthly
    assert "Longitudes -180..180 were wrapped to 0..360" in monthly
    merged = open_fields(real_data / "era5_expver_dimension_2021.nc").attrs["notes"]
    assert "ERA5 (expver 1) and preliminary ERA5T (expver 5) were merged" in merged


def test_files_of_different_grids_are_refused(real_data):
    from atmodist_core.common.errors import UserError

    with pytest.raises(UserError, match="Expected one grid, found different latitudes"):
        open_fields([*(real_data / name for name in EUROPE), real_data / "era5_expver_dimension_2021.nc"])


def test_t511_matches_the_statistics_ecmwf_computes(real_data):
    """ecCodes sums the coefficients of the message itself: the area-weighted standard deviation of the
    field."""
    pytest.importorskip("pyproj")
    pytest.importorskip("eccodes")
    dataset = open_fields(real_data / "ifs_t511_spectral_vo_d.grib2").load()
    # cos-weights are not exact quadrature on these rows, hence 1e-4.
    weights = np.cos(np.deg2rad(dataset.latitude))
    for name, truth in (("vorticity", 2.907410000960421e-05), ("divergence", 2.9678906939096634e-06)):
        assert float(dataset[name].weighted(weights).std()) == pytest.approx(truth, rel=1e-4)


def test_difference_form_agrees_with_spectral_form_on_the_real_globe(real_data):
    """Europe cut out of the GFS winds: single points differ, means over 4 x 4 cells, which Gauss and Stokes
    tie to the winds at their edges, do not."""
    from atmodist_core.fields import coarsen, vorticity_divergence
    from atmodist_core.fields.open.netcdf import open_netcdf

    path = str(real_data / "gfs_1deg_10m_wind_3hourly_2018-10-06.nc")
    winds = (
        open_netcdf(str(path), print)[0]
        .isel(time=[1])
        .sel(latitude=slice(65, 30), longitude=slice(5, 60))
        .load()
    )
    local = vorticity_divergence(winds.u10, winds.v10)
    globe = open_fields(path).isel(time=[1]).sel(latitude=local.latitude, longitude=local.longitude).load()
    for name in ("vorticity", "divergence"):
        fine = local[name].values.std() / globe[name].values.std()
        assert 0.7 < fine < 1.0, "differences damp what is small"
        a, b = coarsen(local, 4)[name].values.ravel(), coarsen(globe, 4)[name].values.ravel()
        assert np.corrcoef(a, b)[0, 1] > 0.94
        assert 0.9 < a.std() / b.std() < 1.1


GAPPY = {
    # files: (sizes, level, share of points with values, standard deviation of vorticity, words of the notes)
    ("arome_2p5km_lambert_10m_2016-01-14.nc",): ((3, 174, 166), "10 m", 0.763, 3.2e-4, "turned to east and north"),
    ("ascat_l2_swath_2015-07-02_0842.nc",): ((1, 714, 1440), "10 m", 0.034, 3.0e-5, "oceanographic convention"),
    ("cmip6_ukesm_ua_day_20150101-05.nc", "cmip6_ukesm_va_day_20150101-05.nc"): (
        (5, 73, 192), "850 hPa", 0.959, 2.5e-5, "calendar '360_day'",
    ),
    ("weather/hrrr_0p25deg_10m_hourly_conus_2026-08-02_to_08-15.nc",): (
        (209, 127, 291), "10 m", 0.745, 4.5e-5, "derivatives beside them are one-sided",
    ),
}  # fmt: skip
"""Files that cover a part of their grid: regional models, a swath, a climate model beneath whose ground there is no wind."""


@pytest.mark.parametrize("names", GAPPY, ids=[names[0] for names in GAPPY])
def test_real_file_with_gaps(names, real_data):
    if not all((real_data / name).is_file() for name in names):
        pytest.skip("this file is not among the real data")
    sizes, level, share, deviation, words = GAPPY[names]
    dataset = open_fields([real_data / name for name in names])
    assert (dataset.sizes["time"], dataset.sizes["latitude"], dataset.sizes["longitude"]) == sizes
    assert dataset.attrs["level"] == level and dataset.attrs["grid"] == "limited-area"
    assert words in dataset.attrs["notes"]
    first = dataset.isel(time=0).load()
    valid = np.isfinite(first.vorticity.values)
    np.testing.assert_array_equal(valid, np.isfinite(first.divergence.values))
    assert valid.mean() == pytest.approx(share, abs=0.002)
    assert float(first.vorticity.std()) == pytest.approx(deviation, rel=0.3)
