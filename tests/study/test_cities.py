"""Local statistics at cities: values, densities, verdicts, intervals, and the file that keeps them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.city_file import (
    city_series,
    describe_city_values,
    open_city_values,
    write_city_values,
)
from atmodist_core.fields.grid.geography import cities
from atmodist_core.figures.numbers.cities import (
    BOXES,
    bin_edges,
    city_values,
    density,
    known_cities,
    sample_of,
    spread_order,
    totals,
    verdicts,
    wasserstein_table,
)

TIMES = np.arange("2001-01-01T00", "2001-01-31T00", 6, dtype="datetime64[h]")
PLACES = pd.DataFrame(
    {
        "name": ["Vancouver", "Seattle", "Suva"],
        "country": ["Canada", "United States", "Fiji"],
        "latitude": [49.25, 47.61, -18.1],
        "longitude": [236.9, 237.67, 178.4],
    }
)


def globe_of_longitudes() -> xr.Dataset:
    """A globe whose vorticity is the longitude and whose divergence is the latitude, in degrees."""
    latitude, longitude = 89.75 - 0.5 * np.arange(360), 0.5 * np.arange(720)
    shape = (1, latitude.size, longitude.size)
    return xr.Dataset(
        {
            "vorticity": (
                ("time", "latitude", "longitude"),
                np.broadcast_to(longitude, shape).astype(np.float32),
            ),
            "divergence": (
                ("time", "latitude", "longitude"),
                np.broadcast_to(latitude[:, None], shape).astype(np.float32),
            ),
        },
        {"time": TIMES[:1].astype("datetime64[ns]"), "latitude": latitude, "longitude": longitude},
    )


@pytest.fixture(scope="module")
def series():
    """Truth, one method close to it and one twice as wide, at three cities."""
    random = np.random.default_rng(5)
    truth = random.normal(size=(TIMES.size, 3, 2, 14)).astype(np.float32) * 1e-5
    near = truth + np.float32(1e-7) * random.normal(size=truth.shape).astype(np.float32)
    return city_series({"truth": truth, "near": near, "wide": 2 * truth}, PLACES, TIMES)


def test_values_are_taken_where_the_cities_lie():
    """Vancouver at 236.9 E, not at 303: the published code mirrors the western hemisphere."""
    values = city_values(globe_of_longitudes(), PLACES)
    assert values.shape == (3, 2, 14)
    nearest = values[:, :, 0]
    np.testing.assert_allclose(nearest[:, 0], PLACES["longitude"], atol=0.25)
    np.testing.assert_allclose(nearest[:, 1], PLACES["latitude"], atol=0.25)
    # The 3 x 3 box is centred on the nearest point.
    np.testing.assert_allclose(values[:, :, 5:].mean(axis=-1), nearest, atol=1e-4)
    assert np.isin(values[:, 0, 1:5], values[:, 0, 5:]).all(), "each box lies within the next larger one"


def test_the_shipped_cities_have_vancouver_and_seattle_in_the_west():
    table = cities().set_index("name")
    found = city_values(globe_of_longitudes(), cities())
    position = list(cities()["name"]).index("Seattle")
    assert found[position, 0, 0] == pytest.approx(237.67, abs=0.25)
    assert np.isfinite(found).all() and len(found) == 150
    western = table[table["country"] == "United States"]
    assert len(western) and (western["longitude"] > 190).all()


def test_cities_outside_a_limited_area_have_no_values():
    area = globe_of_longitudes().isel(latitude=slice(60, 110), longitude=slice(440, 500))
    values = city_values(area, PLACES)
    assert np.isfinite(values[:2]).all() and np.isnan(values[2]).all()
    elsewhere = globe_of_longitudes().isel(latitude=slice(0, 20), longitude=slice(0, 20))
    assert np.isnan(city_values(elsewhere, PLACES)).all()


def test_densities_integrate_to_one(series):
    for box in BOXES:
        samples = [
            sample_of(series, name, "Seattle", "divergence", box) for name in ("truth", "near", "wide")
        ]
        assert samples[0].shape == (TIMES.size, box**2)
        edges = bin_edges(samples)
        for sample in samples:
            assert (density(sample, edges) * np.diff(edges)).sum() == pytest.approx(1.0)


def test_bins_of_a_constant_sample_have_a_width():
    edges = bin_edges([np.zeros((4, 1), np.float32)])
    assert (np.diff(edges) > 0).all()
    assert (density(np.zeros(4, np.float32), edges) * np.diff(edges)).sum() == pytest.approx(1.0)


def test_wasserstein_distances_and_verdicts(series):
    table = wasserstein_table(series)
    assert table["vorticity"].shape == (2, 3, 3) and table.attrs["times"] == TIMES.size
    wide = table["vorticity"].sel({"model": "wide", "city": "Seattle", "box": 1})
    truth = sample_of(series, "truth", "Seattle", "vorticity", 1)
    # Twice the truth: every sorted value moves by its own size.
    assert float(wide) == pytest.approx(float(np.abs(truth).mean()), rel=1e-5)
    better = verdicts(table, "near", "wide")
    worse = verdicts(table, "wide", "near")
    assert (better["vorticity"] == 1).all() and (worse["divergence"] == -1).all()
    assert (verdicts(table, "near", "near")["vorticity"] == 0).all()
    assert totals(better["vorticity"].sel(box=1).values) == {
        "better": 3,
        "equal": 0,
        "worse": 0,
        "unknown": 0,
    }
    with pytest.raises(UserError, match="near, wide"):
        verdicts(table, "near", "nobody")


def test_ten_per_cent_is_still_equal(series):
    table = wasserstein_table(series).copy(deep=True)
    for factor, expected in ((0.91, 0), (0.89, 1), (1.1, 0), (1.2, -1)):
        table["vorticity"].loc[{"model": "near"}] = factor
        table["vorticity"].loc[{"model": "wide"}] = 1.0
        assert (verdicts(table, "near", "wide")["vorticity"] == expected).all(), factor


def test_cities_without_values_have_no_verdict(series):
    gap = series.copy(deep=True)
    gap["vorticity"].loc[{"city": "Suva", "model": "near"}] = np.nan
    assert known_cities(gap).tolist() == [True, True, False]
    verdict = verdicts(wasserstein_table(gap), "near", "wide")["vorticity"].sel(box=2).values
    assert totals(verdict) == {"better": 2, "equal": 0, "worse": 0, "unknown": 1}


def test_every_beginning_of_the_order_is_spread(series):
    order = spread_order(100)
    assert sorted(order) == list(range(100))
    for count in (4, 8, 30):
        assert np.diff(np.sort([*order[:count], 100])).max() <= 2 * 100 / count
    assert spread_order(1).tolist() == [0] and spread_order(0).size == 0


def test_series_are_sorted_by_time_and_need_the_truth(series):
    values = np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1) * np.ones((1, 3, 2, 14), np.float32)
    mixed = city_series({"truth": values}, PLACES, TIMES[[3, 0, 2, 1]])
    assert mixed["vorticity"].sel({"model": "truth", "city": "Suva"}).isel(point=0).values.tolist() == [
        1,
        3,
        2,
        0,
    ]
    with pytest.raises(UserError, match="the truth"):
        city_series({"near": values}, PLACES, TIMES[:4])


def test_the_file_keeps_the_series(series, tmp_path):
    file = tmp_path / "cities.nc"
    write_city_values(series.assign_attrs(title="A test", data_set="demo"), file)
    again = open_city_values(file)
    assert describe_city_values(file)["data_set"] == "demo"
    for name in ("vorticity", "divergence"):
        largest = float(np.abs(series[name]).max())
        np.testing.assert_allclose(again[name], series[name], atol=largest / 30_000)
    xr.testing.assert_equal(
        again.drop_vars(["vorticity", "divergence"]), series.drop_vars(["vorticity", "divergence"])
    )
    near = wasserstein_table(again)["vorticity"].sel({"model": "wide"})
    np.testing.assert_allclose(near, wasserstein_table(series)["vorticity"].sel({"model": "wide"}), rtol=1e-3)


def test_other_files_are_refused_in_a_sentence(series, tmp_path):
    broken, other = tmp_path / "broken.nc", tmp_path / "other.nc"
    broken.write_text("this is no netCDF")
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(other, engine="h5netcdf")
    for file, words in ((broken, "cannot be read"), (other, "format")):
        assert describe_city_values(file) == {}
        with pytest.raises(UserError, match=words):
            open_city_values(file)
    lacking = tmp_path / "lacking.nc"
    write_city_values(series.sel({"model": ["near"]}), lacking)
    with pytest.raises(UserError, match="truth"):
        open_city_values(lacking)
