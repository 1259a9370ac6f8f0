"""What lies beyond the edges: wrap, far side of the pole, mirror image, on grids small enough to write
down.
"""

import numpy as np
import pytest

from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.fine_grid import FineGrid
from atmodist_core.harmonics.grids import colatitudes

CELL_CENTRED = np.array([67.5, 22.5, -22.5, -67.5])
WITH_POLES = np.array([90.0, 45.0, 0.0, -45.0, -90.0])
CIRCLE = np.array([45.0, 135.0, 225.0, 315.0])
FIELD = np.arange(16, dtype=np.float32).reshape(1, 4, 4)  # row r, column c: 4 r + c


def test_longitudes_wrap():
    globe = Boundaries.of(CELL_CENTRED, CIRCLE)
    assert globe.is_globe
    found = globe.gather(FIELD, (1, 2), (-2, 7))
    assert found[0, 0].tolist() == [6, 7, 4, 5, 6, 7, 4, 5, 6]


def test_across_the_poles_of_cell_centred_rows():
    """The row beyond the first is the first, half a turn away; then the second, and so on around."""
    globe = Boundaries.of(CELL_CENTRED, CIRCLE)
    assert (globe.north, globe.south) == ("pole between rows", "pole between rows")
    found = globe.gather(FIELD, (-3, 7), (0, 4))[0]
    assert found[:3].tolist() == [[10, 11, 8, 9], [6, 7, 4, 5], [2, 3, 0, 1]]
    assert found[3:7].tolist() == FIELD[0].tolist()
    assert found[7:].tolist() == [[14, 15, 12, 13], [10, 11, 8, 9], [6, 7, 4, 5]]


def test_across_poles_that_are_rows():
    """The pole itself is not repeated."""
    field = np.arange(20, dtype=np.float32).reshape(1, 5, 4)
    globe = Boundaries.of(WITH_POLES, CIRCLE)
    assert (globe.north, globe.south) == ("pole on row", "pole on row")
    found = globe.gather(field, (-2, 7), (0, 4))[0]
    assert found[:2].tolist() == [[10, 11, 8, 9], [6, 7, 4, 5]]
    assert found[7:].tolist() == [[14, 15, 12, 13], [10, 11, 8, 9]]


def test_all_around_the_globe():
    """Along a meridian the field repeats after twice the rows; half way it is on the far side."""
    globe = Boundaries.of(CELL_CENTRED, CIRCLE)
    assert np.array_equal(globe.gather(FIELD, (8, 12), (0, 4)), FIELD)
    assert np.array_equal(globe.gather(FIELD, (-16, -12), (-4, 0)), FIELD)
    with_poles = Boundaries.of(WITH_POLES, CIRCLE)
    field = np.random.default_rng(0).standard_normal((1, 5, 4)).astype(np.float32)
    field[:, [0, 4]] = 1.0  # a pole is one point
    assert np.array_equal(with_poles.gather(field, (8, 13), (0, 4)), field)


def test_an_odd_number_of_columns_takes_the_mean_of_two():
    globe = Boundaries.of(CELL_CENTRED, np.array([0.0, 120.0, 240.0]))
    field = np.array([[[1, 2, 4]] * 4], dtype=np.float32)
    assert globe.gather(field, (-1, 0), (0, 3))[0, 0].tolist() == [3.0, 2.5, 1.5]


def test_a_smooth_field_stays_smooth_across_the_pole():
    """A linear function of the position in space, seen on a circle through the pole, is a cosine."""
    rows, columns = 36, 72
    latitude = 90 - 5 * (np.arange(rows) + 0.5)
    longitude = 5.0 * np.arange(columns)
    x = np.cos(np.deg2rad(latitude))[:, None] * np.cos(np.deg2rad(longitude))[None, :]
    found = Boundaries.of(latitude, longitude).gather(x[None].astype(np.float32), (-8, 44), (0, 1))[0, :, 0]
    angle = np.deg2rad(90 - 5 * (np.arange(-8, 44) + 0.5))
    np.testing.assert_allclose(found, np.cos(angle), atol=1e-6)


