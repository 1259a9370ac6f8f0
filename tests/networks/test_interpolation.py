"""Bilinear and bicubic interpolation against torch, and against what they must reproduce exactly."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from atmodist_core.fields.grid.interpolation import Interpolation, cubic_kernel
from atmodist_core.inference.downscaler import load_downscaler
from tests.networks.mock_models import area, fields


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize(("name", "mode", "edge"), [("bilinear", "bilinear", 0), ("bicubic", "bicubic", 2)])
def test_against_torch(name, mode, edge, factor):
    """torch's antialiased bicubic has a = -1/2 as well; enlarging, nothing is smoothed. Edges differ: it
    repeats them.
    """
    coarse = area(9, 11)
    fine = load_downscaler(name, factor=factor)(coarse)
    x = torch.from_numpy(coarse.vorticity.values)[None]
    wanted = functional.interpolate(
        x, scale_factor=factor, mode=mode, align_corners=False, antialias=name == "bicubic"
    )[0, 0].numpy()
    cut = slice(edge * factor, -edge * factor if edge else None)
    np.testing.assert_allclose(
        fine.vorticity.values[0, cut, cut],
        wanted[cut, cut],
        rtol=0,
        atol=1e-5 * float(coarse.vorticity.std()),
    )


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [2, 4, 5])
def test_weights_sum_to_one_and_keep_the_mean(name, factor):
    weights = Interpolation(name, factor).phase_weights()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    # The fine cells of a coarse cell lie symmetrically around it.
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)


def test_a_plane_is_exact_and_bicubic_keeps_a_parabola():
    latitude, longitude = 40.0 - 2.0 * np.arange(12), 10.0 + 2.0 * np.arange(14)
    coarse = fields(latitude, longitude)
    coarse["vorticity"][0] = 1e-5 * latitude[:, None] + 2e-5 * longitude[None, :]
    coarse["divergence"][0] = 1e-7 * (latitude[:, None] - 30) ** 2 + 1e-7 * longitude[None, :] ** 2
    inner = slice(8, -8)
    for name in ("bilinear", "bicubic"):
        fine = load_downscaler(name)(coarse)
        plane = 1e-5 * fine.latitude.values[:, None] + 2e-5 * fine.longitude.values[None, :]
        np.testing.assert_allclose(fine.vorticity.values[0, inner, inner], plane[inner, inner], rtol=1e-5)
    parabola = 1e-7 * (fine.latitude.values[:, None] - 30) ** 2 + 1e-7 * fine.longitude.values[None, :] ** 2
    np.testing.assert_allclose(fine.divergence.values[0, inner, inner], parabola[inner, inner], rtol=1e-5)


def test_cubic_kernel_by_hand():
    # At 1/2: 1.5/8 - 2.5/4 + 1 = 0.5625; at 3/2: -0.5*27/8 + 2.5*9/4 - 4*3/2 + 2 = -0.0625
    assert cubic_kernel(np.array([0.0, 0.5, 1.0, 1.5, 2.0, -0.5])).tolist() == [
        1.0,
        0.5625,
        0.0,
        -0.0625,
        0.0,
        0.5625,
    ]


def test_bilinear_by_hand():
    """A step from 0 to 8 between two cells, factor 4: fine offsets -3/8, -1/8, 1/8, 3/8 of a coarse cell."""
    coarse = fields([20.0, 10.0], [0.0, 10.0])
    coarse["vorticity"][0] = [[0.0, 8.0], [0.0, 8.0]]
    fine = load_downscaler("bilinear")(coarse)
    assert fine.vorticity.values[0, 3].tolist() == [0.0, 0.0, 1.0, 3.0, 5.0, 7.0, 8.0, 8.0]


def test_cards():
    downscaler = load_downscaler("bicubic", factor=8)
    assert (downscaler.card.kind, downscaler.card.factor, downscaler.name) == ("interpolation", 8, "bicubic")
    assert downscaler.card.parameters == 0 and downscaler.precision == "float32"
