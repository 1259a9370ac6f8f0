"""Mathematical identities of the transforms, on every grid up to the highest truncation that it allows."""

import math

import numpy as np
import pytest
import torch

import atmodist_core.harmonics.tables as tables
from atmodist_core.harmonics import SphericalHarmonicTransform, power_per_degree, shift_longitude
from atmodist_core.harmonics.grids import quadrature_weights
from tests.harmonics.random_coefficients import (
    GRIDS_AT_THEIR_LIMIT,
    TOLERANCE,
    random_coefficients,
    relative_error,
)

each_grid = pytest.mark.parametrize(("grid", "rows", "columns", "truncation"), GRIDS_AT_THEIR_LIMIT)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


@pytest.fixture(params=["stored", "combined"])
def wind_tables(request, monkeypatch):
    """Both ways to the wind: tables of its own, or neighbouring orders combined (large truncations)."""
    monkeypatch.setattr(tables, "STORED_BYTES_LIMIT", 1 << 30 if request.param == "stored" else 0)


@each_grid
@each_dtype
def test_scalar_round_trip(grid, rows, columns, truncation, dtype):
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=dtype)
    coefficients = random_coefficients(3, truncation + 1, truncation + 1, dtype=dtype)
    again = transform.analysis(transform.synthesis(coefficients))
    assert relative_error(again, coefficients) < TOLERANCE[dtype]
    assert torch.equal(torch.triu(again, 1), torch.zeros_like(again))


@each_grid
@each_dtype
@pytest.mark.usefixtures("wind_tables")
def test_wind_round_trip(grid, rows, columns, truncation, dtype):
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=dtype)
    vorticity, divergence = random_coefficients(2, 3, truncation + 1, truncation + 1, dtype=dtype, mean=False)
    wind = transform.vorticity_divergence_to_wind(vorticity, divergence)
    again = transform.wind_to_vorticity_divergence(*wind)
    # White vorticity has red wind: its rounding is l times larger relative to the small scales.
    tolerance = TOLERANCE[dtype] * truncation / 4
    assert relative_error(again[0], vorticity) < tolerance
    assert relative_error(again[1], divergence) < tolerance
    assert relative_error(transform.wind_to_divergence(*wind), divergence) < tolerance


@each_grid
@pytest.mark.usefixtures("wind_tables")
def test_rotational_wind_has_no_divergence_and_vice_versa(grid, rows, columns, truncation):
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=torch.float64)
    noise = random_coefficients(truncation + 1, truncation + 1, mean=False)
    nothing = torch.zeros_like(noise)
    vorticity, divergence = transform.wind_to_vorticity_divergence(
        *transform.vorticity_divergence_to_wind(noise, nothing)
    )
    assert relative_error(vorticity, noise) < 1e-12
    assert float(divergence.abs().max()) < 1e-12
    vorticity, divergence = transform.wind_to_vorticity_divergence(
        *transform.vorticity_divergence_to_wind(nothing, noise)
    )
    assert relative_error(divergence, noise) < 1e-12
    assert float(vorticity.abs().max()) < 1e-12


@each_grid
@pytest.mark.usefixtures("wind_tables")
def test_divergence_of_the_gradient_is_the_laplacian(grid, rows, columns, truncation):
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=torch.float64)
    coefficients = random_coefficients(2, truncation + 1, truncation + 1)
    laplacian = transform.wind_to_divergence(*transform.gradient(coefficients))
    assert relative_error(laplacian, coefficients * transform.laplacian_eigenvalues[:, None]) < 1e-12


@each_grid
def test_parseval(grid, rows, columns, truncation):
    # The quadrature of squares is exact to half the degree only.
    truncation = min(truncation, rows // 2 - 1)
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=torch.float64)
    weights = torch.from_numpy(quadrature_weights(rows, grid)) / 2.0

    def area_mean(values):
        return (values.mean(-1) * weights).sum(-1)

    coefficients = random_coefficients(truncation + 1, truncation + 1)
    field = transform.synthesis(coefficients)
    power = power_per_degree(coefficients)
    assert power.shape == (truncation + 1,)
    assert float(power.sum()) == pytest.approx(4.0 * math.pi * float(area_mean(field**2)), rel=1e-12)

    vorticity, divergence = random_coefficients(2, truncation + 1, truncation + 1, mean=False)
    u, v = transform.vorticity_divergence_to_wind(vorticity, divergence)
    power = power_per_degree(vorticity) + power_per_degree(divergence)
    energy = power[1:] / -transform.laplacian_eigenvalues[1:]
    assert float(energy.sum()) == pytest.approx(4.0 * math.pi * float(area_mean(u**2 + v**2)), rel=1e-12)


