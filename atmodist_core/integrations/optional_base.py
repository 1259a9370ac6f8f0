"""Base classes of packages that need not be installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from atmodist_core.common.errors import UserError


def optional_base(module: str, name: str, how: str) -> Any:
    """Return a class of another package, or one that says on use how to install that package.

    Parameters
    ----------
    module, name : str
        Where the class is.
    how : str
        The end of the message: what to do.
    """
    try:
        return getattr(import_module(module), name)
    except ImportError:
        pass

    class Absent:
        def __init__(self, *_: Any, **__: Any) -> None:
            package = module.split(".")[0]
            raise UserError(f"This integration needs the package {package}, which is not installed; {how}.")

    return Absent
