"""Coarse fields: area-weighted means, their coordinates, trimmed rows, missing values."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from atmodist_core.common.errors import UserError
from atmodist_core.fields import coarsen
from atmodist_core.fields.grid.cell_areas import cell_areas
from tests.fields.analytic_flow import flow_arrays
from tests.fields.layouts import TIMES


def fields(latitude, longitude, times=TIMES[:2]):
    _, _, vorticity, divergence = flow_arrays(latitude, longitude, times)
    dataset = xr.Dataset({"vorticity": vorticity, "divergence": divergence})
    dataset.vorticity.attrs["units"] = "s-1"
    return dataset.assign_attrs(grid="cell-centred", source="test", notes="")


CELLS = (np.arange(87.5, -90, -5), np.arange(72) * 5.0)


def test_two_by_two_by_hand():
    """cos(60) = 1/2 against cos(0) = 1: (1 + 2) * 1/2 and (3 + 4) * 1 over an area of 3 gives 8.5 / 3."""
    latitude = np.array([60.0, 0.0])
    dataset = xr.Dataset(
        {"x": (("latitude", "longitude"), [[1.0, 2.0], [3.0, 4.0]])},
        {"latitude": latitude, "longitude": [0.0, 1.0]},
    )
    # Cells from 90 to 30 and from 30 to -30: sines 1 - 1/2 and 1/2 + 1/2, the same ratio 1 : 2.
    coarse = coarsen(dataset, 2)
    assert float(coarse.x[0, 0]) == pytest.approx(8.5 / 3)
    assert float(coarse.latitude[0]) == 30.0 and float(coarse.longitude[0]) == 0.5


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 6, 12])
def test_global_mean_is_kept(factor, lazy):
    dataset = fields(*CELLS) + 1e-5
    coarse = coarsen(dataset.chunk({"time": 1}) if lazy else dataset, factor)
    assert (coarse.vorticity.chunks is not None) == lazy
    assert coarse.sizes == {"time": 2, "latitude": 36 // factor, "longitude": 72 // factor}
    assert coarse.attrs["grid"] == ("cell-centred" if factor < 12 else coarse.attrs["grid"])
    for name in ("vorticity", "divergence"):
        fine_mean = (dataset[name] * cell_areas(dataset.latitude.values)[:, None]).sum(
            ("latitude", "longitude")
        )
        coarse_mean = (coarse[name] * cell_areas(coarse.latitude.values)[:, None]).sum(
            ("latitude", "longitude")
        )
        np.testing.assert_allclose(coarse_mean * factor, fine_mean, rtol=1e-5)


def test_weights_are_the_cosine_on_even_rows():
    latitude = np.arange(59.5, 20, -1)
    weights = cell_areas(latitude)
    np.testing.assert_allclose(
        weights / weights[0], np.cos(np.deg2rad(latitude)) / np.cos(np.deg2rad(59.5)), rtol=1e-12
    )


def test_polar_rows_have_their_half_cell():
    weights = cell_areas(np.linspace(90, -90, 181))
    assert weights.sum() == pytest.approx(2.0)
    assert weights[0] == pytest.approx(1 - np.sin(np.deg2rad(89.5)))


def test_pole_including_grid_loses_its_last_row():
    """181 rows make 45 blocks; the row at the south pole is left out, and that is noted."""
    dataset = fields(np.linspace(90, -90, 37), np.arange(72) * 5.0)
    coarse = coarsen(dataset, 4)
    assert coarse.sizes["latitude"] == 9 and coarse.sizes["longitude"] == 18
    np.testing.assert_allclose(coarse.latitude, 82.5 - 20 * np.arange(9))
    np.testing.assert_allclose(coarse.longitude, 7.5 + 20 * np.arange(18))
    assert "The 1 southernmost rows fill no block of 4 and were left out." in coarse.attrs["notes"]
    assert "Mean over blocks of 4 x 4 cells, weighted by area" in coarse.attrs["notes"]
    assert coarse.attrs["source"] == "test" and coarse.vorticity.attrs["units"] == "s-1"


def test_limited_area_loses_rows_and_columns():
    coarse = coarsen(fields(np.linspace(60, 40, 21), np.arange(-7, 15, 1.0)), 4)
    assert coarse.sizes["latitude"] == 5 and coarse.sizes["longitude"] == 5
    assert "The 2 easternmost columns fill no block of 4" in coarse.attrs["notes"]
    assert coarse.attrs["grid"] == "limited-area"
    np.testing.assert_allclose(coarse.longitude, -5.5 + 4 * np.arange(5))


def test_a_coarse_cell_is_valid_if_all_its_cells_are():
    dataset = fields(np.array([10.5, 9.5, 8.5, 7.5]), np.arange(8.0), TIMES[:1])
    dataset["vorticity"][:] = 3.0
    dataset["vorticity"][0, 3, 7] = np.nan
    np.testing.assert_allclose(coarsen(dataset, 4).vorticity.values[0], [[3.0, np.nan]])


def test_factor_one_changes_nothing():
    dataset = fields(*CELLS)
    np.testing.assert_array_equal(coarsen(dataset, 1).vorticity, dataset.vorticity)


def test_a_constant_stays_a_constant():
    dataset = fields(np.linspace(90, -90, 37), np.arange(72) * 5.0)
    coarse = coarsen(xr.full_like(dataset, 2.5e-5), 4)
    np.testing.assert_allclose(coarse.vorticity, 2.5e-5, rtol=1e-6)


@given(st.integers(1, 9), st.integers(9, 30), st.integers(9, 30))
@settings(max_examples=40, deadline=None)
def test_against_a_loop(factor, rows, columns):
    rng = np.random.default_rng(rows * columns)
    latitude, longitude = 50 - np.arange(rows), np.arange(columns) * 1.0
    values = rng.normal(size=(rows, columns))
    coarse = coarsen(
        xr.Dataset(
            {"x": (("latitude", "longitude"), values)}, {"latitude": latitude, "longitude": longitude}
        ),
        factor,
    )
    weight = np.cos(np.deg2rad(latitude))
    for i in range(rows // factor):
        for j in range(columns // factor):
            block = values[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
            w = np.repeat(weight[i * factor : (i + 1) * factor, None], factor, axis=1)
            assert float(coarse.x[i, j]) == pytest.approx(np.average(block, weights=w), abs=1e-12)


def test_other_variables_and_coordinates_stay():
    dataset = fields(*CELLS).assign(count=("time", [1, 2])).assign_coords(member=7)
    coarse = coarsen(dataset, 4)
    assert int(coarse.member) == 7 and list(coarse["count"].values) == [1, 2]
    np.testing.assert_array_equal(coarse.time, dataset.time)


@pytest.mark.parametrize("factor", [0, -4, 2.5, "4", None, True, np.nan])
def test_factor_must_be_a_positive_whole_number(factor):
    with pytest.raises(UserError, match="Expected a positive whole number as factor, found"):
        coarsen(fields(*CELLS), factor)


def test_factor_larger_than_the_grid():
    with pytest.raises(UserError, match="Expected a factor of at most 36 for 36 x 72 points, found 40"):
        coarsen(fields(*CELLS), 40)


def test_factor_that_does_not_divide_the_circle():
    with pytest.raises(
        UserError,
        match="Expected a factor that divides the 72 longitudes of the full circle, found 5; choose one of 2",
    ):
        coarsen(fields(*CELLS), 5)


@pytest.mark.parametrize("thing", [None, np.zeros(3), xr.Dataset({"x": ("time", [1.0])})])
def test_things_without_axes(thing):
    with pytest.raises(UserError, match="Expected a dataset with the axis 'latitude'"):
        coarsen(thing, 4)
