"""Spherical-harmonic transforms of scalars and winds on torch: batched, differentiable, on CPU and GPU."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.harmonics import grids
from atmodist_core.harmonics.kernels import TransformKernels
from atmodist_core.harmonics.linear import apply_linear, full_precision
from atmodist_core.harmonics.spectrum import power_per_degree

_COMPLEX_OF = {torch.float32: torch.complex64, torch.float64: torch.complex128}


class SphericalHarmonicTransform:
    r"""Transforms between a global grid and triangularly truncated spherical-harmonic coefficients.

    Coefficients are complex, shape (..., L + 1, L + 1), indexed [degree l, order m >= 0], for harmonics that
    are orthonormal on the unit sphere, without the Condon-Shortley phase; negative orders are complex
    conjugates, since fields are real. Entries with m > l are zero on output and ignored on input. Fields have
    shape (..., latitude, longitude), from north to south and from longitude zero eastward.

    Parameters
    ----------
    latitude_count, longitude_count : int
        Size of the grid.
    truncation : int
        Highest total wavenumber L.
    grid : {"gaussian", "equiangular-with-poles", "driscoll-healy", "cell-centred"}
        The grid.
    dtype : torch.dtype
        Type of the fields, torch.float32 or torch.float64; coefficients are complex of the same precision.
    device : str or torch.device
        Device of inputs and results.
    radius_m : float
        Radius of the sphere in m.

    Attributes
    ----------
    latitudes, longitudes : ndarray of float64
        Axes in degrees.
    laplacian_eigenvalues : Tensor, shape (L + 1,)
        :math:`-l(l+1)/a^2` in m-2.

    Raises
    ------
    UserError
        If the grid is unknown, or too coarse for the truncation.

    Examples
    --------
    >>> transform = SphericalHarmonicTransform(32, 64, 21)
    >>> coefficients = transform.analysis(torch.ones(32, 64))
    >>> round(float(coefficients[0, 0].real / math.sqrt(4 * math.pi)), 4)
    1.0
    """

    def __init__(
        self,
        latitude_count: int,
        longitude_count: int,
        truncation: int,
        grid: str = "gaussian",
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        radius_m: float = EARTH_RADIUS_M,
    ) -> None:
        _check_size(latitude_count, longitude_count, truncation, grid, dtype, radius_m)
        self.latitude_count, self.longitude_count = latitude_count, longitude_count
        self.truncation, self.grid, self.radius_m = truncation, grid, float(radius_m)
        self.dtype, self.device = dtype, torch.device(device)
        self._kernels = TransformKernels(
            latitude_count, longitude_count, truncation, grid, self.dtype, self.device
        )
        self.latitudes = grids.latitudes(latitude_count, grid)
        self.longitudes = np.arange(longitude_count) * (360.0 / longitude_count)
        degree = np.arange(truncation + 1, dtype=np.float64)
        eigenvalues = -degree * (degree + 1.0) / self.radius_m**2
        self.laplacian_eigenvalues = self._by_degree(eigenvalues)
        with np.errstate(divide="ignore"):
            inverse = np.where(degree > 0, 1.0 / (eigenvalues * self.radius_m), 0.0)
        # Stream function and velocity potential over the radius, from vorticity and divergence.
        self._inverse_laplacian = self._by_degree(inverse)
        self._inverse_radius = self._by_degree(np.full(truncation + 1, 1.0 / self.radius_m))

    def __repr__(self) -> str:
        size = f"{self.latitude_count}, {self.longitude_count}, {self.truncation}, {self.grid!r}"
        return f"{type(self).__name__}({size}, dtype={self.dtype}, device={str(self.device)!r})"

    @property
    def table_bytes(self) -> int:
        """Memory of the Legendre tables."""
        return self._kernels.table_bytes

    # ------------------------------------------------------------------ public transforms

    def analysis(self, field: Tensor) -> Tensor:
        """Return the coefficients (..., L + 1, L + 1) of scalar fields (..., latitude, longitude)."""
        self._check_fields(field)
        return apply_linear(self._analyse, self._analyse_adjoint, field)[0]

    def power(self, field: Tensor) -> Tensor:
        """Return the power per degree (..., L + 1) of scalar fields, in float64, without storing coefficients.

        It is :func:`~atmodist_core.harmonics.power_per_degree` of the analysis.
        """
        self._check_fields(field)
        if torch.is_grad_enabled() and field.requires_grad:
            return power_per_degree(self.analysis(field)).double()
        with full_precision(self.device):
            stacked = field.reshape(-1, self.latitude_count, self.longitude_count)
            return self._kernels.scalar_power(stacked).reshape(*field.shape[:-2], self.truncation + 1)

    def synthesis(self, coefficients: Tensor) -> Tensor:
        """Return the scalar fields (..., latitude, longitude) of coefficients (..., L + 1, L + 1)."""
        self._check_coefficients(coefficients)
        return apply_linear(self._synthesise, self._synthesise_adjoint, coefficients)[0]

    def wind_to_vorticity_divergence(self, eastward: Tensor, northward: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coefficients of the vorticity and divergence [s-1] of a wind [m s-1]."""
        self._check_fields(eastward, northward)
        vorticity, divergence = apply_linear(self._curl, self._curl_adjoint, eastward, northward)
        return vorticity, divergence

    def wind_to_divergence(self, eastward: Tensor, northward: Tensor) -> Tensor:
        """Return the coefficients of the divergence only [per m], at less than the cost of both."""
        self._check_fields(eastward, northward)
        return apply_linear(self._diverge, self._diverge_adjoint, eastward, northward)[0]

    def vorticity_divergence_to_wind(self, vorticity: Tensor, divergence: Tensor) -> tuple[Tensor, Tensor]:
        """Return the eastward and northward wind [m s-1] of coefficients of vorticity and divergence [s-1].

        Degree zero is ignored, because no wind has it.
        """
        self._check_coefficients(vorticity, divergence)
        eastward, northward = apply_linear(self._helmholtz, self._helmholtz_adjoint, vorticity, divergence)
        return eastward, northward

    def gradient(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Return the eastward and northward gradient of scalar fields [their unit per m] from coefficients."""
        self._check_coefficients(coefficients)
        eastward, northward = apply_linear(self._slope, self._slope_adjoint, coefficients)
        return eastward, northward

    # ------------------------------------------------------------------ linear operators and their adjoints

    # Real inner products: an order above zero counts twice in the synthesis and once in the analysis.

    def _analyse(self, field: Tensor) -> tuple[Tensor, ...]:
        return (self._kernels.scalar_analysis(field, weighted=True),)

    def _analyse_adjoint(self, gradient: Tensor) -> tuple[Tensor, ...]:
        return (self._kernels.scalar_synthesis(_orders_times(gradient, 0.5), weighted=True),)

    def _synthesise(self, coefficients: Tensor) -> tuple[Tensor, ...]:
        return (self._kernels.scalar_synthesis(coefficients, weighted=False),)

    def _synthesise_adjoint(self, gradient: Tensor) -> tuple[Tensor, ...]:
        return (_orders_times(self._kernels.scalar_analysis(gradient, weighted=False), 2.0),)

    def _curl(self, eastward: Tensor, northward: Tensor) -> tuple[Tensor, ...]:
        return self._kernels.vector_analysis(eastward, northward, 1.0 / self.radius_m, weighted=True)

    def _curl_adjoint(self, vorticity: Tensor, divergence: Tensor) -> tuple[Tensor, ...]:
        stream, potential = _orders_times(vorticity, 0.5), _orders_times(divergence, 0.5)
        return self._kernels.vector_synthesis(potential, stream, -self._inverse_radius, weighted=True)

    def _diverge(self, eastward: Tensor, northward: Tensor) -> tuple[Tensor, ...]:
        scale = 1.0 / self.radius_m
        return self._kernels.vector_analysis(eastward, northward, scale, weighted=True, curl=False)

    def _diverge_adjoint(self, divergence: Tensor) -> tuple[Tensor, ...]:
        potential = _orders_times(divergence, 0.5)
        return self._kernels.vector_synthesis(potential, None, -self._inverse_radius, weighted=True)

    def _helmholtz(self, vorticity: Tensor, divergence: Tensor) -> tuple[Tensor, ...]:
        return self._kernels.vector_synthesis(divergence, vorticity, self._inverse_laplacian, weighted=False)

    def _helmholtz_adjoint(self, eastward: Tensor, northward: Tensor) -> tuple[Tensor, ...]:
        parts = self._kernels.vector_analysis(eastward, northward, -1.0, weighted=False)
        return tuple(_orders_times(part, 2.0) * self._inverse_laplacian[:, None] for part in parts)

    def _slope(self, coefficients: Tensor) -> tuple[Tensor, ...]:
        return self._kernels.vector_synthesis(coefficients, None, self._inverse_radius, weighted=False)

    def _slope_adjoint(self, eastward: Tensor, northward: Tensor) -> tuple[Tensor, ...]:
        scale = -1.0 / self.radius_m
        (part,) = self._kernels.vector_analysis(eastward, northward, scale, weighted=False, curl=False)
        return (_orders_times(part, 2.0),)

    # ------------------------------------------------------------------ checks

    def _by_degree(self, values: np.ndarray) -> Tensor:
        return torch.as_tensor(values).to(device=self.device, dtype=self.dtype)

    def _check_fields(self, *fields: Tensor) -> None:
        if torch.compiler.is_compiling():
            return
        size = (self.latitude_count, self.longitude_count)
        for field in fields:
            if tuple(field.shape[-2:]) != size or field.dtype != self.dtype:
                raise UserError(
                    f"Expected {self.dtype} fields of shape (..., {size[0]}, {size[1]}), found {field.dtype} "
                    f"of shape {tuple(field.shape)}: convert it or make a transform of its size and type."
                )
            self._check_device(field)
        if len(fields) == 2 and fields[0].shape != fields[1].shape:
            raise UserError(
                f"Expected two wind components of one shape, found {tuple(fields[0].shape)} and "
                f"{tuple(fields[1].shape)}: give both on the same grid and times."
            )

    def _check_coefficients(self, *coefficients: Tensor) -> None:
        if torch.compiler.is_compiling():
            return
        size, dtype = self.truncation + 1, _COMPLEX_OF[self.dtype]
        for values in coefficients:
            if tuple(values.shape[-2:]) != (size, size) or values.dtype != dtype:
                raise UserError(
                    f"Expected {dtype} coefficients of shape (..., {size}, {size}), found {values.dtype} "
                    f"of shape {tuple(values.shape)}: pad or cut them to truncation {self.truncation}."
                )
            self._check_device(values)
        if len(coefficients) == 2 and coefficients[0].shape != coefficients[1].shape:
            raise UserError(
                f"Expected vorticity and divergence of one shape, found {tuple(coefficients[0].shape)} and "
                f"{tuple(coefficients[1].shape)}: give both for the same times."
            )

    def _check_device(self, tensor: Tensor) -> None:
        if tensor.device.type != self.device.type:
            raise UserError(
                f"Expected tensors on {self.device}, found one on {tensor.device}: move it, or make the "
                f"transform with device='{tensor.device}'."
            )


def _orders_times(coefficients: Tensor, factor: float) -> Tensor:
    """Copy with every order above zero multiplied by ``factor``."""
    out = coefficients * factor
    out[..., 0] = coefficients[..., 0]
    return out


def _check_size(
    latitude_count: int, longitude_count: int, truncation: int, grid: str, dtype: torch.dtype, radius_m: float
) -> None:
    grids.check_grid(grid)
    if dtype not in _COMPLEX_OF:
        raise UserError(
            f"Expected dtype torch.float32 or torch.float64, found {dtype}: choose one of the two."
        )
    if latitude_count < 3 or longitude_count < 4:
        raise UserError(
            f"Expected at least 3 latitudes and 4 longitudes, found {latitude_count} x {longitude_count}: "
            "give a whole global grid."
        )
    if grid == "driscoll-healy" and latitude_count % 2:
        raise UserError(
            f"Expected an even number of Driscoll-Healy latitudes, found {latitude_count}: leave out "
            "the south pole or name the grid 'equiangular-with-poles'."
        )
    if not radius_m > 0.0 or not math.isfinite(radius_m):
        raise UserError(
            f"Expected a positive radius in metres, found {radius_m}: the Earth's is {EARTH_RADIUS_M}."
        )
    highest = grids.maximum_truncation(latitude_count, longitude_count, grid)
    if not 0 <= truncation <= highest:
        raise UserError(
            f"Expected a truncation from 0 to {highest} on a {grid} grid of {latitude_count} x "
            f"{longitude_count}, found {truncation}: lower the truncation or give a finer grid."
        )
