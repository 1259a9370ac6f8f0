"""The mask of valid points: patches, fills and rectangles against brute force."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.validity import filled, largest_valid_rectangle, valid_patches, valid_points


def random_mask(seed, shape=(9, 12), share=0.85):
    return np.random.default_rng(seed).random(shape) < share


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_valid_patches_are_those_without_an_invalid_point(size, wraps):
    mask = random_mask(size)
    found = valid_patches(mask, size, wraps=wraps)
    rows, columns = 9 - size + 1, 12 if wraps else 12 - size + 1
    tiled = np.concatenate([mask, mask], axis=1)
    wanted = [[tiled[r : r + size, c : c + size].all() for c in range(columns)] for r in range(rows)]
    np.testing.assert_array_equal(found, wanted)
    assert 0 < found.mean() < 1


def test_patches_larger_than_the_grid_do_not_fit():
    assert valid_patches(np.ones((3, 9), bool), 4).size == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_largest_rectangle_is_that_of_a_search_through_all(seed):
    mask = random_mask(seed, (7, 8), 0.6 + 0.05 * seed)
    best = max(
        (c - a) * (d - b)
        for a in range(7)
        for c in range(a + 1, 8)
        for b in range(8)
        for d in range(b + 1, 9)
        if mask[a:c, b:d].all()
    )
    rows, columns = largest_valid_rectangle(mask)
    part = mask[rows, columns]
    assert part.all() and part.size == best


def test_rectangles_of_masks_without_and_with_all_points():
    assert largest_valid_rectangle(np.zeros((3, 4), bool)) == (slice(0, 0), slice(0, 0))
    assert largest_valid_rectangle(np.ones((3, 4), bool)) == (slice(0, 3), slice(0, 4))


def test_filled_points_have_the_value_of_a_nearest_valid_one():
    mask = random_mask(3)
    values = np.random.default_rng(0).normal(size=(2, 9, 12)).astype(np.float32)
    values[:, ~mask] = np.nan
    result = filled(values, mask)
    np.testing.assert_array_equal(result[:, mask], values[:, mask])
    places = np.argwhere(mask)
    for row, column in np.argwhere(~mask):
        squares = ((places - (row, column)) ** 2).sum(axis=1)
        nearest = places[squares == squares.min()]
        assert result[0, row, column] in values[0, nearest[:, 0], nearest[:, 1]]


def test_a_point_is_valid_where_all_fields_are_at_all_times():
    values = np.ones((2, 3, 4))
    other = values.copy()
    values[1, 0, 2], other[0, 2, 3] = np.nan, np.inf
    axes = ("time", "latitude", "longitude")
    dataset = xr.Dataset({"vorticity": (axes, values), "divergence": (axes, other), "mean": ("time", [0, 1])})
    wanted = np.ones((3, 4), bool)
    wanted[0, 2] = wanted[2, 3] = False
    np.testing.assert_array_equal(valid_points(dataset), wanted)
    np.testing.assert_array_equal(valid_points(dataset.chunk({"time": 1})), wanted)
    wanted[2, 3] = True
    np.testing.assert_array_equal(valid_points(dataset, ["vorticity"]), wanted)
    with pytest.raises(UserError, match="no humidity"):
        valid_points(dataset, ["humidity"])
