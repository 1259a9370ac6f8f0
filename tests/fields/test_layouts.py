"""Every layout users bring opens to the same canonical fields of the same flow."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.analytic_flow import largest_error

SPECTRAL, DIFFERENCES, GIVEN = 5e-6, 1e-3, 2e-7
"""Tolerances relative to the largest value: float32 transforms; 0.25 degree differences; only a
conversion."""

CASES = [
    # builder, grid, level, derived_from, tolerance, number of times
    (
        layouts.cds_new,
        "limited-area",
        "850 hPa",
        "u and v with second-order finite differences",
        DIFFERENCES,
        4,
    ),
    (layouts.cds_new_vorticity, "equiangular-with-poles", "850 hPa", "vo and d as given", GIVEN, 4),
    # 16-bit packing costs 3e-5 of the wind, which differentiating amplifies.
    (layouts.cds_legacy, "equiangular-with-poles", "850 hPa", "u and v with spherical harmonics", 5e-4, 4),
    (layouts.cds_legacy_expver, "limited-area", "not stated", "u and v with second-order", DIFFERENCES, 4),
    (
        layouts.arco_full_37,
        "equiangular-with-poles",
        "850 hPa",
        "u_component_of_wind and v_comp",
        SPECTRAL,
        4,
    ),
    (
        layouts.arco_model_level,
        "equiangular-with-poles",
        "hybrid 120",
        "vorticity and divergence as",
        GIVEN,
        4,
    ),
    (layouts.arco_coefficients, "driscoll-healy", "hybrid 120", "vo and d, spherical-harmonic", SPECTRAL, 4),
    (layouts.weatherbench2, "cell-centred", "850 hPa", "u_component_of_wind and v_component", SPECTRAL, 4),
    (layouts.ecmwf_datacube, "equiangular-with-poles", "850 hPa", "u and v with spherical harm", SPECTRAL, 4),
    (
        layouts.generic_wind,
        "equiangular-with-poles",
        "850 hPa",
        "zonal and meridional with spher",
        SPECTRAL,
        4,
    ),
    (
        layouts.generic_vorticity_gaussian,
        "gaussian",
        "not stated",
        "relative_vorticity and div as given",
        GIVEN,
        4,
    ),
    (layouts.several_files, "equiangular-with-poles", "not stated", "u and v with spherical", SPECTRAL, 4),
    (layouts.zip_of_files, "equiangular-with-poles", "850 hPa", "vo and d as given", GIVEN, 4),
    (layouts.grib_grid, "equiangular-with-poles", "850 hPa", "u and v with spherical harm", SPECTRAL, 2),
    (layouts.grib_spectral, "driscoll-healy", "hybrid 120", "vo and d, spherical-harmonic", SPECTRAL, 1),
]


@pytest.mark.parametrize(
    ("builder", "grid", "level", "derived_from", "tolerance", "times"),
    CASES,
    ids=[case[0].__name__ for case in CASES],
)
def test_layout_opens_to_the_flow(builder, grid, level, derived_from, tolerance, times, tmp_path):
    if builder.__name__.startswith("grib"):
        pytest.importorskip("eccodes_missing" if not _has_eccodes() else "eccodes")
    dataset = open_fields(builder(tmp_path))
    assert_canonical(dataset)
    assert dataset.attrs["grid"] == grid
    assert dataset.attrs["level"] == level
    assert dataset.attrs["derived_from"].startswith(derived_from)
    assert dataset.sizes["time"] == times
    assert largest_error(dataset) < tolerance


def _has_eccodes():
    from importlib.util import find_spec

    return find_spec("eccodes") is not None


def assert_canonical(dataset):
    """What every opened dataset promises."""
    assert list(dataset.data_vars) == ["vorticity", "divergence"]
    assert set(dataset.coords) == {"time", "latitude", "longitude"}
    for name in dataset.data_vars:
        assert dataset[name].dims == ("time", "latitude", "longitude")
        assert dataset[name].dtype == np.float32
        assert dataset[name].attrs["units"] == "s-1"
        assert dataset[name].chunks is not None, "must be lazy"
    latitude, longitude = dataset.latitude.values, dataset.longitude.values
    assert np.all(np.diff(latitude) < 0) and latitude.max() <= 90 and latitude.min() >= -90
    assert np.all(np.diff(longitude) > 0) and longitude.max() < 360
    assert longitude[0] >= 0 or longitude[-1] >= 0, "only a region across Greenwich starts below zero"
    assert dataset.time.dtype == "datetime64[ns]"
    assert np.all(np.diff(dataset.time.values) > np.timedelta64(0))
    assert dataset.latitude.attrs["units"] == "degrees_north"
    assert dataset.longitude.attrs["units"] == "degrees_east"
    assert {"source", "level", "derived_from", "grid", "notes"} <= set(dataset.attrs)


@pytest.mark.parametrize("level", [850, 850.0, "850", "850 hPa", "85000 Pa"])
def test_level_in_any_spelling(level, tmp_path):
    dataset = open_fields(layouts.generic_wind(tmp_path), level=level)
    assert dataset.attrs["level"] == "850 hPa"
    assert largest_error(dataset) < SPECTRAL


def test_another_level_has_other_values(tmp_path):
    path = layouts.generic_wind(tmp_path)
    half, full = open_fields(path, level=500), open_fields(path, level=850)
    np.testing.assert_allclose(half.vorticity, 0.5 * full.vorticity, atol=1e-10)
    assert half.attrs["available_levels"] == "500 hPa, 850 hPa"
    assert "none was requested" not in half.attrs["notes"]


def test_default_level_is_noted(tmp_path):
    notes = open_fields(layouts.generic_wind(tmp_path)).attrs["notes"]
    assert "The data hold 2 levels (500, 850 hPa); none was requested and 850 hPa was taken" in notes


def test_default_hybrid_level_among_many(tmp_path):
    notes = open_fields(layouts.arco_model_level(tmp_path)).attrs["notes"]
    assert "37 levels (hybrid 101, 102, 103, ..., 135, 136, 137)" in notes
    assert "hybrid 120 was taken" in notes


@pytest.mark.parametrize("level", [119, "hybrid 119", "model level 119"])
def test_hybrid_level(level, tmp_path):
    path = layouts.arco_coefficients(tmp_path)
    np.testing.assert_allclose(
        open_fields(path, level=level).vorticity, 0.5 * open_fields(path, level=120).vorticity, atol=1e-11
    )


def test_times_outside_the_valid_period_are_left_out(tmp_path):
    dataset = open_fields(layouts.arco_full_37(tmp_path))
    assert dataset.time.values[0] == np.datetime64("2020-01-01T00")
    assert dataset.time.values[-1] == np.datetime64("2020-01-01T09")
    assert (
        "Times outside the store's valid period (2020-01-01 to 2020-01-01 09) hold no data"
        in dataset.attrs["notes"]
    )


def test_time_outside_the_valid_period_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"not in the data; available are 4 times from 2020-01-01T00:00"):
        open_fields(layouts.arco_full_37(tmp_path), time="2020-01-01T15")


def test_preliminary_times_of_a_store_are_kept_and_noted(tmp_path):
    path = layouts.arco_full_37(tmp_path)
    import zarr

    zarr.open_group(path, mode="r+").attrs.update(
        valid_time_stop="2020-01-01T03", valid_time_stop_era5t="2020-01-01T09"
    )
    zarr.consolidate_metadata(path)
    dataset = open_fields(path)
    assert dataset.sizes["time"] == 4
    assert "Times after 2020-01-01 03 are preliminary ERA5T" in dataset.attrs["notes"]


def test_expver_dimension_is_merged_not_dropped(tmp_path):
    dataset = open_fields(layouts.cds_legacy_expver(tmp_path))
    assert np.isfinite(dataset.vorticity).all()
    assert "ERA5 (expver 1) and preliminary ERA5T (expver 5) were merged" in dataset.attrs["notes"]


def test_era5_wins_over_era5t_where_both_are_given(tmp_path):
    source = xr.open_dataset(layouts.cds_legacy_expver(tmp_path), engine="netcdf4").load()
    final, preliminary = source.sel(expver=1), source.sel(expver=5)
    both = xr.concat([2 * final.fillna(preliminary), final.fillna(preliminary)], dim=source.expver[::-1])
    path = tmp_path / "both.nc"
    both.transpose("time", "expver", ...).to_netcdf(path, engine="netcdf4")
    assert largest_error(open_fields(path)) < DIFFERENCES, (
        "version 1 is stored last and right, version 5 doubled"
    )


def test_expver_dimension_of_other_versions_is_refused(tmp_path):
    source = xr.open_dataset(layouts.cds_legacy_expver(tmp_path), engine="netcdf4").load()
    source.assign_coords(expver=[1, 7]).to_netcdf(tmp_path / "odd.nc", engine="netcdf4")
    with pytest.raises(UserError, match=r"'expver' of 'u' holds \[1, 7\], where 1 \(ERA5\) and 5 \(ERA5T\)"):
        open_fields(tmp_path / "odd.nc")


def test_expver_along_time_is_noted(tmp_path):
    assert "mixture of experiment versions 1, 5" in open_fields(layouts.cds_new(tmp_path)).attrs["notes"]


def test_crude_derivatives_of_weatherbench2_are_replaced(tmp_path):
    """Its stores with derived variables carry differences without the metric term; the winds are better."""
    source = layouts.weatherbench2(tmp_path)
    dataset = xr.open_zarr(source, chunks=None).load().drop_encoding()
    with xr.set_options(keep_attrs=True):
        dataset = dataset.assign(
            vorticity=dataset.u_component_of_wind * 1e-6, divergence=dataset.v_component_of_wind * 1e-6
        )
    for name in ("vorticity", "divergence"):
        dataset[name].attrs["units"] = "1/s"
    path = tmp_path / "1959-2023_01_10-wb13-6h-64x32_with_derived_variables.zarr"
    dataset.to_zarr(path, zarr_format=2, consolidated=True)
    fields = open_fields(path)
    assert largest_error(fields) < SPECTRAL
    assert "WeatherBench2's own vorticity and divergence" in fields.attrs["notes"]
    assert fields.attrs["derived_from"].startswith("u_component_of_wind and v_component_of_wind")
    other = tmp_path / "other.zarr"
    dataset.to_zarr(other, zarr_format=2, consolidated=True)
    assert open_fields(other).attrs["derived_from"] == "vorticity and divergence as given"


def test_several_files_as_pattern_and_folder(tmp_path):
    paths = layouts.several_files(tmp_path)
    by_list = open_fields(paths)
    for given in (str(tmp_path / "wind_*.nc"), tmp_path, [str(path) for path in reversed(paths)]):
        dataset = open_fields(given)
        np.testing.assert_array_equal(dataset.time, by_list.time)
        np.testing.assert_array_equal(dataset.vorticity, by_list.vorticity)
    assert by_list.attrs["source"] == "wind_u_b.nc ... wind_v_a.nc (4 files)"


def test_times_of_one_field_only_are_left_out(tmp_path):
    paths = layouts.several_files(tmp_path)
    dataset = open_fields([paths[0], paths[2], paths[3]])
    np.testing.assert_array_equal(dataset.time, layouts.TIMES[:2])
    assert "2 times at which only one of u and v is there were left out" in dataset.attrs["notes"]


def test_files_of_different_levels(tmp_path):
    """One file per level: only the chosen one is used."""
    source = xr.open_dataset(layouts.generic_wind(tmp_path), engine="netcdf4").load()
    paths = []
    for level in (50000.0, 85000.0):
        paths.append(tmp_path / f"level_{level:.0f}.nc")
        source.sel(plev=level).to_netcdf(paths[-1], engine="netcdf4")
    assert largest_error(open_fields(paths)) < SPECTRAL
    assert open_fields(paths, level=500).attrs["level"] == "500 hPa"


@pytest.mark.parametrize(
    "builder", [layouts.weatherbench2, layouts.arco_coefficients, layouts.ecmwf_datacube]
)
def test_region_of_a_global_source(builder, tmp_path):
    """Derived on the globe first: the region of the globe and the opened region are the same numbers."""
    path = builder(tmp_path)
    globe, europe = open_fields(path), open_fields(path, region="Europe", time="2020-01-01T03")
    assert europe.attrs["grid"] == "limited-area"
    assert europe.longitude.values[0] < 0 < europe.longitude.values[-1]
    assert europe.latitude.values.min() >= 30 and europe.latitude.values.max() <= 75
    same = globe.sel(time=europe.time, latitude=europe.latitude)
    same = same.sel(longitude=europe.longitude % 360, method="nearest")
    np.testing.assert_array_equal(europe.vorticity.values, same.vorticity.values)
    assert largest_error(europe, start=layouts.TIMES[0]) < SPECTRAL


@pytest.mark.parametrize(
    ("time", "count"),
    [
        ("2020-01-01", 4),
        ("2020-01-01T03", 1),
        (slice("2020-01-01T03", "2020-01-01T06"), 2),
        (slice(None, None, 2), 2),
        (np.datetime64("2020-01-01T09"), 1),
        (["2020-01-01T00", "2020-01-01T09"], 2),
        (layouts.TIMES[[2, 1]], 2),
    ],
)
def test_time_selection(time, count, tmp_path):
    dataset = open_fields(layouts.cds_new_vorticity(tmp_path), time=time)
    assert_canonical(dataset)
    assert dataset.sizes["time"] == count
    assert largest_error(dataset, start=layouts.TIMES[0]) < GIVEN


def test_chunked_in_space(tmp_path):
    """Chunks along latitude and longitude, turned rows and rolled columns: only their numbers count."""
    latitude, longitude = np.linspace(-90, 90, 19), np.arange(-180, 180, 10.0)
    _, _, vorticity, divergence = layouts.flow_arrays(latitude, longitude, layouts.TIMES)
    dataset = xr.Dataset({"vo": vorticity, "d": divergence})
    for name in dataset.data_vars:
        dataset[name].attrs["units"] = "s-1"
    dataset.to_zarr(tmp_path / "s.zarr", zarr_format=2, encoding={n: {"chunks": (4, 7, 10)} for n in dataset})
    opened = open_fields(tmp_path / "s.zarr", region=(-20, 40, 150, -120))
    assert_canonical(opened)
    assert largest_error(opened) < GIVEN
    np.testing.assert_array_equal(opened.longitude, np.arange(150, 241, 10))


def test_own_coefficient_store(tmp_path):
    """Stores written by train/simulate.py open through the same door, with the same meaning of time and
    region."""
    from atmodist_core.fields.open.coefficient_store import CoefficientWriter
    from atmodist_core.fields.open.ecmwf_coefficients import ecmwf_to_coefficients

    writer = CoefficientWriter(tmp_path / "simulated", 21, {"source": "test", "level": "sigma 0.883"}, 2)
    days = (layouts.TIMES - layouts.TIMES[0]) / np.timedelta64(1, "D")
    pairs = [layouts.spectral_values(21, day) for day in days]
    fields = {
        name: np.stack([ecmwf_to_coefficients(pair[index]) for pair in pairs])
        for index, name in enumerate(("vorticity", "divergence"))
    }
    writer.write(0, layouts.TIMES, fields)
    dataset = open_fields(tmp_path / "simulated", time="2020-01-01T03", region="Pacific")
    assert dataset.sizes["time"] == 1
    assert largest_error(dataset, start=layouts.TIMES[0]) < 1e-4  # 16-bit coefficients
    for level in (0.883, "0.883", "sigma 0.883"):
        assert open_fields(tmp_path / "simulated", level=level).sizes["time"] == 4
    for level in (850, 8, "sigma 0.5"):
        with pytest.raises(UserError, match=rf"Level {level} is not in the store, which holds sigma 0\.883"):
            open_fields(tmp_path / "simulated", level=level)
