"""How strongly a distance reacts to a change of one band of wavenumbers, or of one belt of latitudes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.common.progress import Cancel, Progress, ProgressWatch
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.patches import TRAINED_LATITUDES_DEG
from atmodist_core.harmonics.global_transform import GlobalTransform
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.inference.distance_matrix import activation_weights

EDGES = (1, 4, 8, 16, 24, 32, 48, 64, 90, 128, 180)
"""First total wavenumber of each band, and the end of the last."""

BELTS = (-60.0, -45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0)
"""Middle of each belt [degrees_north]; evenly spaced."""

Response = Callable[[NDArray[np.float32], NDArray[np.float32]], dict[str, float]]


def sensitivity(
    distance: AtmoDist | Callable[[xr.Dataset, xr.Dataset], xr.DataArray],
    fields: xr.Dataset,
    *,
    by: Literal["wavenumber", "latitude"] = "wavenumber",
    bands: Sequence[float] | None = None,
    variables: Sequence[str] | None = None,
    amplitude: float = 0.1,
    latitude_limit: float = TRAINED_LATITUDES_DEG,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> xr.Dataset:
    r"""Return the distance between fields and the same fields changed in one band, beside the squared error of that change.

    The change has the field's own harmonics with random phases, times ``amplitude``: every wave is disturbed by the same
    fraction of its amplitude, whatever its length. For belts it is multiplied with :math:`\cos^2` of the latitude's
    distance from the middle, which is zero at the middle of the next belt.

    Parameters
    ----------
    distance : AtmoDist or callable
        The network, at all of its layers; or a function of two datasets that returns a distance over ``time``.
    fields : xarray.Dataset
        Canonical fields of the whole globe.
    by : {"wavenumber", "latitude"}
        What the bands are.
    bands : sequence of float, optional
        Edges of the bands in total wavenumbers, or evenly spaced middles of the belts [degrees_north].
    variables : sequence of str, optional
        Which fields to change; default: all of the network's.
    amplitude : float
        Of the change, relative to the field's.
    latitude_limit : float
        The distance is that of the points up to this latitude [degrees].
    seed : int
        Of the phases, which differ between times.
    progress, cancel : callable, optional
        As for ``AtmoDist.embed``.

    Returns
    -------
    xarray.Dataset
        ``response``, the distance over ``(time, band, layer)``; ``squared_error`` over ``(time, band)``: the mean over area and
        channels of the squared change divided by the channel's variance; and ``gain``: the share of the response in
        that of all bands, divided by the share of the squared error: 1 for a distance that weighs all bands as the
        squared error does. All dimensionless. ``band`` is the geometric middle of a band or the middle of a belt.

    Raises
    ------
    UserError
        For a limited area, missing values, or bands that the grid does not hold.
    """
    if by not in ("wavenumber", "latitude"):
        raise UserError(f"Expected by='wavenumber' or 'latitude', found {by!r}; choose one of these.")
    channels = distance.card.channels if isinstance(distance, AtmoDist) else ("vorticity", "divergence")
    arrays = FieldArrays.of(fields, channels, "the sensitivity")
    changed = [name in (variables or channels) for name in channels]
    transform = GlobalTransform(arrays.dataset)
    masks, middles, edges = _bands(by, bands, arrays.latitude, transform.truncation)
    inside = np.abs(arrays.latitude) <= latitude_limit
    name = distance.name if isinstance(distance, AtmoDist) else "the distance"
    watch = ProgressWatch(name, arrays.time_count * len(middles), progress, cancel)
    part = arrays.dataset.isel(latitude=inside)
    areas = cell_areas(arrays.latitude[inside])
    weights = np.broadcast_to(
        areas[:, None] / areas.sum() / arrays.longitude.size, (areas.size, arrays.longitude.size)
    )
    responses, errors = [], []
    for time in range(arrays.time_count):
        original = arrays.read(time)
        generator = np.random.default_rng((seed, time))
        changes = _changes(transform, original, masks, changed, generator, by) * np.float32(amplitude)
        respond = (
            _network_response(distance, part)
            if isinstance(distance, AtmoDist)
            else _given_response(distance, part, time)
        )
        kept = original[:, inside]
        variance = (weights * (kept - (weights * kept).sum((1, 2), keepdims=True)) ** 2).sum((1, 2))
        for change in changes[:, :, inside]:
            watch.before()
            responses.append(respond(kept, kept + change))
            errors.append(((weights * change.astype(np.float64) ** 2).sum((1, 2)) / variance).mean())
            watch.done()
    layers = list(responses[0])
    shape = arrays.time_count, len(middles)
    response = np.array([[each[layer] for layer in layers] for each in responses]).reshape(
        *shape, len(layers)
    )
    result = xr.Dataset(
        {
            "response": (("time", "band", "layer"), response, {"units": "1", "long_name": "distance"}),
            "squared_error": (("time", "band"), np.array(errors).reshape(shape), {"units": "1"}),
        },
        {
            "band": ("band", middles, {"units": "1" if by == "wavenumber" else "degrees_north"}),
            "first": ("band", edges[0]),
            "last": ("band", edges[1]),
            "layer": layers,
        },
        {"by": by, "amplitude": amplitude, "distance": name, "latitude_limit": latitude_limit},
    )
    if "time" in arrays.dataset.coords:
        result = result.assign_coords(time=arrays.dataset["time"])
    return result.assign(gain=gain(result["response"], result["squared_error"]))


def gain(response: xr.DataArray, squared_error: xr.DataArray) -> xr.DataArray:
    """Return the share of the response in that of all bands, divided by the share of the squared error."""
    found = response / response.sum("band") / (squared_error / squared_error.sum("band"))
    return found.assign_attrs(units="1", long_name="share of the response / share of the squared error")


def _bands(
    by: str, given: Sequence[float] | None, latitude: NDArray[np.float64], truncation: int
) -> tuple[NDArray[np.float64], list[float], tuple[list[float], list[float]]]:
    """Weights (band, degree) or (band, row) of the change, the middle of each band, and both ends."""
    if by == "wavenumber":
        edges = [int(edge) for edge in (given or EDGES) if edge <= truncation + 1]
        if len(edges) < 2 or edges[0] < 1 or any(a >= b for a, b in itertools.pairwise(edges)):
            raise UserError(
                f"Expected increasing edges of bands between 1 and {truncation + 1}, the wavenumbers of this grid, found "
                f"{', '.join(map(str, given or edges))}; choose others."
            )
        degrees = np.arange(truncation + 1)
        pairs = list(itertools.pairwise(edges))
        masks = np.stack([(degrees >= a) & (degrees < b) for a, b in pairs]).astype(np.float64)
        ends = [float(a) for a, _ in pairs], [float(b - 1) for _, b in pairs]
        return masks, [float(np.sqrt(a * (b - 1))) for a, b in pairs], ends
    middles = [float(middle) for middle in (given or BELTS)]
    steps = np.diff(middles)
    if len(middles) < 2 or not (steps > 0).all() or np.ptp(steps) > 1e-6:
        raise UserError(
            f"Expected evenly spaced middles of two or more belts, found {middles}; choose others."
        )
    step = steps[0]
    away = np.minimum(np.abs(latitude[None] - np.array(middles)[:, None]) / step, 1.0)
    return (
        np.cos(0.5 * np.pi * away) ** 2,
        middles,
        ([m - step for m in middles], [m + step for m in middles]),
    )


def _changes(
    transform: GlobalTransform,
    fields: NDArray[np.float32],
    masks: NDArray[np.float64],
    changed: list[bool],
    generator: np.random.Generator,
    by: str,
) -> NDArray[np.float32]:
    """The fields' own harmonics with random phases, in each band: (band, channel, rows, columns)."""
    coefficients = transform.analysis(fields)
    angle = generator.uniform(0, 2 * np.pi, coefficients.shape)
    phases = np.exp(1j * angle)
    phases[..., 0] = np.sign(np.cos(angle[..., 0]))  # the zonal mean is real
    phases *= np.array(changed)[:, None, None]
    noise = coefficients * torch.from_numpy(phases).to(coefficients.dtype)
    if by == "latitude":
        noise[:, 0] = 0  # the global mean
        return np.asarray(masks[:, None, :, None] * transform.synthesis(noise), dtype=np.float32)
    kept = torch.from_numpy(masks)[:, None, :, None].to(noise.real.dtype)
    return transform.synthesis(noise * kept).astype(np.float32)


