"""The numbers of the view Features: what excites a filter, where it is active, and the sensitivity of the distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.evaluation.diagnostics.distance_sensitivity import mean_gain
from atmodist_core.evaluation.geometry import is_global_grid
from atmodist_core.features.strongest import COUNT
from atmodist_core.figures.numbers.compute import Study
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.models.card import ModelCard

MOST_TIMES = 24
"""Times that are searched for strongest patches, evenly spaced over the record, so that it takes seconds."""

STAGE = "stage2"
"""Stage shown by default: patches small enough to recognise a single system in."""


def network_of(cards: Sequence[ModelCard], spacing_deg: float, asked: str = "") -> str:
    """Return the distance network that was asked for or, where it is not there, that of the most similar grid; empty for none."""
    known = [card for card in cards if card.kind == "distance"]
    names = [card.name for card in known]
    if asked in names:
        return asked
    # The usual network first, so that it wins a tie.
    known.sort(key=lambda card: card.name != "atmodist-23")

    def departure(card: ModelCard) -> float:
        own = card.grid_spacing_deg
        return abs(float(np.log(own / spacing_deg))) if own else np.inf

    return min(known, key=departure).name if known else ""


def filter_tables(
    distance: Any, fields: xr.Dataset, places: xr.Dataset, number: int
) -> dict[str, xr.Dataset]:
    """Return the strongest patches of one filter and what in them excites it: tables ``patches`` and ``changes`` over ``rank``.

    Parameters
    ----------
    distance : AtmoDist
        The network.
    fields : xarray.Dataset
        Canonical, in which the places were found.
    places : xarray.Dataset
        As from :func:`atmodist_core.features.strongest_places`.
    number : int
        Of the filter.

    Raises
    ------
    UserError
        If the filter does not exist or is silent.
    """
    if not 0 <= number < places.sizes["filter"]:
        raise UserError(
            f"Expected a filter from 0 to {places.sizes['filter'] - 1}, found {number}; choose one of these."
        )
    one = places.isel(filter=[number])
    if not np.isfinite(one["activation"].values).any():
        raise UserError(f"Filter {number} is silent at all times that were searched; choose another.")
    patches = ad.features.patches_at(distance, fields, one).isel(filter=0)
    return {"patches": patches, "changes": ad.features.exciting_change(distance, fields, one).isel(filter=0)}


def map_table(field: xr.DataArray, activation: xr.DataArray) -> dict[str, xr.Dataset]:
    """Return the field shown over latitude and longitude, and the activation of a filter over its own."""
    return {"map": field.to_dataset(), "activation": activation.rename("activation").to_dataset()}


def sensitivity_table(found: Mapping[str, xr.Dataset], layer: str) -> xr.Dataset:
    """Return gain and share of the response over ``(distance, band)``, of one stage; and the share of the squared error.

    ``found`` are results of :func:`atmodist_core.features.sensitivity` per wavenumber, by name. ``half_wavenumber`` over ``distance`` is the total
    wavenumber up to which half of the response lies.
    """
    means = [mean_gain(one).sel(layer=layer).drop_vars("layer") for one in found.values()]
    names = ("gain", "share", "half_wavenumber", "error_share", "error_half_wavenumber")
    joined = xr.concat([one[list(names)] for one in means], "distance", coords="minimal", compat="override")
    for name in names[3:]:
        joined[name] = joined[name].isel(distance=0)
    return joined.assign_coords(distance=list(found)).assign_attrs(layer=layer)


def features(study: Study) -> Numbers:
    """Strongest patches of a filter, what excites it, its activation at the time, and the sensitivity of the distance."""
    request, others = study.request, dict(study.request.others or {})
    field = request.field if request.field != "wind_speed" else "vorticity"
    latitude = study.ds["latitude"].values
    spacing = float(abs(latitude[-1] - latitude[0]) / max(latitude.size - 1, 1))
    name = network_of(list(study.cards.values()), spacing, others.get("network", ""))
    if not name:
        raise UserError("Expected a distance network, found none; train one with 'atmodist distance'.")
    distance = ad.load_distance(name)
    layer, number = others.get("stage", STAGE), int(others.get("filter", "0") or 0)
    layer = layer if layer in distance.layers else distance.layers[-1]
    searched = study.ds.isel(time=evenly_spaced(len(study.times), MOST_TIMES))
    study.tell(f"{len(searched['time'])} times")
    places = ad.features.strongest_places(distance, searched, layer=layer, count=COUNT)
    tables = filter_tables(distance, searched, places, number)
    truth, _, window = study.slice(study.time)
    activation = ad.features.activation_map(distance, truth, layer=layer).isel(
        time=0, filter=number, drop=True
    )
    shown = window.refined(study.factor).crop(truth)[field].isel(time=0, drop=True)
    tables |= map_table(shown, activation)
    if is_global_grid(truth):
        with suppress(UserError):
            study.tell("sensitivity")
            control = ad.features.untrained(distance, searched.isel(time=[0]))
            found = {
                one_name: ad.features.sensitivity(one, truth)
                for one_name, one in ((name, distance), ("untrained", control))
            }
            tables["sensitivity"] = sensitivity_table(found, layer)
    tables = labelled(tables, field, number)
    caption = study.caption(
        study.dates.words(study.time), field, extra=features_words(tables), distance=distance
    )
    return Numbers("features", tables, caption)


def labelled(tables: Mapping[str, xr.Dataset], field: str, number: int) -> dict[str, xr.Dataset]:
    """Return the tables with the field and the number of the filter, which a figure needs."""
    return {name: table.assign_attrs(field=field, filter_number=number) for name, table in tables.items()}


def features_words(tables: Mapping[str, xr.Dataset]) -> str:
    """Return the sentence of a caption on the filter."""
    patches = tables["patches"]
    about = f"Filter {patches.attrs['filter_number']} of {patches.attrs['layer']} of {patches.attrs['model']}"
    return f"{about}; strongest patches of {MOST_TIMES} times or fewer, evenly spaced over the record."
