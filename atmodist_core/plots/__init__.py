"""Plots as objects: HoloViews elements for notebooks and for the page, from fields and from evaluation results.

Needs ``pip install 'atmodist-studio[plots]'``. HoloViews is imported when a plot is first asked for.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "maps": "atmodist_core.plots.maps",
    "field_maps": "atmodist_core.plots.maps",
    "LivePlot": "atmodist_core.plots.live",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'atmodist_core.plots' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
