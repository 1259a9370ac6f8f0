"""Distances between the times of a period, over the lag, and between methods: the numbers behind the view Distances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.structural_similarity import structural_similarity
from atmodist_core.evaluation.geometry import area_weights, common_validity, field_values
from atmodist_core.evaluation.lags.lag_curves import MAXIMUM_LAG_H, lag_curve, scaled_together
from atmodist_core.fields.canonical.shown_dates import shown_dates
from atmodist_core.fields.grid.patches import with_surroundings
from atmodist_core.fields.grid.regions import Region
from atmodist_core.fields.grid.validity import Mask, largest_valid_rectangle
from atmodist_core.figures.numbers.slices import along_time
from atmodist_core.inference.distance_matrix import activation_weights, mean_squared_differences

LEARNED = "AtmoDist"
"""Label of the learned distance in every result."""

DEFINITIONS = {
    "atmodist": "Mean squared difference of the distance network's activations for two states, times the scale of its model card. "
    "Of vorticity and divergence together; without a unit.",
    "rmse": "Root of the area mean of the squared difference of one field, point by point; in the units of the field.",
    "dissimilarity": "One minus the structural similarity (SSIM) of one field: 0 for equal fields; differences count relative to the range "
    "of the truth. Without a unit.",
}
"""What each distance between two states is."""

SATURATED_SHARE = 0.9
"""Share of its plateau at which a distance counts as saturated."""

POINTS_AT_ONCE = 2**22
"""Values of all times held in float64 together while a matrix is made."""

PAIRS_PER_LAG = 48
"""Pairs of times drawn for each lag of the curves, for a region of 160 x 160 points; larger regions get fewer."""


def root_mean_square_matrix(fields: xr.Dataset, field: str) -> NDArray[np.float64]:
    """Return root mean square differences of a field, weighted by area, of all pairs of times.

    They follow from scalar products: one matrix product in place of a loop over the pairs. The result of shape
    ``(time, time)`` is in the units of the field and symmetric with a diagonal of zeros.
    """
    valid = common_validity(fields, fields=[field])
    values = field_values(fields, field, dtype=np.float32, valid=valid).reshape(fields.sizes["time"], -1)
    root = np.sqrt(area_weights(fields, valid).reshape(-1))
    step = max(1, POINTS_AT_ONCE // len(values))
    squares = np.zeros((len(values), len(values)))
    for start in range(0, values.shape[1], step):
        part = values[:, start : start + step].astype(np.float64)
        # About the mean over time, so that subtracting large squares loses nothing that counts.
        part = (part - part.mean(axis=0)) * root[start : start + step]
        squares += part @ part.T
    norms = np.diag(squares)
    matrix = np.sqrt(np.maximum(norms[:, None] + norms[None, :] - 2 * squares, 0.0))
    np.fill_diagonal(matrix, 0.0)
    return matrix


def field_shape(fields: xr.Dataset) -> tuple[int, int]:
    """Latitudes and longitudes."""
    return fields.sizes["latitude"], fields.sizes["longitude"]


def time_matrices(
    fields: xr.Dataset, field: str, embeddings: NDArray[np.float32] | None = None, *, scale: float = 1.0
) -> xr.Dataset:
    """Return the distances between all times.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical, of the region.
    field : str
        Field of the root mean square difference; AtmoDist is of vorticity and divergence together.
    embeddings : ndarray, shape (time, ...), optional
        Activations of every time; without them there is no AtmoDist.
    scale : float
        Scale of the layer, from the model card.

    Returns
    -------
    xarray.Dataset
        ``rmse`` [units of the field] and ``atmodist`` [1] over ``(time, other_time)``.
    """
    dimensions = ("time", "other_time")
    units = str(fields[field].attrs.get("units", "unknown"))
    long_name = f"root mean square difference of {field.replace('_', ' ')}"
    matrices: dict[str, Any] = {
        "rmse": (dimensions, root_mean_square_matrix(fields, field), {"units": units, "long_name": long_name})
    }
    if embeddings is not None:
        weights = _weights_of_activations(fields, embeddings, common_validity(fields, fields=[field]))
        embeddings = np.where(weights > 0, embeddings, np.float32(0))
        learned = mean_squared_differences(embeddings, embeddings, weights) * scale
        np.fill_diagonal(learned, 0.0)
        matrices["atmodist"] = (dimensions, learned, {"units": "1", "long_name": "AtmoDist distance"})
    times = fields["time"].values
    result = xr.Dataset(matrices, {"time": times, "other_time": ("other_time", times)}, {"field": field})
    return shown_dates(fields).put_on(result)


def _weights_of_activations(
    fields: xr.Dataset, embeddings: NDArray[np.float32], valid: Mask | None
) -> NDArray[np.float64]:
    """Share of the valid area that each activation stands for."""
    columns = fields.sizes["longitude"]
    return activation_weights(fields["latitude"].values, columns, embeddings.shape[-2:], valid)


class _KnownMatrix:
    """A distance whose matrix is there already, in the form that :func:`lag_curve` asks for."""

    def __init__(self, matrix: xr.DataArray) -> None:
        self._matrix = matrix

    def matrix(self, _fields: xr.Dataset) -> xr.DataArray:
        """Distances between all times."""
        return self._matrix


def lag_curves(fields: xr.Dataset, matrices: xr.Dataset, *, seed: int = 0) -> xr.Dataset:
    """Return AtmoDist, l1, l2 and 1-SSIM over the lag, on the scale of the first.

    Every field (vorticity and divergence of the region) is divided by its standard deviation; ``matrices`` come from
    :func:`time_matrices` of the same times, and ``seed`` fixes the draw of pairs. The result is that of
    :func:`~atmodist_core.evaluation.lags.lag_curves.scaled_together` with ``saturation`` [h] over ``measure``.
    """
    measures: dict[str, Any] = {"l2": "l2", "l1": "l1"}
    if "atmodist" in matrices:
        measures = {LEARNED: _KnownMatrix(matrices["atmodist"]), **measures}
    rows, columns = field_shape(fields)
    if min(rows, columns) > 10:  # the window of the structural similarity
        measures["1-SSIM"] = "1-ssim"
    pairs = int(np.clip(PAIRS_PER_LAG * 160 * 160 / (rows * columns), 6, PAIRS_PER_LAG))
    both = fields[["vorticity", "divergence"]]
    curves = lag_curve(both, measures, maximum_lag_h=MAXIMUM_LAG_H, pairs_per_lag=pairs, seed=seed)
    curves = scaled_together(curves, next(iter(measures)))
    curves["saturation"] = saturation(curves)
    return curves.assign_attrs(pairs_per_lag=pairs, seed=seed)


def saturation(curves: xr.Dataset) -> xr.DataArray:
    """First lag [h] at which a curve reaches 90 per cent of its mean over the last quarter of lags; over ``measure``."""
    mean = curves["mean"].transpose("measure", "lag").values
    plateau = mean[:, -max(1, mean.shape[1] // 4) :].mean(axis=1)
    first = np.argmax(mean >= SATURATED_SHARE * plateau[:, None], axis=1)
    return xr.DataArray(
        curves["lag"].values[first],
        dims="measure",
        coords={"measure": curves["measure"]},
        attrs={"units": "h", "long_name": "lag at which 90 % of the plateau is reached"},
    )


def method_distances(states: Mapping[str, xr.Dataset], field: str, distance: Any = None) -> xr.Dataset:
    """Return the distances between the states of several models at one time, the truth among them.

    Parameters
    ----------
    states : mapping of str to xarray.Dataset
        Model to its fields at one time, all on the same points; with ``"truth"``.
    field : str
        Field of RMSE and structural similarity.
    distance : AtmoDist, optional
        Adds the learned distance, of vorticity and divergence together.

    Returns
    -------
    xarray.Dataset
        ``rmse`` [units of the field], ``dissimilarity`` (one minus structural similarity within the range of the
        truth) and ``atmodist`` over ``(model, other_model)``.

    Raises
    ------
    UserError
        If the truth is missing.
    """
    if "truth" not in states:
        raise UserError(f"Expected the truth among the fields to compare, found {', '.join(states)}; add it.")
    names = list(states)
    valid = common_validity(*states.values(), fields=[field])
    values = {name: field_values(ds, field, valid=valid)[0] for name, ds in states.items()}
    weights = area_weights(states["truth"], valid)
    window = largest_valid_rectangle(weights > 0)
    value_range = float(np.ptp(values["truth"][weights > 0]))
    large = min(values["truth"][window].shape) > 10
    rmse = np.zeros((len(names), len(names)))
    dissimilarity = np.zeros_like(rmse) if large else np.full_like(rmse, np.nan)
    for i, a in enumerate(names):
        for j, b in enumerate(names[:i]):
            difference = values[a] - values[b]
            rmse[i, j] = rmse[j, i] = np.sqrt((weights * difference**2).sum())
            if large:
                alike = float(
                    structural_similarity(values[a][window], values[b][window], value_range=value_range)
                )
                dissimilarity[i, j] = dissimilarity[j, i] = 1 - alike
    dimensions = ("model", "other_model")
    units = str(states["truth"][field].attrs.get("units", "unknown"))
    tables: dict[str, Any] = {
        "rmse": (dimensions, rmse, {"units": units, "long_name": f"root mean square difference of {field}"}),
        "dissimilarity": (dimensions, dissimilarity, {"units": "1", "long_name": "1 - SSIM"}),
    }
    if distance is not None:
        both = ["vorticity", "divergence"]
        encoded = np.concatenate([distance.embed(ds[both]).values for ds in states.values()])
        of_area = _weights_of_activations(states["truth"], encoded, valid)
        encoded = np.where(of_area > 0, encoded, np.float32(0))
        learned = mean_squared_differences(encoded, encoded, of_area) * distance.card.distance_scale.get(
            distance.layers[-1], 1.0
        )
        np.fill_diagonal(learned, 0.0)
        tables["atmodist"] = (dimensions, learned, {"units": "1", "long_name": "AtmoDist distance"})
    return xr.Dataset(tables, {"model": names, "other_model": ("other_model", names)}, {"field": field})


def predicted_lags(
    distance: Any,
    fields: xr.Dataset,
    region: Region | None,
    all_fields: Callable[[], Iterable[xr.Dataset]],
    **options: Any,
) -> xr.Dataset:
    """Return the confusion matrix of predicted lags in a region, with its real surroundings where it is smaller than a patch.

    Parameters
    ----------
    distance : AtmoDist
    fields : xarray.Dataset
        Of the region, at several times.
    region : Region or None
        None is all of the data, which have no surroundings.
    all_fields : Callable
        Called for small regions only: the fields of all of the data at each of these times.
    **options
        Of :func:`~atmodist_core.evaluation.lags.lag_confusion.lag_confusion`.

    Returns
    -------
    xarray.Dataset
        As from ``lag_confusion``; attribute ``covers_surroundings`` is 1 where patches reach beyond the region.

    Raises
    ------
    UserError
        If the data are smaller than a patch, or no two times lie a known lag apart.
    """
    from atmodist_core.evaluation.lags.lag_confusion import lag_confusion

    size = distance.inference.network.classifier.config.patch_size
    is_small = region is not None and min(fields.sizes["latitude"], fields.sizes["longitude"]) < size
    if region is not None and is_small:
        both = ["vorticity", "divergence"]
        fields = along_time(with_surroundings(part[both], region, size) for part in all_fields())
    return lag_confusion(distance, fields, **options).assign_attrs(covers_surroundings=int(is_small))


def area_words(confusion: xr.Dataset) -> str:
    """Return how many patches were used and which area they cover."""
    patches = int(confusion.attrs["patches"])
    surroundings = " (the region and its surroundings)" if confusion.attrs["covers_surroundings"] else ""
    return f"{patches} patch{'es' if patches != 1 else ''} covering {confusion.attrs['area']}{surroundings}"
