"""What every network configuration shares: plain values in, plain values out, and clear refusals."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, Self

from atmodist_core.common.errors import UserError

_LARGEST_COUNT = 8192
_LARGEST = {"blocks": 256, "blocks_per_stage": 64, "doublings": 10}
_MOST_ENTRIES = 16
"""Of a tuple: stages of an encoder, convolutions of a discriminator."""


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Base of the frozen configurations of the networks; a model card stores them as JSON.

    Every field of a subclass has a default, and the default's type is the type that :meth:`from_dict`
    accepts.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values that JSON can hold (tuples become lists)."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a configuration from plain values; fields left out take their defaults.

        An unknown name, or a value of another type than the default's, is a UserError.
        """
        if not isinstance(values, Mapping):
            raise UserError(
                f"Expected the values of {cls.__name__} as a mapping of names to values, found "
                f"{type(values).__name__}: write them as an object with named entries."
            )
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        unknown = [key for key in values if key not in defaults]
        if unknown:
            nearest = difflib.get_close_matches(str(unknown[0]), defaults, n=1)
            hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
            raise UserError(
                f"Expected for {cls.__name__} only the keys {', '.join(defaults)}, found the unknown key "
                f"{unknown[0]!r}{hint}: correct or remove it."
            )
        return cls(**{key: cls._converted(key, value, defaults[key]) for key, value in values.items()})

    @classmethod
    def _converted(cls, key: str, value: Any, default: Any) -> Any:
        if isinstance(default, tuple) and isinstance(value, list | tuple):
            return tuple(cls._converted(key, item, default[0]) for item in value)
        if isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        # bool is a subclass of int, so the exact type is compared.
        if type(value) is type(default):
            return value
        raise UserError(
            f"Expected for the key {key!r} of {cls.__name__} a value like {default!r}, found {value!r}: "
            "correct its type."
        )

    def _require_counts(self, *names: str, least: int = 1) -> None:
        """Refuse counts below ``least``, and those so large that building the network would never end."""
        for name in names:
            value, largest = getattr(self, name), _LARGEST.get(name, _LARGEST_COUNT)
            entries = value if isinstance(value, tuple) else (value,)
            if not 0 < len(entries) <= _MOST_ENTRIES or min(entries) < least or max(entries) > largest:
                raise UserError(
                    f"Expected {name} of {type(self).__name__} from {least} to {largest}, found {value}: correct it."
                )
