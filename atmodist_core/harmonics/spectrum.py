"""Power per degree and shifts in longitude of coefficients."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def power_per_degree(coefficients: Tensor) -> Tensor:
    r"""Sum the squared coefficients of each degree.

    Parameters
    ----------
    coefficients : Tensor, shape (..., L + 1, L + 1)
        Coefficients [degree, order >= 0] of a real field; orders above zero count twice.

    Returns
    -------
    Tensor, shape (..., L + 1)
        Power in the square of the field's unit. Parseval: its sum is :math:`4\pi` times the area mean of the
        squared field.

    Examples
    --------
    >>> power_per_degree(torch.tensor([[2.0, 0.0], [1.0, 1.0j]])).tolist()
    [4.0, 3.0]
    """
    power = coefficients.real**2 + coefficients.imag**2
    return 2.0 * power.sum(-1) - power[..., 0]


def shift_longitude(coefficients: Tensor, degrees: float) -> Tensor:
    """Return coefficients of fields whose first column is not at longitude zero.

    Parameters
    ----------
    coefficients : Tensor, shape (..., L + 1, L + 1)
        Analysis of the fields as if their first column were at longitude zero.
    degrees : float
        Actual longitude of that column in degrees east. Use the opposite sign before a synthesis on such a grid.

    Returns
    -------
    Tensor, shape (..., L + 1, L + 1)
        Coefficients for the actual longitudes: order m times ``exp(-i m degrees)``.
    """
    orders = torch.arange(coefficients.shape[-1], dtype=torch.float64, device=coefficients.device)
    angle = -orders * math.radians(degrees)
    return coefficients * torch.polar(torch.ones_like(angle), angle).to(coefficients.dtype)
