"""Import HoloViews when a plot is asked for, and not before."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from atmodist_core.common.errors import UserError

_INSTALL = "install them with: pip install 'atmodist-studio[plots]'"


@lru_cache(maxsize=1)
def holoviews() -> Any:
    """Return the module ``holoviews`` with its Bokeh backend loaded.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        hv = import_module("holoviews")
        import_module("holoviews.plotting.bokeh")
    except ImportError as error:
        raise UserError(
            f"Expected HoloViews and Bokeh for plots, found {_package(error)} missing; {_INSTALL}."
        ) from error
    # As hv.extension("bokeh") does, but without touching a notebook's output or another backend that is in use.
    if hv.Store.current_backend not in hv.Store.loaded_backends():
        hv.Store.set_current_backend("bokeh")
    return hv


def _package(error: ImportError) -> str:
    return str(error.name).partition(".")[0]


@lru_cache(maxsize=1)
def geoviews() -> tuple[Any, Any]:
    """Return the modules ``geoviews``, with its Bokeh backend loaded, and ``cartopy.crs``.

    Raises
    ------
    UserError
        If one of them is not installed.
    """
    holoviews()
    try:
        gv, crs = import_module("geoviews"), import_module("cartopy.crs")
        import_module("geoviews.plotting.bokeh")
    except ImportError as error:
        raise UserError(
            f"Expected GeoViews and cartopy for geographic maps, found {_package(error)} missing; {_INSTALL}."
        ) from error
    return gv, crs
