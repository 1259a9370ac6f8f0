"""Derivatives, batches, and safety from reduced precision."""

import pytest
import torch

from atmodist_core.harmonics import SphericalHarmonicTransform, tables
from tests.harmonics.random_coefficients import random_coefficients, relative_error

SMALL = [
    ("gaussian", 6, 12, 5),
    ("equiangular-with-poles", 7, 12, 5),
    ("cell-centred", 5, 10, 4),
    ("driscoll-healy", 8, 12, 3),
]


@pytest.mark.parametrize(("grid", "rows", "columns", "truncation"), SMALL)
@pytest.mark.parametrize("stored", [True, False])
def test_gradcheck(grid, rows, columns, truncation, stored, monkeypatch):
    monkeypatch.setattr("atmodist_core.harmonics.tables.STORED_BYTES_LIMIT", 1 << 30 if stored else 0)
    transform = SphericalHarmonicTransform(rows, columns, truncation, grid, dtype=torch.float64, radius_m=1.5)
    # Three at once: one wind or two go another way, which the next tests take.
    u, v = torch.randn(2, 3, rows, columns, dtype=torch.float64)
    # Not only coefficients of real fields: the derivative must be right off that subspace too.
    first, second = torch.randn(2, 3, truncation + 1, truncation + 1, dtype=torch.complex128)
    for tensor in (u, v, first, second):
        tensor.requires_grad_()
    options = {"fast_mode": True}  # random directions
    assert torch.autograd.gradcheck(transform.analysis, u, **options)
    assert torch.autograd.gradcheck(transform.wind_to_vorticity_divergence, (u, v), **options)
    assert torch.autograd.gradcheck(transform.wind_to_divergence, (u, v), **options)
    assert torch.autograd.gradcheck(transform.synthesis, first, **options)
    assert torch.autograd.gradcheck(transform.vorticity_divergence_to_wind, (first, second), **options)
    assert torch.autograd.gradcheck(transform.gradient, first, **options)


