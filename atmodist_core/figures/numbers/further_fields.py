"""Fields that some data hold besides vorticity and divergence, such as temperature: one time of them, and who makes them."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import FIELD_ATTRS, Channel, channel_names, field_of
from atmodist_core.fields.canonical.shown_dates import time_texts
from atmodist_core.figures.numbers.slices import read_slice


def field_words(field: str) -> str:
    """Return the name of a field in a sentence.

    Examples
    --------
    >>> field_words("u"), field_words("wind_speed")
    ('eastward wind', 'wind speed')
    """
    named = FIELD_ATTRS.get(field, {}).get("long_name", field.replace("_", " "))
    return "vorticity" if field == "vorticity" else named.partition(" (")[0].replace(" of wind", "")


def channel_made(channels: Sequence[str], field: str, level: str) -> str:
    """Return the channel in which a model makes a field at a level, or at whichever it is given.

    Raises ``UserError`` if it makes no such field.

    Examples
    --------
    >>> channel_made(("u@850", "temperature@850"), "temperature", "850 hPa")
    'temperature@850'
    """
    wanted = (Channel(field, level or None).name, field)
    for channel, name in zip(channels, channel_names(channels), strict=True):
        if name in wanted or (not level and field_of(name) == field):
            return channel
    *others, last = [field_words(name).replace("@", " at ") for name in channel_names(channels)]
    made = f"{', '.join(others)} and {last}" if others else last
    at = f" at {level}" if level and any(field_of(name) == field for name in channel_names(channels)) else ""
    raise UserError(f"This model makes {made}, not {field_words(field)}{at}.")


def read_further_slice(ds: xr.Dataset, time: str, factor: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Read truth and coarse fields of a dataset of further fields at a time, as text; raises ``UserError`` if they do not have it."""
    times = time_texts(ds)
    if time not in times:
        listed = " and ".join(field_words(str(name)) for name in ds.data_vars)
        raise UserError(
            f"Expected {listed} at {time}, found it from {times[0]} to {times[-1]}, without this time; choose another time."
        )
    return read_slice(ds, times.index(time), factor)


def on_grid_of(fields: xr.Dataset, reference: xr.Dataset) -> xr.Dataset:
    """Return fields that lie on the points of others; raises ``UserError`` if they do not.

    Winds that are differentiated lose their rows at the poles, so that fields opened together may lack rows that one alone has.
    """
    for axis in ("latitude", "longitude"):
        if not fields[axis].equals(reference[axis]):
            raise UserError(
                "Expected all fields of this model on one grid, found fewer rows or columns of some; choose an interpolation."
            )
    return fields
