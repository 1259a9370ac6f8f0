"""Ensembles held against a true conditional distribution: simulations whose large scales follow one reference.

Nudged members and reference share their large scales; what they differ in is what the history of those scales, of all
variables at all levels, leaves open. A generator draws members from block means of one level at one time. See docs/conditional.md
for what a comparison of the two shows, and what not.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.spectra import SphericalPower, wavelength_km
from atmodist_core.evaluation.ensembles.calibration import (
    BELT_EDGES,
    belt_coordinates,
    belt_weights,
    rank_shares,
    spread_and_error_power,
)
from atmodist_core.evaluation.ensembles.kernels import ranks, spread_and_error
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.run.models import EvaluatedModel
from atmodist_core.evaluation.statistics.spectral_band import stated_truncation
from atmodist_core.harmonics.global_transform import GlobalTransform

NUDGED = "nudged simulations"
"""Label of the nudged members among the models."""

FIELDS = ("vorticity", "divergence")


def open_nudged(folder: str | Path, time: Any = None) -> tuple[xr.Dataset, int]:
    """Return reference (member 0) and nudged members over ``member``, lazily, and the last nudged degree.

    ``folder`` is that of ``train/simulate.py --nudge-from``; ``time`` selects times as in :func:`atmodist_core.open_fields`.
    Only times that all members have reached are returned. Raises ``UserError`` for another folder.
    """
    from atmodist_core.fields import open_fields

    places = [Path(folder) / "reference"]
    while (following := places[0].with_name(f"member-{len(places)}")).is_dir():
        places.append(following)
    try:
        degree = json.loads((places[0] / "zarr.json").read_text())["attributes"]["nudging"]["nudged_degree"]
    except (OSError, KeyError, ValueError):
        degree = None
    if degree is None or len(places) < 2:
        raise UserError(
            f"Expected nudged simulations in {folder}, found none; make them with train/simulate.py --nudge-from."
        )
    states = [open_fields(place, time=time) for place in places]
    return xr.concat(states, "member", join="inner", combine_attrs="drop_conflicts"), int(degree)


def conditional_statistics(
    states: xr.Dataset,
    models: Sequence[EvaluatedModel],
    *,
    degree: int,
    truths: int = 0,
    seed: int = 0,
    report: Callable[[str], None] = lambda what: None,
) -> xr.Dataset:
    """Return spread, error, power and ranks of nudged members and of models at every time.

    The nudged members are compared with the reference. A model draws members for the block means of every state, the reference
    and each nudged member, which is then its truth; results are means over the states.

    Parameters
    ----------
    states : xarray.Dataset
        Global fields of the reference, then of the nudged members, over ``member``, time, latitude and longitude.
    models : sequence of EvaluatedModel
        Of :func:`~atmodist_core.evaluation.run.models.load_models`; those without noise give one field each.
    degree : int
        Last nudged total wavenumber. The small scales lie above it, up to the truncation that the states tell; without one, to
        the last wavenumber of their grid.
    truths : int
        So many states, the reference first, are truths of the models; 0 for all. Fewer are quicker.
    seed : int
        Of the random ranks of ties.
    report : callable, optional
        Called with what is computed next.

    Returns
    -------
    xarray.Dataset
        Over ``model`` (the nudged simulations first), time and ``field``; mean squares in the units of the field, squared:

        - ``variance``, ``error``, ``power`` and ``truth_power`` per total wavenumber: unbiased variance of the members about
          their mean, squared error of that mean, power of members and of their truths;
        - ``belt_variance``, ``belt_error``, ``belt_truth_power``: the same of the small scales, in belts of latitude;
        - ``share`` of area over ``part`` (area, then belts) and ``rank``: members below the truth;
        - ``block_mean_share``: the share of the variance of nudged members that their block means see.

        Members per model are the coordinate ``members``. What does not exist is missing.

    Raises
    ------
    UserError
        If there are fewer than two nudged members, or states are not of the whole globe.
    """
    if states.sizes.get("member", 0) < 3:
        raise UserError("Expected two or more nudged members, found fewer; simulate with --nudged-members 8.")
    names = [name for name in FIELDS if name in states]
    template = states[names].isel(member=0, time=[0])
    measure = _Measures(template, degree, np.random.default_rng(seed))
    factor = models[0].downscaler.factor if models else 4
    moments = []
    for number in range(states.sizes["time"]):
        some = states[names].isel(time=[number]).load()
        report(f"time {number + 1} of {states.sizes['time']}: {NUDGED}")
        members = _arrays(some)
        found = [{**measure(members[1:], members[0]), "block_mean_share": _block_mean_share(some, factor)}]
        for model in models:
            report(f"time {number + 1} of {states.sizes['time']}: {model.label}")
            found.append(
                _mean([measure(*pair) for pair in _pairs(model, some.isel(member=slice(truths or None)))])
            )
        moments.append(found)
    counts = [states.sizes["member"] - 1, *(max(model.members, 1) for model in models)]
    return _labelled(moments, counts, [NUDGED, *(model.label for model in models)], states, measure, degree)


def small_scale_differences(states: xr.Dataset, *, degree: int) -> xr.DataArray:
    """Return how far the small scales of every two states are apart at every time.

    While members forget how they started, pairs that started too close move apart, and pairs that started too far apart approach.

    Parameters
    ----------
    states, degree
        As for :func:`conditional_statistics`.

    Returns
    -------
    xarray.DataArray
        Half the mean square difference over the mean power of both [1], over ``time``, ``field``, ``member`` and ``other``: 0 for
        equal small scales, 1 for unrelated ones.
    """
    names = [name for name in FIELDS if name in states]
    measure = _Measures(states[names].isel(member=0, time=[0]), degree, np.random.default_rng(0))
    times = []
    for number in range(states.sizes["time"]):
        small = measure.small(_arrays(states[names].isel(time=[number]).load()))
        weighted = small * np.sqrt(measure.area)
        products = np.einsum("afyx,bfyx->fab", weighted, weighted, dtype=np.float64)
        power = np.einsum("faa->fa", products)
        mean = (power[:, :, None] + power[:, None, :]) / 2
        times.append((mean - products) / mean)
    coordinates: dict[str, Any] = {"time": states["time"].values, "field": names}
    attributes = {"units": "1", "long_name": "half the squared difference of small scales over their power"}
    return xr.DataArray(np.stack(times), coordinates, ("time", "field", "member", "other"), attrs=attributes)


class _Measures:
    """All statistics of members ``(member, field, latitude, longitude)`` against a truth, as arrays by name."""

    def __init__(self, template: xr.Dataset, degree: int, random: np.random.Generator) -> None:
        self.names = list(map(str, template.data_vars))
        self.power = SphericalPower(template, stated_truncation(template.attrs))
        self._all, self._large = (GlobalTransform(template, last) for last in (self.power.truncation, degree))
        self._belts = belt_weights(template)
        self.area = area_weights(template)
        self._parts = np.concatenate([self.area[None], self._belts])
        self._random = random

    def __call__(self, members: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
        count = len(members)
        spread, error = spread_and_error_power(self.power, members, truth)
        near, far = (
            np.einsum("fyx,pyx->fp", part, self._belts)
            for part in spread_and_error(self.small(members), self.small(truth))
        )
        # the spread is that of Fortin et al., (M + 1) / M times the variance
        unbiased = count / (count + 1) if count > 1 else np.nan
        share = np.full((len(self.names), len(self._parts), count + 1), np.nan)
        if count > 1:
            share = rank_shares(ranks(members, truth, self._random), self._parts, count)
        return {
            "variance": spread * unbiased,
            "error": error,
            "power": self.power(members).mean(axis=0),
            "truth_power": self.power(truth),
            "belt_variance": near * unbiased,
            "belt_error": far,
            "belt_truth_power": np.einsum("fyx,pyx->fp", np.square(self.small(truth)), self._belts),
            "share": share,
        }

    def small(self, values: np.ndarray) -> np.ndarray:
        """Remove what is nudged, and what lies above the truncation."""
        return self._all.truncated(values) - self._large.truncated(values)


def _arrays(states: xr.Dataset) -> np.ndarray:
    """Values of one time, float32 ``(..., field, latitude, longitude)``, with members first if there are any."""
    values = np.stack([states[name].isel(time=0).values for name in states.data_vars], axis=-3)
    return np.ascontiguousarray(values, dtype=np.float32)


def _pairs(model: EvaluatedModel, states: xr.Dataset) -> Any:
    """Members of a model for the block means of each state, and that state."""
    from atmodist_core.fields import coarsen

    for number in range(states.sizes["member"]):
        state = states.isel(member=number)
        drawn = model(coarsen(state, model.downscaler.factor), model.members, None)
        fields = drawn[list(states.data_vars)]
        members = _arrays(fields if model.members else fields.expand_dims("member"))
        yield members, _arrays(state)


def _block_mean_share(states: xr.Dataset, factor: int) -> np.ndarray:
    """Share of the variance of members that lies in their block means, per field."""
    from atmodist_core.fields import coarsen

    members = states.isel(member=slice(1, None))
    variances = [
        (_arrays(each).var(axis=0, dtype=np.float64) * area_weights(each)).sum(axis=(-2, -1))
        for each in (coarsen(members, factor), members)
    ]
    seen, whole = variances
    return np.divide(seen, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _mean(results: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.mean([result[name] for result in results], axis=0) for name in results[0]}


_DIMENSIONS = {
    "variance": ("field", "total_wavenumber"),
    "error": ("field", "total_wavenumber"),
    "power": ("field", "total_wavenumber"),
    "truth_power": ("field", "total_wavenumber"),
    "belt_variance": ("field", "belt"),
    "belt_error": ("field", "belt"),
    "belt_truth_power": ("field", "belt"),
    "share": ("field", "part", "rank"),
    "block_mean_share": ("field",),
}
_MEANINGS = {
    "variance": "unbiased variance of the members about their mean, per total wavenumber",
    "error": "mean squared error of the mean of the members, per total wavenumber",
    "power": "mean square of a member, per total wavenumber",
    "truth_power": "mean square of the truth, per total wavenumber",
    "belt_variance": "unbiased variance of the members' small scales about their mean",
    "belt_error": "mean squared error of the mean of the members' small scales",
    "belt_truth_power": "mean square of the truth's small scales",
    "share": "share of the area where so many members lie below the truth",
    "block_mean_share": "share of the variance of the members that lies in their block means",
}


def _labelled(
    moments: list[list[dict[str, np.ndarray]]],
    counts: list[int],
    labels: list[str],
    states: xr.Dataset,
    measure: _Measures,
    degree: int,
) -> xr.Dataset:
    """All statistics over model and time; shorter rank histograms end with missing values."""
    variables = {}
    most = max(counts) + 1
    for name, dimensions in _DIMENSIONS.items():
        each = [[moment[model].get(name) for moment in moments] for model in range(len(labels))]
        known = next(value for value in itertools.chain(*each) if value is not None)
        shape = (*known.shape[:-1], most) if name == "share" else known.shape
        values = np.full((len(labels), len(moments), *shape), np.nan)
        for model, of_model in enumerate(each):
            for moment, value in enumerate(of_model):
                if value is not None:
                    values[model, moment, ..., : value.shape[-1]] = value
        units = "1" if "share" in name else "units of the field, squared"
        attributes = {"units": units, "long_name": _MEANINGS[name], "definition": _MEANINGS[name]}
        variables[name] = (("model", "time", *dimensions), values, attributes)
    edges = itertools.pairwise(BELT_EDGES)
    coordinates = {
        "total_wavenumber": np.arange(measure.power.truncation + 1),
        "wavelength_km": ("total_wavenumber", wavelength_km(measure.power.truncation), {"units": "km"}),
        **belt_coordinates(),
        "model": labels,
        "members": ("model", counts),
        "time": states["time"].values,
        "field": measure.names,
        "part": ["area", *(f"latitudes {low:g} to {high:g}" for low, high in edges)],
        "rank": np.arange(most),
    }
    return xr.Dataset(variables, coordinates, {"nudged_degree": degree})
