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
    """The field on the globe.

    Attributes
    ----------
    values : numpy.ndarray
        In the unit of display, shape ``(latitude, longitude)``.
    latitude, longitude : numpy.ndarray
        Degrees.
    limit : float
        End of the colour scale that holds 99 per cent of the truth, in the unit of display.
    field, time, name, label : str
        Which field, when, of which method (or ``truth`` or ``coarse``), and its label.
    note : str
        How it was computed, or why it is not the one asked for.
    """

    values: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    limit: float
    field: str
    time: str
    name: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class CityResult:
    """Field on the globe, and statistics at the cities.

    Attributes
    ----------
    globe_field : GlobeField or None
    series : xarray.Dataset or None
        From :func:`atmodist_core.evaluation.results.city_file.city_series`; None before the first time is computed.
    distances : xarray.Dataset or None
        Wasserstein-1 distances of the series.
    done, wanted : int
        Number of times computed, and to be computed.
    basis : str
        Source of the numbers: stored or computed here, and in which precision.
    stored : bool
        Whether the series was read from a file.
    problems : Mapping
        By method: a sentence where it could not be computed.
    key : object
        What the series depends on; it is kept while only the field on the globe changes.
    subject : tuple of str
        Data set, level and requested file; a change of these discards the result.
    """

    globe_field: GlobeField | None = None
    series: xr.Dataset | None = None
    distances: Any = None
    done: int = 0
    wanted: int = 0
    basis: str = ""
    stored: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)
    key: Any = None
    subject: tuple[str, ...] = ()

    @property
    def methods(self) -> list[str]:
        """Names of the methods of the series without the truth, simplest first."""
        if self.series is None:
            return []
        names = [str(name) for name in self.series["model"].values if name != "truth"]
        return sorted(names, key=method_order)