def test_known_harmonics():
    transform = SphericalHarmonicTransform(24, 48, 11, "cell-centred", dtype=torch.float64)
    latitude = torch.deg2rad(torch.from_numpy(transform.latitudes))[:, None]
    longitude = torch.deg2rad(torch.from_numpy(transform.longitudes))[None, :]
    x, cosine = torch.sin(latitude), torch.cos(latitude)
    pi = math.pi
    # Jackson, Classical Electrodynamics, section 3.5, without the Condon-Shortley phase (-1)^m.
    closed_forms = {
        (0, 0): math.sqrt(1 / (4 * pi)) * torch.ones_like(x),
        (1, 0): math.sqrt(3 / (4 * pi)) * x,
        (1, 1): math.sqrt(3 / (8 * pi)) * cosine,
        (2, 0): math.sqrt(5 / (4 * pi)) * (1.5 * x**2 - 0.5),
        (2, 1): math.sqrt(15 / (8 * pi)) * cosine * x,
        (2, 2): 0.25 * math.sqrt(15 / (2 * pi)) * cosine**2,
        (3, 3): 0.25 * math.sqrt(35 / (4 * pi)) * cosine**3,
        (3, 2): 0.25 * math.sqrt(105 / (2 * pi)) * cosine**2 * x,
        (3, 1): 0.25 * math.sqrt(21 / (4 * pi)) * cosine * (5 * x**2 - 1),
    }
    for (degree, order), profile in closed_forms.items():
        value = 0.7 - (0.4j if order else 0.0)
        harmonic = profile * torch.exp(1j * order * longitude)
        field = (value * harmonic).real * (2.0 if order else 1.0)
        expected = torch.zeros(12, 12, dtype=torch.complex128)
        expected[degree, order] = value
        assert torch.allclose(transform.analysis(field), expected, rtol=0.0, atol=1e-13), (degree, order)
        assert torch.allclose(transform.synthesis(expected), field, rtol=0.0, atol=1e-13), (degree, order)


@pytest.mark.parametrize("grid", ["gaussian", "equiangular-with-poles", "cell-centred", "driscoll-healy"])
@pytest.mark.usefixtures("wind_tables")
def test_solid_body_rotation(grid):
    transform = SphericalHarmonicTransform(20, 40, 9, grid, dtype=torch.float64)
    latitude = torch.deg2rad(torch.from_numpy(transform.latitudes))[:, None].expand(20, 40)
    speed = 40.0
    u, v = speed * torch.cos(latitude), torch.zeros_like(latitude)
    vorticity, divergence = transform.wind_to_vorticity_divergence(u, v)
    expected = 2.0 * speed * torch.sin(latitude) / transform.radius_m
    assert torch.allclose(transform.synthesis(vorticity), expected, rtol=0.0, atol=1e-18)
    assert float(divergence.abs().max()) < 1e-18
    again = transform.vorticity_divergence_to_wind(vorticity, divergence)
    assert torch.allclose(again[0], u, rtol=0.0, atol=1e-11)
    assert torch.allclose(again[1], v, rtol=0.0, atol=1e-11)


def test_gradient_of_the_sine_of_latitude():
    grid = "equiangular-with-poles"
    transform = SphericalHarmonicTransform(21, 40, 9, grid, dtype=torch.float64, radius_m=2.0)
    latitude = torch.deg2rad(torch.from_numpy(transform.latitudes))[:, None].expand(21, 40)
    eastward, northward = transform.gradient(transform.analysis(torch.sin(latitude)))
    assert torch.allclose(eastward, torch.zeros_like(latitude), atol=1e-14)
    assert torch.allclose(northward, torch.cos(latitude) / 2.0, atol=1e-14)


