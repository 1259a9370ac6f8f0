"""Random gaps and interpolation into them."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields.gap_shapes import GAP_SHAPES, random_gaps
from atmodist_core.fields.grid.gap_interpolation import interpolated_gaps


@pytest.mark.parametrize("shape", GAP_SHAPES)
@pytest.mark.parametrize("size", [8, 64])
def test_gaps_are_partial_and_follow_the_seed(shape, size):
    gaps = random_gaps(np.random.default_rng(1), 200, size, [shape])
    shares = gaps.mean(axis=(1, 2))
    assert gaps.dtype == bool and shares.min() > 0 and shares.max() < 0.75
    assert np.array_equal(gaps, random_gaps(np.random.default_rng(1), 200, size, [shape]))
    assert not np.array_equal(gaps, random_gaps(np.random.default_rng(2), 200, size, [shape]))


def test_what_the_shapes_are():
    stripes = random_gaps(np.random.default_rng(0), 50, 64, ["stripes"])
    assert stripes.any(axis=2).mean() > 0.9  # a band crosses nearly all rows
    corners = random_gaps(np.random.default_rng(0), 50, 64, ["corner"])
    at_corners = corners[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (at_corners.sum(axis=1) == 1).all() and (at_corners.sum(axis=0) > 3).all()
    blocks = random_gaps(np.random.default_rng(0), 50, 64, ["blocks"])
    assert min(int(gap.sum()) for gap in blocks) >= 8 * 8  # an eighth of the side, rounded


def test_unknown_shapes_are_refused():
    for shapes in (["circle"], []):
        with pytest.raises(UserError, match="shapes of gaps among blocks, stripes, corner, found"):
            random_gaps(np.random.default_rng(0), 1, 8, shapes)


def test_a_plane_is_harmonic():
    row, column = np.mgrid[:20, :30]
    plane = np.stack([2.0 * row - column, 0.5 * column + 7.0]).astype(np.float32)
    missing = np.zeros((20, 30), bool)
    missing[5:12, 8:19] = True
    with_gap = np.where(missing, np.nan, plane)
    np.testing.assert_allclose(interpolated_gaps("harmonic", with_gap, missing), plane, atol=1e-4)


@pytest.mark.parametrize("wraps", [False, True])
def test_harmonic_values_are_means_of_their_neighbours_and_no_extremes(wraps):
    random = np.random.default_rng(3)
    fields = random.standard_normal((1, 16, 24)).astype(np.float32)
    missing = random_gaps(random, 1, 16, ["blocks"])[0]
    missing = np.concatenate([missing, np.zeros((16, 8), bool)], axis=1)
    missing[4:9, :3] = missing[4:9, -4:] = True  # across the seam
    found = interpolated_gaps("harmonic", np.where(missing, np.nan, fields), missing, wraps=wraps)[0]
    assert np.array_equal(found[~missing], fields[0][~missing])
    assert (
        found[missing].max() <= fields[0][~missing].max()
        and found[missing].min() >= fields[0][~missing].min()
    )
    padded = np.pad(found, ((1, 1), (0, 0)), constant_values=np.nan)
    beyond = {"mode": "wrap"} if wraps else {"constant_values": np.nan}
    padded = np.pad(padded, ((0, 0), (1, 1)), **beyond)
    around = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    np.testing.assert_allclose(found[missing], np.nanmean(around, axis=0)[missing], atol=1e-5)


def test_the_nearest_value_may_lie_across_the_seam():
    fields = np.arange(12.0, dtype=np.float32)[None, None].repeat(2, axis=1)
    missing = np.zeros((2, 12), bool)
    missing[:, :5] = True
    found = interpolated_gaps("nearest", fields, missing, wraps=True)[0, 0]
    assert found[0] == 11.0 and found[4] == 5.0
    assert interpolated_gaps("nearest", fields, missing)[0, 0, 0] == 5.0
    assert interpolated_gaps("harmonic", fields, np.zeros((2, 12), bool)) is fields
