"""Regions of extreme values against a flood fill and cones of known size; gradients against a plain loop."""

import numpy as np
import pytest
from scipy.stats import kurtosis

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.ensemble_measures import gradient_kurtosis
from atmodist_core.evaluation.ensembles.vortex_statistics import GradientMoments, Vortices, count_regions
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from tests.evaluation.mock_fields import area, globe

KM = EARTH_RADIUS_M / 1000
SPHERE = 4 * np.pi * KM**2


def snapshot(values, truth=None):
    values = np.asarray(values, np.float32)
    return Snapshot(values, values if truth is None else np.asarray(truth, np.float32), None, None)


def flood_fill(inside, closed):
    """Number of regions, by visiting one point after the other."""
    left, count = {(int(y), int(x)) for y, x in np.argwhere(inside)}, 0
    while left:
        count, queue = count + 1, [left.pop()]
        while queue:
            y, x = queue.pop()
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                near = (near[0], near[1] % inside.shape[1]) if closed else near
                if near in left:
                    left.remove(near)
                    queue.append(near)
    return count


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.6, 0.9])
def test_regions_are_those_of_a_flood_fill(closed, share):
    for seed in range(5):
        inside = np.random.default_rng(seed).random((12, 17)) < share
        assert count_regions(inside, closed) == flood_fill(inside, closed)


def cones(grid, centres, radius=12.0):
    """Cones of height 1 that fall to 0 at a great-circle distance [degrees] from their centres."""
    y, x = np.deg2rad(grid["latitude"].values)[:, None], np.deg2rad(grid["longitude"].values)
    total = 0.0
    for latitude, longitude in np.deg2rad(centres):
        cosine = np.sin(y) * np.sin(latitude) + np.cos(y) * np.cos(latitude) * np.cos(x - longitude)
        total = total + np.maximum(1 - np.rad2deg(np.arccos(np.clip(cosine, -1, 1))) / radius, 0)
    return total


def test_vortices_have_the_number_and_size_of_cones_also_across_the_date_line():
    grid = globe(180)
    centres = [(0, 0), (0, 180), (30, 90), (-30, 200), (45, 300)]
    truth = cones(grid, centres)
    statistic = Vortices(grid)
    # The threshold leaves 1 % of the area above, a fifth of it in each cone; a sign makes no difference.
    found = statistic(snapshot([truth, -truth]))
    np.testing.assert_array_equal(found["vortex_count"], 5)
    np.testing.assert_allclose(found["vortex_area"], 0.01 * SPHERE, rtol=0.02)
    few = cones(grid, centres[:3])
    found = statistic(snapshot([few, 0 * few], [truth, truth]))
    np.testing.assert_array_equal(found["vortex_count"], [3, 0])
    np.testing.assert_allclose(found["vortex_area"], [0.006 * SPHERE, 0], rtol=0.02)


def test_vortices_near_the_poles_are_left_out():
    grid = globe(90)
    found = Vortices(grid)(snapshot([cones(grid, [(85, 0), (10, 40)])] * 2))
    np.testing.assert_array_equal(found["vortex_count"], 1)
    with pytest.raises(UserError, match="2 rows within 60"):
        Vortices(area(10, 20, north=80))


def plain_gradients(values, grid, closed):
    """Differences over distances, and the relative areas that they stand for, point by point."""
    latitude, longitude = (np.deg2rad(grid[name].values) for name in ("latitude", "longitude"))
    east, north = [], []
    for y, at in enumerate(latitude):
        if abs(np.rad2deg(at)) > 60:
            continue
        for x in range(len(longitude) - (not closed)):
            distance = KM * np.cos(at) * (longitude[1] - longitude[0])
            east.append(((values[y, (x + 1) % len(longitude)] - values[y, x]) / distance, np.cos(at)))
        if y + 1 < len(latitude) and abs(np.rad2deg(latitude[y + 1])) <= 60:
            weight = (np.cos(at) + np.cos(latitude[y + 1])) / 2
            distance = KM * abs(at - latitude[y + 1])
            north += [((values[y + 1, x] - values[y, x]) / distance, weight) for x in range(len(longitude))]
    return np.array(east), np.array(north)


@pytest.mark.parametrize("make", [lambda: globe(40), lambda: area(20, 30, north=65.0)])
def test_moments_of_gradients_are_those_of_a_plain_loop(make):
    grid = make()
    values = [grid[name].values[0] for name in ("vorticity", "divergence")]
    found = GradientMoments(grid)(snapshot(values))
    for n, value in enumerate(values):
        parts = plain_gradients(value.astype(float), grid, grid.attrs["grid"] == "cell-centred")
        for k in range(1, 5):
            expected = np.mean([np.average(part[:, 0] ** k, weights=part[:, 1]) for part in parts])
            size = np.mean([np.average(abs(part[:, 0]) ** k, weights=part[:, 1]) for part in parts])
            assert found[f"gradient_moment_{k}"][n] == pytest.approx(expected, rel=1e-3, abs=1e-5 * size)


def test_gradients_are_per_kilometre_and_their_kurtosis_is_that_of_scipy():
    grid = area(200, 300, spacing=(0.1, 0.1), north=10)
    slope = 1e-6 * np.broadcast_to(grid["latitude"].values[:, None], (200, 300))
    found = GradientMoments(grid)(snapshot([slope, slope]))
    assert found["gradient_moment_2"][0] == pytest.approx((1e-6 / (KM * np.pi / 180)) ** 2 / 2, rel=1e-3)
    random = np.random.default_rng(0).standard_normal((2, 200, 300)) ** 3
    means = {name: each[None] for name, each in GradientMoments(grid)(snapshot(random)).items()}
    expected = kurtosis(np.diff(random[0], axis=-1), axis=None, fisher=False)
    assert gradient_kurtosis(means)[0, 0] == pytest.approx(expected, rel=0.03)
