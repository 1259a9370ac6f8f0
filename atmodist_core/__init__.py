"""AtmoDist Studio: a learned distance between atmospheric states, and downscaling trained and evaluated with it.

Everything a notebook needs is a name of this package::

    import atmodist_core as ad

    demo = ad.open_demo()
    coarse = ad.coarsen(demo.isel(time=[0]), factor=4)
    fine = ad.load_downscaler("srgan-4x-atmodist")(coarse)

Names are imported on first use, so that ``import atmodist_core`` stays fast.
"""

import sys
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "open_fields": "atmodist_core.fields",
    "open_demo": "atmodist_core.fields",
    "vorticity_divergence": "atmodist_core.fields",
    "wind": "atmodist_core.fields",
    "coarsen": "atmodist_core.fields",
    "Region": "atmodist_core.fields.grid.regions",
    "REGIONS": "atmodist_core.fields.grid.regions",
    "cities": "atmodist_core.fields.grid.geography",
    "coastlines": "atmodist_core.fields.grid.geography",
    "energy_spectrum": "atmodist_core.evaluation",
    "regional_spectrum": "atmodist_core.evaluation",
    "ModelCard": "atmodist_core.models.card",
    "list_models": "atmodist_core.models.card",
    "models_for": "atmodist_core.models.fit",
    "effective_truncation": "atmodist_core.fields.effective_truncation",
    "sharpness": "atmodist_core.fields.sharpness",
    "Downscaler": "atmodist_core.inference.downscaler",
    "load_downscaler": "atmodist_core.inference.downscaler",
    "GapFiller": "atmodist_core.inference.gaps.gap_filling",
    "load_gap_filler": "atmodist_core.inference.gaps.gap_filling",
    "fill_gaps": "atmodist_core.inference.gaps.gap_filling",
    "AtmoDist": "atmodist_core.inference.atmodist",
    "load_distance": "atmodist_core.inference.atmodist",
    "embed_record": "atmodist_core.inference.similar.embedded_record",
    "find_similar": "atmodist_core.inference.similar.find_similar",
    "UserError": "atmodist_core.common.errors",
    "Cancelled": "atmodist_core.common.errors",
}
_SUBMODULES = {
    "fields",
    "harmonics",
    "simulation",
    "networks",
    "features",
    "training",
    "evaluation",
    "figures",
    "plots",
    "integrations",
}

_ACCESSOR = "atmodist_core.plots.accessor"

__all__ = ["__version__", *_EXPORTS, *_SUBMODULES]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(_EXPORTS[name]), name)
        globals()[name] = value
        _register_accessor()
        return value
    if name in _SUBMODULES:
        return import_module(f"atmodist_core.{name}")
    raise AttributeError(f"module 'atmodist_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


def _register_accessor() -> None:
    """Give datasets ``dataset.atmodist`` once xarray is there, without importing it for those who do not use it."""
    if "xarray" in sys.modules:
        import_module(_ACCESSOR)


_register_accessor()
