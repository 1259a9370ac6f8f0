"""Noise that belongs to places: unit normal, without correlations, and the same from wherever it is asked."""

import numpy as np
import pytest
from scipy import stats

from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.grid_noise import GridNoise

LATITUDE, LONGITUDE = 89.0 - 2.0 * np.arange(90), 1.0 + 2.0 * np.arange(180)


def noise(latitude=LATITUDE, longitude=LONGITUDE, *, seed=0, member=0, moment=0):
    boundaries = Boundaries.of(latitude, longitude)
    return GridNoise(latitude, longitude, boundaries, seed=seed, member=member, moment=moment)


def draw(of, rows, columns, channels=2, doublings=0):
    everything = slice(0, rows[1] - rows[0]), slice(0, columns[1] - columns[0])
    return of.window(rows, columns).draw(channels, doublings, *everything)


def whole(of, channels=2, doublings=0):
    return draw(of, (0, of.latitude.size), (0, of.longitude.size), channels, doublings)


@pytest.mark.parametrize("doublings", [0, 2])
def test_it_is_unit_normal_and_white(doublings):
    values = whole(noise(), 4, doublings).astype(np.float64)
    assert stats.kstest(values.ravel()[:200_000], "norm").pvalue > 1e-3
    pairs = {
        "east": (values[..., 1:], values[..., :-1]),
        "south": (values[:, 1:], values[:, :-1]),
        "channel": (values[1:], values[:-1]),
        "cell": (values[..., 4:], values[..., :-4]),
    }
    for name, (a, b) in pairs.items():
        assert abs((a * b).mean()) < 5 / np.sqrt(a.size), name
        assert abs((a**2 * b**2).mean() - 1) < 5 * np.sqrt(8 / a.size), name


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"member": 1}, {"moment": 1}, {"moment": 10_800_000_000_000}]
)
def test_seeds_members_and_moments_are_independent(change):
    one, other = whole(noise()), whole(noise(**change))
    assert abs((one * other).mean()) < 5 / np.sqrt(one.size)


def test_resolutions_are_independent():
    coarse, fine = whole(noise()), whole(noise(), doublings=1)
    assert abs((coarse * fine[:, ::2, ::2]).mean()) < 5 / np.sqrt(coarse.size)


@pytest.mark.parametrize("doublings", [0, 1, 2])
def test_windows_tiles_and_turned_grids_see_the_same(doublings):
    n = 2**doublings
    globe = whole(noise(), doublings=doublings)
    part = draw(noise(), (20, 31), (-7, 9), doublings=doublings)
    columns = np.arange(-7 * n, 9 * n) % globe.shape[-1]
    np.testing.assert_array_equal(part, globe[:, 20 * n : 31 * n, columns])
    inner = noise().window((10, 40), (-20, 20)).draw(2, doublings, slice(10, 21), slice(13, 29))
    np.testing.assert_array_equal(inner, part)
    for turned in (LONGITUDE - 180.0, (LONGITUDE - 180.0).astype(np.float32)):
        np.testing.assert_array_equal(
            whole(noise(longitude=turned), doublings=doublings), np.roll(globe, 90 * n, axis=-1)
        )
    area = noise(LATITUDE[30:50], LONGITUDE[100:140])
    np.testing.assert_array_equal(
        whole(area, doublings=doublings), globe[:, 30 * n : 50 * n, 100 * n : 140 * n]
    )


def test_rounding_errors_of_coordinates_change_nothing():
    spacing = 0.703125  # 512 points of a circle
    longitude = spacing * np.arange(512)
    moved = (np.cumsum(np.full(512, np.float32(spacing))) - np.float32(spacing)).astype(np.float32)
    assert (moved == longitude.astype(np.float32)).all() or np.abs(moved - longitude).max() < 1e-3
    np.testing.assert_array_equal(
        whole(noise(longitude=longitude)), whole(noise(longitude=longitude.astype(np.float32)))
    )


def test_beyond_a_pole_lies_the_far_side_seen_from_there():
    globe = whole(noise(), doublings=2)
    beyond = draw(noise(), (-3, 0), (0, 180), doublings=2)
    np.testing.assert_array_equal(beyond, np.roll(globe[:, :12], -90 * 4, axis=-1)[:, ::-1])


def test_a_change_of_the_generator_does_not_go_unnoticed():
    """Members of a seed stay what they were; the numbers are those of the first version."""
    assert whole(noise(seed=3, member=1, moment=7))[0, 0, :3] == pytest.approx(
        [-0.846768, -0.540926, 1.913903], abs=2e-6
    )


def test_the_hash_is_splitmix64():
    """First outputs of the reference implementation from state 1234567 (Vigna, https://prng.di.unimi.it)."""
    from atmodist_core.fields.grid.grid_noise import _absorb

    state = np.array([1234567], dtype=np.uint64)
    found = [int(_absorb(state, np.array([n], dtype=np.uint64))[0]) for n in range(3)]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]
