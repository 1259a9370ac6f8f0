"""Optional packages of the report."""

from __future__ import annotations

import importlib
from typing import Any

from atmodist_core.common.errors import UserError


def needed(name: str) -> Any:
    """Import a module of a package that only reports need; a :class:`UserError` says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"Expected the package {name.split('.')[0]}, which reports need, found none; install it with "
            f"pip install 'atmodist-studio[report]'."
        ) from error
