"""Values of truth and methods at the cities at one time, cached for all sessions of a process."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import atmodist_core as ad
from app.compute.catalogue import Method
from app.compute.comparison import Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.state.choices import WHOLE
from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.figures.numbers.cities import city_values
from atmodist_core.figures.numbers.city_areas import area_around


def values_at_cities(
    engine: Engine,
    question: Question,
    methods: list[Method],
    cities: pd.DataFrame,
    control: Control,
    *,
    whole: bool,
) -> dict[str, NDArray[np.float32]]:
    """Return the values of truth and methods at rows of the table of cities at one time: by method, shape ``(city, field, point)``.

    Downscale the ``whole`` globe, or only the surroundings of each city: the same values, faster for few cities on a fine grid.
    """

    @cache
    def fields() -> tuple[xr.Dataset, xr.Dataset]:
        frame = engine.frame(replace(question, region=WHOLE, field="vorticity"), control)
        return frame.truth, frame.coarse

    def downscale(method: Method, region: ad.Region | None = None) -> xr.Dataset:
        # In float32, and not cached: a whole period of fields would displace those that the maps need.
        downscaler = engine.downscaler(method, "float32")
        with engine.slot(control), warnings.catch_warnings():
            # The maps report whether the data suit a model.
            warnings.simplefilter("ignore", AtmodistWarning)
            options = {"region": region, "progress": control.progress, "cancel": control.cancelled}
            if method.draw is None:
                return downscaler(fields()[1], **options)
            seed, members = method.draw.seed, method.draw.members
            drawn = (downscaler(fields()[1], seed=seed, first_member=one, **options) for one in members)
            return sum(drawn) / np.float32(len(members))

    def from_globe(method: Method) -> NDArray[np.float32]:
        return city_values(downscale(method), cities)

    def from_surroundings(method: Method, city: pd.DataFrame) -> NDArray[np.float32]:
        coarse = fields()[1]
        try:
            return city_values(downscale(method, area_around(coarse, city)), city)
        except ad.UserError:  # the city lies outside a limited area
            return city_values(coarse.isel(latitude=slice(0, 4), longitude=slice(0, 4)), city) * np.nan

    names = tuple(cities["name"])
    cached = engine.city_cache.get
    found = {"truth": cached(("truth", *question.slice_key, names), lambda: city_values(fields()[0], cities))}
    for method in methods:
        key = (method.name, method.stamp, *question.slice_key)
        if whole or method.family == "interpolation":
            found[method.name] = cached((*key, names), partial(from_globe, method))
            continue
        parts = [
            cached((*key, name), partial(from_surroundings, method, cities.iloc[[row]]))
            for row, name in enumerate(names)
        ]
        found[method.name] = np.concatenate(parts)
    control.check()
    return found
