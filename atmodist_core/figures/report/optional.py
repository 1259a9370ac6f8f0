"""Packages that only reports need."""

from __future__ import annotations

import importlib
from typing import Any

from atmodist_core.common.errors import UserError


def needed(name: str) -> Any:
    """Import a package of the extra ``report``.

    Parameters
    ----------
    name : str
        Of the module.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"Expected the package {name.split('.')[0]}, which writes reports, found none; install it with "
            f"pip install 'atmodist-studio[report]'."
        ) from error
