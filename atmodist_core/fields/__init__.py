"""Fields: any wind, vorticity or divergence a user has, as one canonical dataset.

The canonical dataset holds float32 ``vorticity`` and ``divergence`` [s-1] with dimensions (time, latitude,
longitude): latitude strictly decreasing, longitude strictly increasing in [0, 360) (a region that crosses
Greenwich is continued below zero), time sorted and unique. Its attributes say where it came from: ``source``,
``level``, ``derived_from``, ``grid``, and ``notes``, a sentence a line.

Names are imported on first use, so that opening a netCDF file does not import what only GRIB needs.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "open_fields": "atmodist_core.fields.open.open_fields",
    "open_demo": "atmodist_core.fields.demo",
    "vorticity_divergence": "atmodist_core.fields.derive",
    "wind": "atmodist_core.fields.derive",
    "coarsen": "atmodist_core.fields.coarsening",
    "ecmwf_to_coefficients": "atmodist_core.fields.open.ecmwf_coefficients",
    "coefficients_to_ecmwf": "atmodist_core.fields.open.ecmwf_coefficients",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'atmodist_core.fields' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