def _network_response(distance: AtmoDist, part: xr.Dataset) -> Response:
    """Distances at all layers; the latest first field is encoded once."""
    latitude, longitude = (part[name].values.astype(np.float64) for name in ("latitude", "longitude"))
    boundaries = Boundaries.of(latitude, longitude)
    kept: list[dict[str, NDArray[np.float32]]] = []

    def respond(a: NDArray[np.float32], b: NDArray[np.float32]) -> dict[str, float]:
        if not kept:
            kept.append(distance.inference.activations_of(a, boundaries, distance.layers))
        found = {}
        for layer, other in distance.inference.activations_of(b, boundaries, distance.layers).items():
            weights = activation_weights(latitude, longitude.size, other.shape[1:])
            squares = np.square(kept[0][layer] - other, dtype=np.float64).mean(axis=0)
            found[layer] = float((squares * weights).sum()) * distance.card.distance_scale.get(layer, 1.0)
        return found

    return respond


def _given_response(distance: Callable[..., xr.DataArray], part: xr.Dataset, time: int) -> Response:
    def respond(a: NDArray[np.float32], b: NDArray[np.float32]) -> dict[str, float]:
        at = part.isel(time=[time])
        states = (
            at.assign({n: (at[n].dims, v[None], at[n].attrs) for n, v in zip(names, values, strict=True)})
            for values in (a, b)
        )
        return {"distance": float(distance(*states).squeeze())}

    names = ("vorticity", "divergence")
    return respond
