"""Refuse numbers that no setting can mean, for every command in one place."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from atmodist_core.common.errors import UserError

_LARGEST = 1e9
_LARGEST_SEED = 2**63 - 1


def check_settings_values(settings: Any) -> None:
    """Refuse NaN, infinity, huge numbers and empty texts anywhere in a (nested) dataclass, naming the flag."""
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        if value != entry.default:
            _check(entry.name, value)


def _check(name: str, value: Any) -> None:
    flag = f"--{name.replace('_', '-')}"
    if dataclasses.is_dataclass(value):
        check_settings_values(value)
    elif isinstance(value, (tuple, list)):
        for item in value:
            _check(name, item)
    elif isinstance(value, str) and not value.strip():
        raise UserError(f"Expected a value for {flag}, found an empty text; give one or leave {flag} out.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"Expected a finite number for {flag}, found {value}; give an ordinary number.")
    elif name.endswith("seed") and isinstance(value, int):
        if not 0 <= value <= _LARGEST_SEED:
            raise UserError(
                f"Expected {flag} from 0 to {_LARGEST_SEED}, found {value}; choose a smaller one."
            )
    elif isinstance(value, (int, float)) and abs(value) > _LARGEST:
        raise UserError(
            f"Expected a number of at most {_LARGEST:g} for {flag}, found {value:g}; check its zeros."
        )
