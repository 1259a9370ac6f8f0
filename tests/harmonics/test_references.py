"""Agreement with two independent libraries, ducc0 and pyshtools, for scalars and winds on every grid."""

import numpy as np
import pytest
import torch

from atmodist_core.harmonics import SphericalHarmonicTransform
from atmodist_core.harmonics.grids import colatitudes, quadrature_weights
from tests.harmonics.random_coefficients import random_coefficients, relative_error

ducc0 = pytest.importorskip("ducc0", reason="needs ducc0 (extra: test)")
pyshtools = pytest.importorskip("pyshtools", reason="needs pyshtools (extra: test)")
shtools = pyshtools.backends.shtools  # by default pyshtools would call ducc0, which is no second opinion

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
    size = truncation + 1
    vorticity, divergence = red(random_coefficients(2, size, size, dtype=dtype, mean=False))
    degree = torch.arange(truncation + 1, dtype=torch.float64)[:, None]
    # ducc0 has potential and stream function times sqrt(l (l + 1)), so the Laplacian over minus that.
    factor = -transform.radius_m / torch.sqrt(degree * (degree + 1.0)).clamp_min(1.0)
    spin = np.concatenate([to_ducc(divergence * factor), to_ducc(vorticity * factor)])
    theta, phi = ducc0.sht.synthesis_2d(alm=spin, ntheta=rows, nphi=columns, **options)
    u, v = transform.vorticity_divergence_to_wind(vorticity, divergence)
    scale = max(np.abs(theta).max(), np.abs(phi).max())
    assert np.abs(u.numpy() - phi).max() / scale < AGREEMENT[dtype]
    assert np.abs(v.numpy() + theta).max() / scale < AGREEMENT[dtype]

    u64, v64 = u.to(torch.float64), v.to(torch.float64)
    gradient, curl = ducc0.sht.analysis_2d(map=np.stack([-v64.numpy(), u64.numpy()]), **options)
    results = transform.wind_to_vorticity_divergence(u, v)
    # A derivative multiplies the rounding of the large scales of float32 by the wavenumber.
    tolerance = {torch.float32: 2e-6, torch.float64: 1e-11}[dtype]
    for actual, reference in zip(results, (curl, gradient), strict=True):
        assert relative_error(actual, from_ducc(reference, truncation) / factor) < tolerance


@each_dtype
@pytest.mark.parametrize(("grid", "rows"), [("driscoll-healy", 64), ("gaussian", 32)])
def test_scalar_agrees_with_pyshtools(grid, rows, dtype):
    columns, truncation = (2 * rows, rows // 2 - 1) if grid == "driscoll-healy" else (2 * rows - 1, rows - 1)
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=dtype)
    field = transform.synthesis(random_coefficients(truncation + 1, truncation + 1, dtype=dtype))
    values = field.numpy().astype(np.float64)
    if grid == "driscoll-healy":
        cosine, sine = shtools.SHExpandDH(values, norm=4, sampling=2, csphase=1)
    else:
        zeros, weights = shtools.SHGLQ(truncation)
        cosine, sine = shtools.SHExpandGLQ(values, weights, zeros, norm=4, csphase=1)
    # Real harmonics have sqrt(2) cos and sqrt(2) sin: c = (C - iS) / sqrt(2) for orders above zero.
    expected = (cosine - 1j * sine) / np.sqrt(2.0)
    expected[:, 0] = cosine[:, 0]
    assert relative_error(transform.analysis(field), torch.from_numpy(expected)) < AGREEMENT[dtype]


def test_gradient_agrees_with_pyshtools():
    rows, truncation = 64, 31
    transform = SphericalHarmonicTransform(rows, 2 * rows, truncation, "driscoll-healy", dtype=torch.float64)
    coefficients = red(random_coefficients(truncation + 1, truncation + 1))
    # Real harmonics have sqrt(2) cos and sqrt(2) sin for orders above zero.
    values = coefficients.numpy() * np.sqrt(2.0)
    values[:, 0] /= np.sqrt(2.0)
    reference = pyshtools.SHCoeffs.from_array(
        np.stack([values.real, -values.imag]), normalization="ortho", csphase=1
    ).gradient(grid="DH2", radius=transform.radius_m, extend=False, backend="shtools")
    theta, phi = reference.theta.data, reference.phi.data
    eastward, northward = transform.gradient(coefficients)
    # At the pole the reference has no direction.
    scale = np.abs(theta).max()
    assert np.abs(eastward.numpy() - phi)[1:].max() / scale < 1e-11
    assert np.abs(northward.numpy() + theta)[1:].max() / scale < 1e-11


@pytest.mark.parametrize(
    ("grid", "geometry", "rows", "truncation"),
    [("cell-centred", "F1", 48, 47), ("equiangular-with-poles", "CC", 49, 47)],
)
def test_noise_is_projected_as_by_ducc0(grid, geometry, rows, truncation):
    """Fields that are no sums of harmonics: the exact quadrature is then a choice, and it is the same one."""
    transform = SphericalHarmonicTransform(rows, 96, truncation, grid, dtype=torch.float64)
    options = {"lmax": truncation, "mmax": truncation, "geometry": geometry, "nthreads": 1}
    field, u, v = torch.randn(3, rows, 96, dtype=torch.float64)
    if geometry == "CC":
        for noise in (field, u, v):
            noise[[0, -1]] = 0.0  # at a pole, noise is no field
    expected = ducc0.sht.analysis_2d(map=field.numpy()[None], spin=0, **options)[0]
    assert relative_error(transform.analysis(field), from_ducc(expected, truncation)) < 1e-11
    gradient, curl = ducc0.sht.analysis_2d(map=np.stack([-v.numpy(), u.numpy()]), spin=1, **options)
    degree = torch.arange(truncation + 1, dtype=torch.float64)[:, None]
    factor = -torch.sqrt(degree * (degree + 1.0)) / transform.radius_m
    for actual, reference in zip(transform.wind_to_vorticity_divergence(u, v), (curl, gradient), strict=True):
        assert relative_error(actual, from_ducc(reference, truncation) * factor) < 1e-11


@pytest.mark.parametrize("count", [2, 3, 64, 65, 1280])
def test_gaussian_nodes_agree_with_ducc0(count):
    np.testing.assert_allclose(colatitudes(count, "gaussian"), ducc0.misc.GL_thetas(count), rtol=1e-14)
    weights = ducc0.misc.GL_weights(count, 1) / (2.0 * np.pi)
    np.testing.assert_allclose(quadrature_weights(count, "gaussian"), weights, rtol=1e-12)
