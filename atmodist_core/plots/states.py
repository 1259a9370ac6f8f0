"""The fields that plots compare: the truth, its coarse version, and what models make of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError

TRUTH, COARSE = "truth", "coarse"

Models = Sequence[Any] | Mapping[str, Any]
"""Names or loaded downscalers, or a mapping of label to either."""


def compared_fields(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    field: str = "vorticity",
    time: Any = 0,
    region: Any = None,
    factor: int | None = None,
) -> dict[str, xr.DataArray]:
    """Return one field of one time by name, each over latitude and longitude; see :func:`compared_states`.

    The wind speed at a place follows from vorticity and divergence everywhere: it is made of the globe before a region is cut out.
    """
    if field != "wind_speed":
        states = compared_states(data, models, time=time, region=region, factor=factor)
        return {name: field_of(state, field) for name, state in states.items()}
    from atmodist_core.fields.grid.regions import as_region

    box = as_region(region)
    states = compared_states(data, models, time=time, factor=factor)
    speeds = {name: field_of(state, field) for name, state in states.items()}
    if box is None:
        return speeds
    return {name: box.select(speed.to_dataset(name=field))[field] for name, speed in speeds.items()}


def compared_states(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    time: Any = 0,
    region: Any = None,
    factor: int | None = None,
) -> dict[str, xr.Dataset]:
    """Return fields of one time by name: coarse input, models and truth, in this order.

    Parameters
    ----------
    data : xarray.Dataset or mapping of str to xarray.Dataset
        The truth, from which the coarse input is made; or fields that are known already, by name.
    models : sequence or mapping
        Downscalers by name or as objects, or label -> downscaler.
    time : int, str or numpy.datetime64
        Position on the time axis, or a time; the nearest one is taken.
    region : Region, str or None
        Part that is returned: a :class:`~atmodist_core.Region`, a name in ``ad.REGIONS``, or everything.
    factor : int, optional
        Of the coarse input; that of the models by default, else 4.

    Returns
    -------
    dict of str to xarray.Dataset
        Each with a time axis of length one.

    Raises
    ------
    UserError
        If there is no such time, region or model, or a model cannot be used on the data.
    """
    from atmodist_core.fields.grid.regions import as_region

    box = as_region(region)
    if isinstance(data, Mapping) and not isinstance(data, xr.Dataset):
        return {str(name): _cut(at_time(fields, time), box) for name, fields in data.items()}
    truth = at_time(data, time)
    states: dict[str, xr.Dataset] = {}
    downscalers = load_models(models)
    factors = {model.factor for model in downscalers.values()} | ({factor} if factor else set())
    if len(factors) > 1:
        raise UserError(
            f"Expected models of one factor, found factors {', '.join(map(str, sorted(factors)))}; plot them one by one."
        )
    if downscalers or factor:
        from atmodist_core.fields import coarsen

        coarse = coarsen(truth, factors.pop())
        states[COARSE] = _cut(coarse, box)
        for label, model in downscalers.items():
            states[label] = model(coarse, region=box)
    states[TRUTH] = _cut(truth, box)
    return states


def load_models(models: Models) -> dict[str, Any]:
    """Return downscalers by label, loaded where they are given by name."""
    from atmodist_core.inference.downscaler import load_downscaler

    pairs = models.items() if isinstance(models, Mapping) else [(None, model) for model in models]
    found: dict[str, Any] = {}
    for label, model in pairs:
        loaded = load_downscaler(model) if isinstance(model, str) else model
        found[str(label or getattr(loaded, "name", model))] = loaded
    return found


def at_time(fields: xr.Dataset, time: Any) -> xr.Dataset:
    """Return one time of a dataset, with the time axis kept.

    Raises
    ------
    UserError
        If the position is not on the axis or the time cannot be read.
    """
    if "time" not in fields.dims:
        return fields.expand_dims("time") if "time" in fields.coords else fields
    count = fields.sizes["time"]
    if isinstance(time, int | np.integer):
        if not -count <= time < count:
            raise UserError(
                f"Expected a position below {count} on the time axis, found {time}; choose another."
            )
        return fields.isel(time=[int(time)])
    try:
        wanted = np.datetime64(time)
    except ValueError as error:
        raise UserError(
            f"Expected a time such as 2001-01-05T12:00 or a position, found {time!r}; write it like that."
        ) from error
    return fields.isel(time=[int(np.abs(fields["time"].values - wanted).argmin())])


def _cut(fields: xr.Dataset, box: Any) -> xr.Dataset:
    return fields if box is None else box.select(fields)


def field_of(fields: xr.Dataset, name: str) -> xr.DataArray:
    """Return one field of one time over latitude and longitude; ``wind_speed`` is made where it is not stored.

    Raises
    ------
    UserError
        If there is no such field.
    """
    if name == "wind_speed" and name not in fields:
        from atmodist_core.evaluation import wind_speed

        fields = wind_speed(fields).to_dataset(name=name)
    if name not in fields:
        raise UserError(
            f"Expected a field among {', '.join(map(str, fields.data_vars))}, found {name!r}; choose one of these."
        )
    field = fields[name]
    if "time" in field.dims:
        field = field.isel(time=0)
    return field.transpose("latitude", "longitude")
