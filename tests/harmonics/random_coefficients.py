"""Random coefficients and tolerances that the tests of the transforms share."""

import torch

GRIDS_AT_THEIR_LIMIT = [
    # grid, latitudes, longitudes, the highest truncation they allow; even and odd numbers of rows
    ("gaussian", 32, 64, 31),
    ("gaussian", 33, 68, 32),
    ("equiangular-with-poles", 33, 64, 31),
    ("equiangular-with-poles", 34, 66, 32),
    ("cell-centred", 32, 64, 31),
    ("cell-centred", 33, 67, 32),
    ("driscoll-healy", 34, 68, 16),
]

TOLERANCE = {torch.float32: 2e-6, torch.float64: 2e-13}
"""Of round trips, relative to the largest value: a few tens of roundings."""


def random_coefficients(*shape: int, dtype: torch.dtype = torch.float64, mean: bool = True) -> torch.Tensor:
    """White noise (..., L + 1, L + 1) of a real field; without ``mean``, degree zero is zero."""
    complex_dtype = torch.complex64 if dtype == torch.float32 else torch.complex128
    values = torch.tril(torch.randn(*shape, dtype=torch.complex128))
    values[..., 0] = values[..., 0].real + 0j
    if not mean:
        values[..., 0, 0] = 0.0
    return values.to(complex_dtype)


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference over the largest expected value."""
    return float((actual - expected).abs().max() / expected.abs().max())