def test_wind_across_the_pole():
    """A uniform flow over the pole: at the pole rows only order one remains, and 0 / 0 must not appear."""
    grid = "equiangular-with-poles"
    transform = SphericalHarmonicTransform(19, 36, 17, grid, dtype=torch.float64, radius_m=1.0)
    latitude = torch.deg2rad(torch.from_numpy(transform.latitudes))[:, None]
    longitude = torch.deg2rad(torch.from_numpy(transform.longitudes))[None, :]
    # Rotation about the x axis: velocity e_x cross r.
    u = -torch.sin(latitude) * torch.cos(longitude)
    v = torch.sin(longitude) * torch.ones_like(latitude)
    vorticity, divergence = transform.wind_to_vorticity_divergence(u, v)
    expected = 2.0 * torch.cos(latitude) * torch.cos(longitude)
    assert torch.allclose(transform.synthesis(vorticity), expected, atol=1e-13)
    assert float(divergence.abs().max()) < 1e-13
    again = transform.vorticity_divergence_to_wind(vorticity, divergence)
    assert torch.allclose(again[0], u, atol=1e-13)
    assert torch.allclose(again[1], v, atol=1e-13)


@pytest.mark.parametrize(("grid", "rows"), [("cell-centred", 48), ("equiangular-with-poles", 49)])
def test_what_lies_above_the_truncation_is_not_aliased(grid, rows):
    """The exact quadrature projects; weights alone would fold degree 40 back onto degree 8 and others."""
    fine = SphericalHarmonicTransform(rows, 96, 47, grid, dtype=torch.float64)
    coarse = SphericalHarmonicTransform(rows, 96, 20, grid, dtype=torch.float64)
    coefficients = random_coefficients(48, 48)
    coefficients[:21] = 0.0
    assert float(coarse.analysis(fine.synthesis(coefficients)).abs().max()) < 1e-12
    wind = fine.vorticity_divergence_to_wind(coefficients, coefficients.flip(0).tril() * 0.0)
    assert float(coarse.wind_to_vorticity_divergence(*wind)[0].abs().max()) < 1e-12


def test_shifted_longitudes():
    transform = SphericalHarmonicTransform(16, 32, 15, dtype=torch.float64)
    coefficients = random_coefficients(16, 16)
    field = transform.synthesis(coefficients)
    # The same field on a grid whose first column lies at 5 * 11.25 degrees east.
    rolled = torch.roll(field, -5, dims=-1)
    assert relative_error(shift_longitude(transform.analysis(rolled), 5 * 11.25), coefficients) < 1e-13
    assert relative_error(transform.synthesis(shift_longitude(coefficients, -5 * 11.25)), rolled) < 1e-13


def test_axes():
    transform = SphericalHarmonicTransform(360, 720, 3, "cell-centred")
    assert np.array_equal(transform.latitudes, 89.75 - 0.5 * np.arange(360))
    assert np.array_equal(transform.longitudes, 0.5 * np.arange(720))
    assert transform.latitudes.dtype == np.float64
    assert transform.laplacian_eigenvalues.tolist() == pytest.approx(
        [-degree * (degree + 1) / 6_371_229.0**2 for degree in range(4)], rel=1e-6
    )


@each_grid
@each_dtype
@pytest.mark.usefixtures("wind_tables")
@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_power_is_that_of_the_coefficients(grid, rows, columns, truncation, dtype, batch):
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=dtype)
    field = torch.randn(*batch, rows, columns, generator=torch.Generator().manual_seed(0), dtype=dtype)
    coefficients = transform.analysis(field)
    wanted = power_per_degree(coefficients.to(torch.complex128))
    found = transform.power(field)
    assert found.dtype == torch.float64 and found.shape == (*batch, truncation + 1)
    torch.testing.assert_close(found, wanted, rtol=1e-6 if dtype == torch.float32 else 1e-13, atol=0.0)
    field.requires_grad_()
    (gradient,) = torch.autograd.grad(transform.power(field).sum(), field)
    (wanted_gradient,) = torch.autograd.grad(power_per_degree(transform.analysis(field)).sum(), field)
    torch.testing.assert_close(gradient, wanted_gradient)
