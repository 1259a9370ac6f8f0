"""Sharpness: how strong the scales are that a downscaling adds, compared with the finest that its coarse fields resolve.

Coarse fields do not tell it: ERA5 at 0.25 degree has hardly any power in its last octave, GFS at 0.25 degree has much, and their
means over 1 degree look alike. It is a property of the archive, not of the weather, and hardly changes from day to day. Models
that were trained for archives of all kinds take it as an input, like the spacing of a grid that one asks for.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.fields.canonical.channels import DEFAULT_FIELDS
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.effective_truncation import ring_spectra

BANDS = 2
"""Numbers of a field: for the lower and the upper half of the added scales, on a logarithmic axis."""

_LARGE_GRID = 300_000
"""Points from which one time is enough."""

_FLOOR = 1e-12
"""Share of the power of the finest resolved scales that counts as nothing, so that the logarithm is finite."""


_PREFIX = "sharpness_"


def attribute_name(factor: int, *, of_source: bool = False) -> str:
    """Attribute of a variable that keeps its own sharpness, or that of the fine fields which coarse ones were made of."""
    return f"{_PREFIX}{'of_source_' if of_source else ''}{factor}x"


def sharpness_of_spectrum(energy: NDArray[np.floating], factor: int) -> NDArray[np.float64]:
    """Return the sharpness of energies in rings of equal width up to the Nyquist wavenumber.

    Parameters
    ----------
    energy : ndarray, shape (..., ring)
        Sums of the power in each ring, in any unit.
    factor : int
        Of the downscaling: its coarse fields end at ``1 / factor`` of the fine grid's Nyquist wavenumber.

    Returns
    -------
    ndarray, shape (..., 2)
        Natural logarithms of ratios of root mean squares: of the lower, and of the upper half of the added scales, over those
        of the octave below them.
    """
    rings = energy.shape[-1]
    centre = (np.arange(rings) + 0.5) / rings
    edges = np.array([0.5, 1.0, np.sqrt(factor), float(factor)]) / factor
    sums = []
    for low, high in itertools.pairwise(edges):
        # On small grids a band may lie between two rings: the nearest one stands for it.
        inside = (centre > low) & (centre <= high)
        inside = inside if inside.any() else centre == centre[np.argmin(np.abs(centre - np.sqrt(low * high)))]
        sums.append(energy[..., inside].mean(axis=-1) * (high - low))
    resolved = np.maximum(sums[0], np.finfo(float).tiny)
    return np.stack([0.5 * np.log(np.maximum(band / resolved, _FLOOR)) for band in sums[1:]], axis=-1)


def sharpness(
    dataset: xr.Dataset, factor: int = 4, *, times: int | None = None
) -> dict[str, tuple[float, ...]]:
    """Measure how strong the scales of fine fields are that a downscaling to them adds.

    Parameters
    ----------
    dataset : xarray.Dataset
        Canonical fields on the fine grid; a few times of them are read, spread over the period.
    factor : int
        Fine cells per coarse cell along each axis.
    times : int, optional
        How many times are read; by default three, of a large grid one, which has weather of every kind.

    Returns
    -------
    dict
        For vorticity and divergence, two natural logarithms of ratios of root mean squares: of the wavenumbers from
        ``1 / factor`` to ``1 / sqrt(factor)`` of the Nyquist wavenumber, and from there to it, over those of the octave below.
        Empty for areas below 16 x 16 valid points.

    Raises
    ------
    UserError
        The dataset has no fields over latitude and longitude.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> low, high = sharpness(ad.open_demo().isel(time=[0]))["vorticity"]
    >>> low > high  # the simulated weather ends at half of the Nyquist wavenumber
    True
    """
    wanted = [name for name in DEFAULT_FIELDS if name in dataset]
    arrays = FieldArrays.of(dataset, wanted, "the sharpness")
    large = arrays.latitude.size * arrays.longitude.size > _LARGE_GRID
    chosen = evenly_spaced(arrays.time_count, times or (1 if large else 3))
    part = arrays.dataset.isel(time=chosen)
    values = np.stack([np.asarray(part[name].values, np.float64) for name in arrays.channels], axis=1)
    energy = ring_energies(values, arrays.latitude, arrays.longitude)
    if energy is None:
        return {}
    numbers = sharpness_of_spectrum(energy, factor)
    return {
        name: tuple(float(round(number, 4)) for number in row)
        for name, row in zip(arrays.channels, numbers, strict=True)
    }


def ring_energies(
    values: NDArray[np.floating], latitude: NDArray[np.floating], longitude: NDArray[np.floating]
) -> NDArray[np.float64] | None:
    """Return energies of fields ``(time, field, latitude, longitude)`` in rings, ``(field, ring)``; None without a window."""
    spectra = ring_spectra(values, latitude, longitude)
    if spectra is None:
        return None
    power = np.mean(spectra, axis=0)
    return np.asarray(power * (np.arange(power.shape[-1]) + 0.5))


def keep_sharpness(dataset: xr.Dataset, factor: int = 4, *, of: xr.Dataset | None = None) -> None:
    """Keep the sharpness of fine fields in the attributes of their variables, measured unless it is there.

    :func:`~atmodist_core.coarsen` hands it on; without it, it measures the very fields that it averages. ``of`` are fields of the
    same archive to measure instead, such as those of other times than the ones that are evaluated.
    """
    name = attribute_name(factor)
    wanted = [key for key in DEFAULT_FIELDS if key in dataset]
    if wanted and not all(name in dataset[key].attrs for key in wanted):
        for key, numbers in sharpness((dataset if of is None else of)[wanted], factor).items():
            dataset[key].attrs[name] = list(numbers)


def hand_on_sharpness(fine: xr.Dataset, coarse: xr.Dataset, factor: int) -> None:
    """Give coarse fields the sharpness of those they were made of: as stated, or measured, of lazy fields at one time."""
    stated = {key: fine[key].attrs.get(attribute_name(factor)) for key in DEFAULT_FIELDS if key in coarse}
    missing = [key for key, numbers in stated.items() if numbers is None]
    plain = all(set(fine[key].dims) <= {"time", "latitude", "longitude"} for key in missing)
    if factor > 1 and missing and plain:
        lazy = any(fine[key].chunks for key in missing)
        # Means can also be taken of fields in another order of rows, which have no windows here.
        with contextlib.suppress(UserError):
            stated |= sharpness(fine[missing], factor, times=1 if lazy else None)
    for key in coarse.data_vars:
        attributes = {name: v for name, v in coarse[key].attrs.items() if not str(name).startswith(_PREFIX)}
        numbers = stated.get(str(key))
        if numbers is not None:
            attributes[attribute_name(factor, of_source=True)] = [float(v) for v in np.ravel(numbers)]
        coarse[key].attrs = attributes


def sharpness_of_source(
    coarse: xr.Dataset, channels: Sequence[str], factor: int
) -> dict[str, tuple[float, ...]] | None:
    """Return the sharpness of the fine fields that coarse ones state; None unless all channels do, in the right form."""
    found = {}
    for channel in channels:
        given = np.atleast_1d(
            np.asarray(coarse[channel].attrs.get(attribute_name(factor, of_source=True), []))
        )
        if given.shape != (BANDS,) or given.dtype.kind not in "if" or not np.isfinite(given).all():
            return None
        found[channel] = tuple(map(float, given))
    return found


def wanted_sharpness(
    coarse: xr.Dataset,
    channels: Sequence[str],
    factor: int,
    usual: Mapping[str, Sequence[float]],
    like: xr.Dataset | None = None,
) -> tuple[NDArray[np.float32], str]:
    """Return the numbers of all channels that a network is told, ``(2 * channel,)``, and a phrase that says what and why.

    They are those of fields to be like, else those that coarse fields state, else the usual ones. A UserError says when fields to be
    like do not tell.
    """
    stated: Mapping[str, Sequence[float]] | None = sharpness_of_source(coarse, channels, factor)
    of = "the fields that the coarse ones were made of" if stated else "the training data, as none is stated"
    if like is not None:
        stated, of = sharpness(like, factor), "the fields that they are to be like"
        if not set(channels) <= set(stated):
            raise UserError(
                f"Expected {' and '.join(channels)} at 16 x 16 points or more in the fields after like, found too few; give fine fields"
                " of a larger area, or leave it out."
            )
    numbers = np.array([(stated or usual)[name] for name in channels], dtype=np.float32)
    pairs = ", ".join(
        f"{name} {low:.2f} and {high:.2f}" for name, (low, high) in zip(channels, numbers, strict=True)
    )
    return (
        numbers.ravel(),
        f"how sharp its fields should be (logarithms of the strength of two bands of scales: {pairs}): as {of}.",
    )