def test_a_limited_area_is_mirrored():
    limited = Boundaries.of(np.array([50.0, 40.0, 30.0, 20.0]), np.array([0.0, 10.0, 20.0, 30.0]))
    assert not limited.wraps and (limited.north, limited.south) == ("edge", "edge")
    found = limited.gather(FIELD, (-2, 6), (-1, 5))[0]
    assert found[:, 1:5].tolist() == FIELD[0][[1, 0, 0, 1, 2, 3, 3, 2]].tolist()
    assert found[2].tolist() == [0, 0, 1, 2, 3, 3]
    # Farther than the area is wide, the mirror images repeat.
    assert limited.gather(FIELD, (0, 1), (-9, -4))[0, 0].tolist() == [0, 0, 1, 2, 3]


def test_a_hemisphere_has_one_pole():
    half = Boundaries.of(np.array([67.5, 22.5]), CIRCLE)
    assert half.wraps and (half.north, half.south) == ("pole between rows", "edge")
    assert half.gather(FIELD[:, :2], (-1, 3), (0, 1))[0, :, 0].tolist() == [2, 0, 4, 4]


def test_limited_longitudes_have_no_pole():
    assert Boundaries.of(CELL_CENTRED, CIRCLE[:3]).north == "edge"


@pytest.mark.parametrize("grid", ["gaussian", "cell-centred"])
def test_gaussian_rows_are_recognised(grid):
    latitude = 90 - np.rad2deg(colatitudes(32, grid))
    assert Boundaries.of(latitude, np.arange(64) * 5.625).is_globe


def test_fine_cells_lie_around_the_centre_of_the_coarse_one():
    grid = FineGrid.of(CELL_CENTRED, CIRCLE, 2)
    assert grid.latitude.tolist() == [78.75, 56.25, 33.75, 11.25, -11.25, -33.75, -56.25, -78.75]
    assert grid.longitude.tolist() == [22.5, 67.5, 112.5, 157.5, 202.5, 247.5, 292.5, 337.5]
    assert (grid.name, grid.roll, grid.rows) == ("cell-centred", 0, slice(0, 8))


def test_rows_beyond_the_pole_are_dropped():
    """Five coarse rows of 45 degrees, two of them on poles, become 8 rows of 22.5."""
    grid = FineGrid.of(WITH_POLES, CIRCLE, 2)
    assert grid.latitude.tolist() == [78.75, 56.25, 33.75, 11.25, -11.25, -33.75, -56.25, -78.75]
    assert (grid.name, grid.rows) == ("cell-centred", slice(1, 9))


def test_longitudes_start_within_the_first_turn():
    grid = FineGrid.of(CELL_CENTRED, CIRCLE - 45.0, 2)
    assert grid.longitude.tolist() == [22.5, 67.5, 112.5, 157.5, 202.5, 247.5, 292.5, 337.5]
    assert grid.roll == -1


@pytest.mark.parametrize("grid", ["gaussian", "cell-centred", "equiangular-with-poles"])
@pytest.mark.parametrize("factor", [2, 4])
def test_block_means_and_refining_come_back_to_the_grid(grid, factor):
    rows = 65 if grid == "equiangular-with-poles" else 64
    latitude = 90 - np.rad2deg(colatitudes(rows, grid))
    blocks = rows // factor
    coarse = latitude[: blocks * factor].reshape(blocks, factor).mean(axis=1)
    refined = FineGrid.of(coarse, (np.arange(32) + 0.5) * 11.25, factor)
    np.testing.assert_allclose(refined.latitude, latitude[: blocks * factor], atol=1e-9)
    assert refined.name == {"equiangular-with-poles": "driscoll-healy"}.get(grid, grid)


def test_a_block_across_greenwich_is_continued_below_zero():
    grid = FineGrid.of(CELL_CENTRED, CIRCLE, 2, (1, 3), (3, 5))
    assert grid.longitude.tolist() == [-67.5, -22.5, 22.5, 67.5]
    assert grid.latitude.tolist() == [33.75, 11.25, -11.25, -33.75]
    assert grid.name == "limited-area"


def test_an_area_is_refined_by_its_own_spacing():
    grid = FineGrid.of(np.array([50.0, 48.0]), np.array([-4.0, -2.0, 0.0]), 4)
    assert grid.latitude.tolist() == [50.75, 50.25, 49.75, 49.25, 48.75, 48.25, 47.75, 47.25]
    assert grid.longitude[:2].tolist() == [-4.75, -4.25] and grid.longitude[-1] == 0.75
    assert grid.name == "limited-area"
