"""The choices of the view Cities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import atmodist_core as ad

BOXES = {"1": "1 × 1", "2": "2 × 2", "3": "3 × 3"}
MARKINGS = {"verdict": "Which is closer", "wasserstein": "Wasserstein-1"}
REACHES = {"auto": "Automatic", "all": "All 150 cities", "selected": "Selected cities"}
FIRST_CITY = "Seattle"
SAMPLES = {12: "12 times", 24: "24 times", 60: "60 times", 120: "120 times", 100_000: "Every time"}
"""Number of times of the period that are computed, for values that are not stored."""

CANDIDATE, BASELINE = "srgan-4x-atmodist", "srgan-4x-mse"


@lru_cache(maxsize=1)
def city_names() -> tuple[str, ...]:
    """Return the names of the 150 cities; empty where their file is missing."""
    try:
        return tuple(ad.cities()["name"])
    except ad.UserError:
        return ()


def fit_cities(
    cities: Sequence[str], candidate: str, baseline: str, methods: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """Return new values for cities that do not exist and default methods that were not found, with sentences for the user."""
    values: dict[str, Any] = {}
    notes = []
    known = city_names()
    unknown = [name for name in cities if name not in known] if known else []
    if unknown:
        values["cities"] = [name for name in cities if name in known]
        notes.append(f"The city '{unknown[0][:60]}' is not among the 150 cities; it is left out.")
    # Stored results may hold methods that were not found here, so only the defaults are replaced, without a note.
    if len(methods) > 1:
        if candidate == CANDIDATE and candidate not in methods:
            values["candidate"] = methods[-1]
        if baseline == BASELINE and baseline not in methods:
            values["baseline"] = methods[0]
    return values, notes
