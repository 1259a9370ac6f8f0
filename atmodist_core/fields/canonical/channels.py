"""Channels: a field at a level, written ``temperature@850``, and what is known of each field.

A channel's name is the name of its variable in a dataset, of its entry in a model card and of its flag in a command.
Without a level, as in ``vorticity``, it is the field at the level that the dataset has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.names import ALL_QUANTITIES

FIELD_ATTRS: dict[str, dict[str, str]] = {
    "vorticity": {
        "units": "s-1", "standard_name": "atmosphere_relative_vorticity", "long_name": "relative vorticity",
    },
    "divergence": {"units": "s-1", "standard_name": "divergence_of_wind", "long_name": "divergence of wind"},
    "u": {"units": "m s-1", "standard_name": "eastward_wind", "long_name": "eastward wind"},
    "v": {"units": "m s-1", "standard_name": "northward_wind", "long_name": "northward wind"},
    "u10": {"units": "m s-1", "standard_name": "eastward_wind", "long_name": "eastward wind at 10 m"},
    "v10": {"units": "m s-1", "standard_name": "northward_wind", "long_name": "northward wind at 10 m"},
    "u100": {"units": "m s-1", "standard_name": "eastward_wind", "long_name": "eastward wind at 100 m"},
    "v100": {"units": "m s-1", "standard_name": "northward_wind", "long_name": "northward wind at 100 m"},
    "temperature": {"units": "K", "standard_name": "air_temperature", "long_name": "temperature"},
    "geopotential": {"units": "m2 s-2", "standard_name": "geopotential", "long_name": "geopotential"},
    "specific_humidity": {
        "units": "kg kg-1", "standard_name": "specific_humidity", "long_name": "specific humidity",
    },
    "relative_humidity": {"units": "%", "standard_name": "relative_humidity", "long_name": "relative humidity"},
    "vertical_velocity": {
        "units": "Pa s-1", "standard_name": "lagrangian_tendency_of_air_pressure",
        "long_name": "vertical velocity (pressure)",
    },
}  # fmt: skip
"""CF attributes of every field this package names."""

DEFAULT_FIELDS = ("vorticity", "divergence")
"""What `open_fields` returns where no fields are asked for, in its order."""

_STANDARDIZED = frozenset(FIELD_ATTRS) - {"vorticity", "divergence", "vertical_velocity"}
_OWN_RANGE = frozenset({"temperature", "geopotential", "specific_humidity", "relative_humidity"})
_NORTHWARD = frozenset({"v", "v10", "v100"})


@dataclass(frozen=True)
class Channel:
    """A field, by its name in this package or in the file, and the level that was asked for as text (None: any)."""

    field: str
    level: str | None = None

    @classmethod
    def of(cls, text: str) -> Channel:
        """Read ``temperature@850``; the field may be written by any of its names.

        Examples
        --------
        >>> Channel.of("t@850")
        Channel(field='temperature', level='850')
        >>> Channel.of("vorticity")
        Channel(field='vorticity', level=None)
        """
        name, mark, level = (part.strip() for part in str(text).partition("@"))
        if not name or (mark and not level):
            raise UserError(
                f"Expected a field and perhaps its level, such as 'temperature@850' or 'vorticity', found {text!r}."
            )
        for quantity in ALL_QUANTITIES.values():
            if name.lower() in quantity.aliases:
                return cls(quantity.name, level or None)
        return cls(name, level or None)

    @property
    def name(self) -> str:
        """Name of the channel: the field, and the number of the level.

        Examples
        --------
        >>> Channel("temperature", "850 hPa").name
        'temperature@850'
        """
        if self.level is None:
            return self.field
        number = re.search(r"\d*\.?\d+(?:e[-+]?\d+)?", self.level)
        return f"{self.field}@{float(number[0]):g}" if number else f"{self.field}@{self.level}"


def channel_names(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the names of channels that may be written in any way.

    Examples
    --------
    >>> channel_names(("t@850", "vo@500hPa", "divergence"))
    ('temperature@850', 'vorticity@500', 'divergence')
    """
    return tuple(Channel.of(text).name for text in fields)


def channels_of(fields: Sequence[str]) -> tuple[Channel, ...]:
    """Read a list of channels; none, or one twice, is a UserError."""
    if isinstance(fields, str):
        fields = (fields,)
    channels = tuple(Channel.of(text) for text in fields)
    if not channels:
        raise UserError("Expected at least one field such as 'temperature@850', found none; name one.")
    for number, channel in enumerate(channels):
        if channel.name in [other.name for other in channels[:number]]:
            raise UserError(f"Expected each field once, found {fields[number]!r} twice; leave one out.")
    return channels


def field_of(channel: str) -> str:
    """Return the field of a channel's name.

    Examples
    --------
    >>> field_of("temperature@850"), field_of("vorticity")
    ('temperature', 'vorticity')
    """
    return channel.partition("@")[0]


def is_further(field: str) -> bool:
    """Return whether a field is read from the data as it is: not vorticity, divergence or the wind speed, which follows from them.

    Examples
    --------
    >>> is_further("temperature"), is_further("wind_speed")
    (True, False)
    """
    return field in FIELD_ATTRS and field not in DEFAULT_FIELDS


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


def makes(channels: Sequence[str], field: str, level: str) -> bool:
    """Return whether a model makes a field; an interpolation, which has no channels, makes any.

    Examples
    --------
    >>> makes((), "temperature", ""), makes(("vorticity", "divergence"), "temperature", "")
    (True, False)
    """
    if not channels or not is_further(field):
        return True
    try:
        return bool(channel_made(channels, field, level))
    except UserError:
        return False


def is_standardized(channel: str) -> bool:
    """Return whether a field is normalised by its mean and standard deviation alone.

    Derivatives of the wind have heavy tails about zero, so their signed logarithm is taken, as that of fields with
    names that this package does not know.

    Examples
    --------
    >>> [is_standardized(name) for name in ("temperature@850", "u@500", "vorticity@500")]
    [True, True, False]
    """
    return field_of(channel) in _STANDARDIZED


def has_own_range(channel: str) -> bool:
    """Return whether the values of a field lie far from zero or have an upper bound, so that a colour scale covers their range alone.

    Examples
    --------
    >>> [has_own_range(name) for name in ("temperature@850", "geopotential", "u@500", "vorticity")]
    [True, True, False, False]
    """
    return field_of(channel) in _OWN_RANGE


def is_pseudo_scalar(channel: str) -> bool:
    """Return whether a field changes sign in a north-south mirror: vorticity and the northward wind, at any level.

    Examples
    --------
    >>> [is_pseudo_scalar(name) for name in ("vorticity@500", "v@850", "u@850", "temperature@850")]
    [True, True, False, False]
    """
    field = field_of(channel)
    return "vorticity" in field or field in _NORTHWARD
