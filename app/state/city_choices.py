"""What can be chosen in the view Cities, and what of it the data and the models give."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import atmodist_core as ad

if TYPE_CHECKING:
    from app.state.state import StudioState

BOXES = {"1": "1 × 1", "2": "2 × 2", "3": "3 × 3"}
MARKINGS = {"verdict": "Which is closer", "wasserstein": "Wasserstein-1"}
REACHES = {"auto": "Automatic", "all": "All 150 cities", "selected": "Selected cities"}
FIRST_CITY = "Seattle"
SAMPLES = {12: "12 times", 24: "24 times", 60: "60 times", 120: "120 times", 100_000: "Every time"}
"""How many times of the period are computed, for values that are not stored."""

JUDGED, BASELINE = "srgan-4x-atmodist", "srgan-4x-mse"


@lru_cache(maxsize=1)
def city_names() -> tuple[str, ...]:
    """Names of the 150 cities; empty where their file is missing."""
    try:
        return tuple(ad.cities()["name"])
    except ad.UserError:
        return ()


def fit_cities(state: StudioState, methods: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Replace cities and methods that do not exist.

    Parameters
    ----------
    state : StudioState
        What was asked for.
    methods : collection of str
        Names of the methods found.

    Returns
    -------
    values : dict
        Parameters to set.
    told : list of str
        A sentence for each replacement that a user should know of.
    """
    values: dict[str, Any] = {}
    told = []
    known = city_names()
    if known:
        unknown = [name for name in state.cities if name not in known]
        if unknown:
            values["cities"] = [name for name in state.cities if name in known]
            told.append(f"The city '{unknown[0][:60]}' is not among the 150; it is left out.")
    # Stored results may hold methods that are not here, so only the order of preference decides, silently.
    present = list(methods)
    for name, default in (("judged", JUDGED), ("baseline", BASELINE)):
        if getattr(state, name) == default and default not in present and len(present) > 1:
            values[name] = present[-1] if name == "judged" else present[0]
    return values, told
