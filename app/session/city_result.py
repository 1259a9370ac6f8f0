"""What the view Cities shows, as far as it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from app.compute.catalogue import method_order


@dataclass(frozen=True)
class GlobeField:
    """The field on the globe."""

    values: np.ndarray  # in the unit of display, shape ``(latitude, longitude)``
    latitude: np.ndarray  # degrees
    longitude: np.ndarray
    limit: float  # end of the colour scale that holds 99 per cent of the truth, in the unit of display
    field: str  # which field, when, of which method (or ``truth`` or ``coarse``), and its label
    time: str
    name: str
    label: str
    note: str = ""  # how it was computed, or why it is not the one asked for
    date: str = ""  # the time for people


@dataclass(frozen=True)
class CityResult:
    """Field on the globe, and statistics at the cities."""

    globe_field: GlobeField | None = None
    # From :func:`atmodist_core.evaluation.results.city_file.city_series`; None before the first time is computed
    series: xr.Dataset | None = None
    distances: Any = None  # wasserstein-1 distances of the series
    done: int = 0  # number of times computed, and to be computed
    wanted: int = 0
    basis: str = ""  # source of the numbers: stored or computed here, and in which precision
    stored: bool = False  # whether the series was read from a file
    # By method: a sentence where it could not be computed
    problems: Mapping[str, str] = field(default_factory=dict)
    key: Any = None  # what the series depends on; it is kept while only the field on the globe changes
    subject: tuple[str, ...] = ()  # data set, level and requested file; a change of these discards the result

    @property
    def methods(self) -> list[str]:
        """Names of the methods of the series without the truth, simplest first."""
        if self.series is None:
            return []
        names = [str(name) for name in self.series["model"].values if name != "truth"]
        return sorted(names, key=method_order)
