"""Values of every method at the cities, one time after the other, kept for all sessions of a process."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import atmodist_core as ad
from app.compute.cache import SharedCache
from app.compute.catalogue import Method
from app.compute.comparison import Question
from app.state.choices import WHOLE
from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.figures.numbers.cities import city_values
from atmodist_core.figures.numbers.city_areas import area_around

if TYPE_CHECKING:
    from app.compute.engine import Control, Engine, Frame

CACHE_BYTES = 128_000_000
"""Of 17 kB for each method and time: more than a thousand times of six methods."""


class CityEngine:
    """Computes and keeps values at cities.

    Parameters
    ----------
    engine : Engine
        Reads the fields and runs the networks.
    share : float
        Of the cache's usual limit.
    """

    def __init__(self, engine: Engine, share: float) -> None:
        self._engine = engine
        self._values = SharedCache(share * CACHE_BYTES)

    def values(
        self,
        question: Question,
        methods: list[Method],
        cities: pd.DataFrame,
        control: Control,
        *,
        whole: bool,
    ) -> dict[str, NDArray[np.float32]]:
        """Values of the truth and of methods at one time.

        Parameters
        ----------
        question : Question
            Data set, level, time and factor.
        methods : list of Method
            What to compute beside the truth.
        cities : pandas.DataFrame
            Where.
        control : Control
            To stop it.
        whole : bool
            Compute whole globes, or only around each city: the same values, quicker for few cities on a fine grid.

        Returns
        -------
        dict
            By method, ``truth`` first: shape ``(city, field, point)``.
        """
        frame: Frame | None = None

        def read() -> Frame:
            nonlocal frame
            if frame is None:
                everywhere = replace(question, region=WHOLE, field="vorticity")
                frame = self._engine.frame(everywhere, control)
            return frame

        names = tuple(cities["name"])
        found = {
            "truth": self._values.get(
                ("truth", *question.slice_key, names), lambda: city_values(read().truth, cities)
            )
        }
        for method in methods:
            key = (method.name, method.stamp, *question.slice_key)
            if whole or method.family == "interpolation":
                everywhere = partial(self._everywhere, read, method, cities, control)
                found[method.name] = self._values.get((*key, names), everywhere)
                continue
            single = [
                self._values.get(
                    (*key, name), partial(self._around, read, method, cities.iloc[[row]], control)
                )
                for row, name in enumerate(names)
            ]
            found[method.name] = np.concatenate(single)
        control.check()
        return found

    def _downscale(
        self, coarse: xr.Dataset, method: Method, control: Control, region: ad.Region | None = None
    ) -> xr.Dataset:
        """Fine fields in float32; not kept, for a whole period of them would drive out what the maps need."""
        downscaler = self._engine.downscaler(method, "float32")
        with self._engine.turn(control), warnings.catch_warnings():
            # Whether the data suit a model is said where its fields are shown.
            warnings.simplefilter("ignore", AtmodistWarning)
            return downscaler(coarse, region=region, progress=control.progress, cancel=control.cancelled)

    def _everywhere(
        self, read: Callable[[], Frame], method: Method, cities: pd.DataFrame, control: Control
    ) -> NDArray[np.float32]:
        """Values at cities from the fine fields of the whole globe."""
        return city_values(self._downscale(read().coarse, method, control), cities)

    def _around(
        self, read: Callable[[], Frame], method: Method, city: pd.DataFrame, control: Control
    ) -> NDArray[np.float32]:
        """Values at one city from the fine fields around it, which rest on all the surroundings that matter."""
        coarse = read().coarse
        region = area_around(coarse, city)
        try:
            fine = self._downscale(coarse, method, control, region)
        except ad.UserError:
            # A city beside a limited area: its cells are not there.
            return city_values(coarse.isel(latitude=slice(0, 4), longitude=slice(0, 4)), city) * np.nan
        return city_values(fine, city)