def test_full_gradcheck_of_a_small_transform():
    """Every entry of the Jacobian."""
    transform = SphericalHarmonicTransform(4, 8, 3, "gaussian", dtype=torch.float64, radius_m=1.5)
    u, v = (torch.randn(4, 8, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(transform.wind_to_vorticity_divergence, (u, v))
    first, second = (torch.randn(4, 4, dtype=torch.complex128, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(transform.vorticity_divergence_to_wind, (first, second))


def test_second_derivative():
    transform = SphericalHarmonicTransform(4, 8, 3, "cell-centred", dtype=torch.float64, radius_m=1.5)
    u, v = (torch.randn(4, 8, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def enstrophy(u, v):
        return (transform.wind_to_vorticity_divergence(u, v)[0].abs() ** 2).sum()

    assert torch.autograd.gradgradcheck(enstrophy, (u, v), fast_mode=True)


def test_backward_of_a_spectral_loss_through_slices():
    """Ordinary use: a loss on some degrees of one field of a batch, in float32."""
    transform = SphericalHarmonicTransform(16, 32, 10)
    field = torch.randn(2, 3, 16, 32, requires_grad=True)
    transform.analysis(field)[1, 2, 5:].abs().square().sum().backward()
    gradient = field.grad
    assert gradient is not None
    assert torch.count_nonzero(gradient[0]) == 0
    # The loss is quadratic: its derivative along the field is twice its value.
    value = float(transform.analysis(field.detach())[1, 2, 5:].abs().square().sum())
    assert float((gradient * field.detach()).sum()) == pytest.approx(2.0 * value, rel=1e-4)


@pytest.mark.parametrize("grid", ["gaussian", "cell-centred"])
def test_batches_equal_loops(grid):
    transform = SphericalHarmonicTransform(18, 36, 12, grid, dtype=torch.float64)
    vorticity, divergence = random_coefficients(2, 2, 3, 13, 13, mean=False)
    u, v = transform.vorticity_divergence_to_wind(vorticity, divergence)
    results = {
        "analysis": transform.analysis(u),
        "synthesis": transform.synthesis(vorticity),
        "curl": transform.wind_to_vorticity_divergence(u, v)[0],
        "divergence": transform.wind_to_divergence(u, v),
        "gradient": transform.gradient(vorticity)[1],
    }
    for i in range(2):
        for j in range(3):
            single = {
                "analysis": transform.analysis(u[i, j]),
                "synthesis": transform.synthesis(vorticity[i, j]),
                "curl": transform.wind_to_vorticity_divergence(u[i, j], v[i, j])[0],
                "divergence": transform.wind_to_divergence(u[i, j], v[i, j]),
                "gradient": transform.gradient(vorticity[i, j])[1],
            }
            for name, value in single.items():
                assert value.shape == results[name].shape[2:]
                assert relative_error(results[name][i, j], value) < 1e-13, name


def test_large_and_small_batches_agree():
    """Few columns take another way through the matrix products than many."""
    transform = SphericalHarmonicTransform(24, 48, 20, dtype=torch.float64)
    coefficients = random_coefficients(12, 21, 21)
    field = transform.synthesis(coefficients)
    for count in (1, 2, 4, 5):
        assert relative_error(transform.synthesis(coefficients[:count]), field[:count]) < 1e-13
        assert relative_error(transform.analysis(field[:count]), coefficients[:count]) < 1e-12


@pytest.mark.parametrize("truncation", [0, 1, 2, 20, 33])
@pytest.mark.parametrize("stored", [True, False])
def test_single_winds_agree_with_batches(truncation, stored, monkeypatch):
    """One wind or two go through the tables in one pass, more of them block by block."""
    monkeypatch.setattr(tables, "STORED_BYTES_LIMIT", 1 << 30 if stored else 0)
    transform = SphericalHarmonicTransform(36, 72, truncation, "cell-centred", dtype=torch.float64)
    vorticity, divergence = random_coefficients(2, 3, truncation + 1, truncation + 1, mean=False)
    winds = transform.vorticity_divergence_to_wind(vorticity, divergence)
    noise = torch.randn(2, 3, 36, 72, dtype=torch.float64)
    analysed = transform.wind_to_vorticity_divergence(*noise)
    gradient, flux = transform.gradient(vorticity), transform.wind_to_divergence(*noise)
    # Without waves there is no wind, and nothing to be relative to.
    error = relative_error if truncation else lambda actual, expected: float((actual - expected).abs().max())
    for count in (1, 2):
        few = transform.vorticity_divergence_to_wind(vorticity[:count], divergence[:count])
        pairs = list(zip(few, winds, strict=True))
        pairs += zip(transform.wind_to_vorticity_divergence(*noise[:, :count]), analysed, strict=True)
        pairs += zip(transform.gradient(vorticity[:count]), gradient, strict=True)
        pairs.append((transform.wind_to_divergence(*noise[:, :count]), flux))
        for actual, expected in pairs:
            assert error(actual, expected[:count]) < 1e-12


def test_empty_batch_and_strided_input():
    transform = SphericalHarmonicTransform(8, 16, 5, dtype=torch.float64)
    assert transform.analysis(torch.zeros(0, 8, 16, dtype=torch.float64)).shape == (0, 6, 6)
    assert transform.synthesis(torch.zeros(2, 0, 6, 6, dtype=torch.complex128)).shape == (2, 0, 8, 16)
    field = torch.randn(16, 8, 3, dtype=torch.float64)
    expected = transform.analysis(field.permute(2, 1, 0).contiguous())
    assert relative_error(transform.analysis(field.permute(2, 1, 0)), expected) < 1e-14
    # Coefficients in plain memory and in the memory order of the results.
    assert relative_error(transform.synthesis(expected.contiguous()), transform.synthesis(expected)) < 1e-14


def test_inputs_stay_as_they_are():
    transform = SphericalHarmonicTransform(8, 16, 5, "cell-centred", dtype=torch.float64)
    coefficients = transform.analysis(torch.randn(2, 8, 16, dtype=torch.float64))
    kept = coefficients.clone()
    transform.vorticity_divergence_to_wind(coefficients, coefficients)
    transform.synthesis(coefficients)
    assert torch.equal(coefficients, kept)


def test_missing_values_stay_in_their_field():
    transform = SphericalHarmonicTransform(12, 24, 9)
    field = torch.randn(3, 12, 24)
    clean = transform.analysis(field)
    field[1, 4, 4] = torch.nan
    spoilt = transform.analysis(field)
    assert torch.isnan(spoilt[1].real.tril()).any()
    assert torch.equal(spoilt[[0, 2]], clean[[0, 2]])


def test_entries_above_the_diagonal_are_ignored():
    transform = SphericalHarmonicTransform(12, 24, 9, dtype=torch.float64)
    coefficients = random_coefficients(10, 10)
    disturbed = coefficients + torch.triu(torch.randn(10, 10, dtype=torch.complex128), 1)
    assert relative_error(transform.synthesis(disturbed), transform.synthesis(coefficients)) < 1e-14
    for actual, expected in zip(transform.gradient(disturbed), transform.gradient(coefficients), strict=True):
        assert relative_error(actual, expected) < 1e-14


def test_reduced_precision_stays_out():
    transform = SphericalHarmonicTransform(32, 64, 31)
    coefficients = random_coefficients(20, 32, 32, dtype=torch.float32)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            again = transform.analysis(transform.synthesis(coefficients))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert again.dtype == torch.complex64
    assert relative_error(again, coefficients) < 2e-6


@pytest.mark.gpu
@pytest.mark.parametrize("grid", ["gaussian", "equiangular-with-poles"])
@pytest.mark.parametrize("stored", [True, False])
def test_gpu_agrees_with_cpu(grid, stored, monkeypatch):
    monkeypatch.setattr("atmodist_core.harmonics.tables.STORED_BYTES_LIMIT", 1 << 30 if stored else 0)
    cpu = SphericalHarmonicTransform(97, 192, 90, grid, dtype=torch.float64)
    gpu = SphericalHarmonicTransform(97, 192, 90, grid, dtype=torch.float64, device="cuda")
    vorticity, divergence = random_coefficients(2, 3, 91, 91, mean=False)
    wind = cpu.vorticity_divergence_to_wind(vorticity, divergence)
    on_gpu = gpu.vorticity_divergence_to_wind(vorticity.cuda(), divergence.cuda())
    for actual, expected in zip(on_gpu, wind, strict=True):
        assert relative_error(actual.cpu(), expected) < 1e-12
    for actual, expected in zip(
        gpu.wind_to_vorticity_divergence(*on_gpu), (vorticity, divergence), strict=True
    ):
        assert relative_error(actual.cpu(), expected) < 1e-11
    field = gpu.synthesis(vorticity.cuda())
    assert relative_error(field.cpu(), cpu.synthesis(vorticity)) < 1e-12
    assert relative_error(gpu.analysis(field).cpu(), vorticity) < 1e-12
