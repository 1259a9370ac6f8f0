"""Blocks of coarse cells and the fine points in them."""

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.figures.numbers.window import window_of
from tests.app.conftest import small_globe


@pytest.fixture(scope="module")
def fields():
    truth = small_globe().isel(time=[0])
    return truth, ad.coarsen(truth, factor=4)


@pytest.mark.parametrize("name", ["Europe", "North America", "South-East Asia", "Pacific"])
def test_the_fine_points_are_those_of_the_coarse_cells(fields, name):
    truth, coarse = fields
    window = window_of(coarse, ad.REGIONS[name])
    cells, points = window.crop(coarse), window.refined(4).crop(truth)
    again = ad.coarsen(points, factor=4)
    np.testing.assert_allclose(again["vorticity"], cells["vorticity"], rtol=0, atol=1e-11)
    np.testing.assert_allclose(again["longitude"], cells["longitude"], atol=1e-9)
    region = ad.REGIONS[name]
    assert region.contains(cells["latitude"].values[:, None], cells["longitude"].values[None, :]).all()


def test_longitudes_across_greenwich_go_on_below_zero(fields):
    truth, coarse = fields
    longitude = window_of(coarse, ad.REGIONS["Europe"]).refined(4).crop(truth)["longitude"].values
    assert longitude[0] < 0 < longitude[-1]
    np.testing.assert_allclose(np.diff(longitude), 2.5)


def test_the_crop_equals_the_librarys_own_selection(fields):
    _, coarse = fields
    for region in (ad.REGIONS["Europe"], ad.Region(-40, 40, 100, 190), ad.Region(-90, 90, 300, 60)):
        mine, reference = window_of(coarse, region).crop(coarse), region.select(coarse)
        np.testing.assert_array_equal(mine["vorticity"], reference["vorticity"])
        np.testing.assert_allclose(mine["longitude"], reference["longitude"])


def test_all_of_the_data_is_left_as_it_is(fields):
    truth, coarse = fields
    window = window_of(coarse, None)
    assert window.is_whole and window.cell_count == 18 * 36
    np.testing.assert_array_equal(window.refined(4).crop(truth)["longitude"], truth["longitude"])


def test_too_small_a_region_is_one_sentence(fields):
    _, coarse = fields
    with pytest.raises(ad.UserError, match=r"at least 4 x 4 cells .* choose a larger region"):
        window_of(coarse, ad.Region(40, 60, 0, 60))
    with pytest.raises(ad.UserError, match="fewer than 2 x 2"):
        window_of(coarse, ad.Region(40, 41, 0, 1))
