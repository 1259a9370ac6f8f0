"""Agreement with two independent libraries, ducc0 and pyshtools: scalars and winds, every grid, both precisions."""

import numpy as np
import pytest
import torch

from atmodist_core.harmonics import SphericalHarmonicTransform
from tests.harmonics.random_coefficients import random_coefficients, relative_error

ducc0 = pytest.importorskip("ducc0", reason="needs ducc0 (extra: test)")
pyshtools = pytest.importorskip("pyshtools", reason="needs pyshtools (extra: test)")

AGREEMENT = {torch.float32: 1e-6, torch.float64: 1e-11}
DUCC_GRIDS = [
    # our name, ducc0's, latitudes, longitudes, truncation
    ("gaussian", "GL", 64, 128, 63),
    ("equiangular-with-poles", "CC", 73, 144, 71),
    ("equiangular-with-poles", "CC", 64, 130, 31),
    ("cell-centred", "F1", 64, 128, 63),
    ("cell-centred", "F1", 65, 128, 50),
    ("driscoll-healy", "DH", 96, 192, 47),
]
each_grid = pytest.mark.parametrize(("grid", "geometry", "rows", "columns", "truncation"), DUCC_GRIDS)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def to_ducc(coefficients):
    """Triangle in ducc0's order (by order, then degree), with the Condon-Shortley phase."""
    truncation = coefficients.shape[-1] - 1
    values = coefficients.to(torch.complex128).numpy()
    return np.concatenate([(-1.0) ** m * values[m:, m] for m in range(truncation + 1)])[None]


def from_ducc(triangle, truncation):
    out, start = np.zeros((truncation + 1, truncation + 1), complex), 0
    for m in range(truncation + 1):
        count = truncation + 1 - m
        out[m:, m] = (-1.0) ** m * triangle[start : start + count]
        start += count
    return torch.from_numpy(out)


def red(coefficients):
    """A spectrum like that of vorticity, so that the wind's small scales are not lost in its rounding."""
    degree = torch.arange(coefficients.shape[-1])[:, None]
    return coefficients / (1.0 + degree)


@each_grid
@each_dtype
def test_scalar_agrees_with_ducc0(grid, geometry, rows, columns, truncation, dtype):
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=dtype)
    options = {"spin": 0, "lmax": truncation, "mmax": truncation, "geometry": geometry, "nthreads": 1}
    coefficients = random_coefficients(truncation + 1, truncation + 1, dtype=dtype)
    expected = ducc0.sht.synthesis_2d(alm=to_ducc(coefficients), ntheta=rows, nphi=columns, **options)[0]
    field = transform.synthesis(coefficients)
    assert relative_error(field, torch.from_numpy(expected)) < AGREEMENT[dtype]
    field = field.to(torch.float64)
    expected = from_ducc(ducc0.sht.analysis_2d(map=field.numpy()[None], **options)[0], truncation)
    assert relative_error(transform.analysis(field.to(dtype)), expected) < AGREEMENT[dtype]


@each_grid
@each_dtype
@pytest.mark.parametrize("stored", [True, False])
def test_wind_agrees_with_ducc0(grid, geometry, rows, columns, truncation, dtype, stored, monkeypatch):
    monkeypatch.setattr("atmodist_core.harmonics.tables.STORED_BYTES_LIMIT", 1 << 30 if stored else 0)
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=dtype)
    options = {"spin": 1, "lmax": truncation, "mmax": truncation, "geometry": geometry, "nthreads": 1}
    vorticity, divergence = red(random_coefficients(2, truncation + 1, truncation + 1, dtype=dtype, mean=False))
    degree = torch.arange(truncation + 1, dtype=torch.float64)[:, None]
    # ducc0's gradient and curl coefficients belong to harmonics divided by sqrt(l (l + 1)), on the unit sphere.
    factor = transform.radius_m / torch.sqrt(degree * (degree + 1.0)).clamp_min(1.0)
    spin = np.concatenate([to_ducc(divergence * factor), to_ducc(vorticity * factor)])
    theta, phi = ducc0.sht.synthesis_2d(alm=spin, ntheta=rows, nphi=columns, **options)
    u, v = transform.vorticity_divergence_to_wind(vorticity, divergence)
    scale = max(np.abs(theta).max(), np.abs(phi).max())
    assert np.abs(u.numpy() - phi).max() / scale < AGREEMENT[dtype]
    assert np.abs(v.numpy() + theta).max() / scale < AGREEMENT[dtype]

    u64, v64 = u.to(torch.float64), v.to(torch.float64)
    gradient, curl = ducc0.sht.analysis_2d(map=np.stack([-v64.numpy(), u64.numpy()]), **options)
    results = transform.wind_to_vorticity_divergence(u, v)
    for actual, reference in zip(results, (curl, gradient), strict=True):
        assert relative_error(actual, from_ducc(reference, truncation) / factor) < AGREEMENT[dtype]
