"""Which grid an axis is, and what a wrong call is told."""

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.harmonics import SphericalHarmonicTransform, get_transform, grid_of_latitudes, is_global
from atmodist_core.harmonics.grids import GRIDS, latitudes, maximum_truncation


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("rows", [4, 32, 181, 640])
def test_latitudes_are_recognised(grid, rows):
    if grid == "driscoll-healy" and rows % 2:
        pytest.skip("Driscoll-Healy grids have an even number of rows")
    axis = latitudes(rows, grid)
    assert grid_of_latitudes(axis) == grid
    assert grid_of_latitudes(axis[::-1]) == grid
    assert grid_of_latitudes(axis.astype(np.float32)) == grid
    assert grid_of_latitudes(np.round(axis, 3)) == grid


def test_era5_and_gfs_axes():
    assert grid_of_latitudes(np.linspace(90.0, -90.0, 721)) == "equiangular-with-poles"
    assert grid_of_latitudes(np.arange(-90.0, 91.0)) == "equiangular-with-poles"
    # F32 as ecCodes prints it.
    assert grid_of_latitudes(latitudes(64, "gaussian").round(5)) == "gaussian"


@pytest.mark.parametrize(
    "axis",
    [
        np.arange(75.0, 20.0, -0.25),
        np.arange(90.0, 0.0, -1.0),  # a hemisphere, pole included
        np.linspace(90.0, -89.0, 180) ** 1.0 + 0.2,
        np.linspace(90.0, -90.0, 181)[1:-1],
        [90.0, 0.0],
        [np.nan, 0.0, -90.0],
        np.zeros((3, 3)),
    ],
)
def test_other_latitudes_are_not(axis):
    assert grid_of_latitudes(axis) is None


def test_globe_needs_a_full_circle():
    rows = latitudes(36, "cell-centred")
    assert is_global(rows, np.arange(72) * 5.0)
    assert is_global(rows, np.arange(72) * 5.0 - 180.0)
    assert is_global(rows[::-1], np.arange(72) * 5.0 + 2.5)
    assert not is_global(rows, np.arange(71) * 5.0)
    assert not is_global(rows, np.linspace(0.0, 360.0, 73))  # Greenwich twice
    assert not is_global(rows[3:], np.arange(72) * 5.0)
    assert not is_global(rows, [np.nan] * 72)
    uneven = np.arange(72) * 5.0
    uneven[7] += 1.0
    assert not is_global(rows, uneven)


def test_highest_truncations():
    assert maximum_truncation(181, 360, "equiangular-with-poles") == 179
    assert maximum_truncation(360, 720, "cell-centred") == 359
    assert maximum_truncation(300, 600, "gaussian") == 299
    assert maximum_truncation(300, 400, "gaussian") == 199
    assert maximum_truncation(100, 200, "driscoll-healy") == 49
    # Where the rows set the limit, not the columns.
    assert maximum_truncation(34, 80, "equiangular-with-poles") == 32
    assert maximum_truncation(34, 80, "cell-centred") == 33
    assert maximum_truncation(34, 80, "gaussian") == 33
    assert maximum_truncation(34, 80, "driscoll-healy") == 16


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((32, 64, 21, "octahedral"), {}, "gaussian, equiangular-with-poles, driscoll-healy, cell-centred"),
        ((32, 64, 32, "gaussian"), {}, "from 0 to 31"),
        ((181, 360, 180, "equiangular-with-poles"), {}, "from 0 to 179"),
        ((32, 64, 16, "driscoll-healy"), {}, "from 0 to 15"),
        ((32, 40, 20, "cell-centred"), {}, "from 0 to 19"),
        ((32, 64, -1), {}, "found -1"),
        ((33, 64, 10, "driscoll-healy"), {}, "even number"),
        ((2, 64, 1), {}, "2 x 64"),
        ((32, 64, 21), {"dtype": torch.float16}, "float16"),
        ((32, 64, 21), {"radius_m": -1.0}, "positive radius"),
        ((32, 64, 21), {"radius_m": float("nan")}, "positive radius"),
    ],
)
@pytest.mark.parametrize("make", [SphericalHarmonicTransform, get_transform])
def test_wrong_sizes_are_explained(make, arguments, options, words):
    with pytest.raises(UserError, match=words) as caught:
        make(*arguments, **options)
    _is_one_sentence(str(caught.value))


def test_wrong_inputs_are_explained():
    transform = SphericalHarmonicTransform(8, 16, 5)
    field, coefficients = torch.zeros(8, 16), torch.zeros(6, 6, dtype=torch.complex64)
    wrong_calls = [
        (lambda: transform.analysis(torch.zeros(16, 8)), r"\(\.\.\., 8, 16\)"),
        (lambda: transform.analysis(field.double()), "torch.float64"),
        (lambda: transform.wind_to_vorticity_divergence(field, torch.zeros(2, 8, 16)), "one shape"),
        (lambda: transform.wind_to_divergence(field, field.T), "of shape"),
        (lambda: transform.synthesis(torch.zeros(5, 5, dtype=torch.complex64)), "truncation 5"),
        (lambda: transform.synthesis(torch.zeros(6, 6)), "torch.complex64"),
        (lambda: transform.gradient(coefficients.to(torch.complex128)), "torch.complex128"),
        (lambda: transform.vorticity_divergence_to_wind(coefficients, coefficients[None]), "one shape"),
        (lambda: transform.analysis(field.to("meta")), "on cpu"),
    ]
    for call, words in wrong_calls:
        with pytest.raises(UserError, match=words) as caught:
            call()
        _is_one_sentence(str(caught.value))


def _is_one_sentence(message):
    assert message.startswith("Expected")
    assert message.endswith(".")
    assert "\n" not in message


def test_representation_names_size_and_grid():
    text = repr(SphericalHarmonicTransform(8, 16, 5))
    assert text == "SphericalHarmonicTransform(8, 16, 5, 'gaussian', dtype=torch.float32, device='cpu')"
