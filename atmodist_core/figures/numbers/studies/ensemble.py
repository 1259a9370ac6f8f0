"""The numbers of the view Ensemble: members beside the truth, their scores and their calibration at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import crps, rank_histogram, scores, spread_skill
from atmodist_core.evaluation.geometry import is_global_grid
from atmodist_core.figures.numbers.compute import Study
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.numbers.slices import along_time
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree, spectrum_and_semivariogram
from atmodist_core.models.applicability import draws_members

LEAST_POWER = 1e-3
"""Power of the truth relative to that at the coarse Nyquist wavenumber below which there is no ratio of spread and error: beyond the truncation
of spectral data are only rounding errors and leakage."""


def spectrum_quantity(field: str) -> str:
    """Return the quantity whose spectrum belongs to a field."""
    return "kinetic_energy" if field == "wind_speed" else field


def ensemble_tables(
    members: Sequence[xr.Dataset],
    truth: xr.Dataset,
    singles: Mapping[str, xr.Dataset],
    field: str,
    name: str,
    spectra: xr.Dataset,
    factor: int,
) -> dict[str, xr.Dataset]:
    """Return the tables of an ensemble at one time.

    Parameters
    ----------
    members : sequence of xarray.Dataset
        Two or more; fields of one time in the region.
    truth : xarray.Dataset
        On the same points.
    singles : mapping of str to xarray.Dataset
        Fields of models without members, by name.
    field : str
        Which field.
    name : str
        Name of the ensemble model.
    spectra : xarray.Dataset
        As from :func:`member_spectra`.
    factor : int
        Fine points per coarse point along each axis.

    Returns
    -------
    dict of str to xarray.Dataset
        ``maps``: ``members``, ``truth``, ``mean``, ``spread`` (standard deviation about the mean) and ``error`` (of the mean, absolute) over
        latitude and longitude. ``scores``: ``crps`` over ``model``, for a single field its mean absolute error; ``spread``, ``error`` and
        ``ratio`` as :func:`atmodist_core.evaluation.spread_skill` defines them, ``rank_deviation``, and ``energy_ratio``, the mean over the
        members of the measure of that name; missing in a region too small for it. ``ranks``: ``share`` over ``rank``.
        ``wavenumbers``: ``spread``, ``error`` and ``ratio`` over ``total_wavenumber``, where both have power; missing in a region too small
        for it. ``latitudes``: the same over ``belt``, on the globe.

    Raises
    ------
    UserError
        If there are fewer than two members.
    """
    if len(members) < 2:
        raise UserError(f"Expected two or more members, found {len(members)}; choose 4, 8 or 16.")
    drawn = _joined([one[[field]] for one in members])
    true = truth[[field]]
    forecasts = {name: drawn, **{single: ds[[field]] for single, ds in singles.items()}}
    skill, ranks = spread_skill(drawn, true).sel(field=field), rank_histogram(drawn, true).sel(field=field)
    units = {"units": str(true[field].attrs.get("units", "1"))}
    tables = {
        "maps": _maps(drawn, true, field),
        "scores": xr.Dataset(
            {
                "crps": ("model", [float(crps(ds, true)[field].mean()) for ds in forecasts.values()], units),
                **{key: ((), float(skill[key]), units) for key in ("spread", "error")},
                "ratio": ((), float(skill["ratio"]), {"units": "1"}),
                "rank_deviation": ((), float(ranks["deviation"]), {"units": "1"}),
                "energy_ratio": ((), small_scale_power(drawn, true, field, factor), {"units": "1"}),
            },
            {"model": list(forecasts)},
            {"ensemble": name, "members": len(members), "field": field},
        ),
        "ranks": ranks[["share"]].reset_coords(drop=True),
        "spectra": spectra,
    }
    with suppress(UserError):  # a small region
        tables["wavenumbers"] = _by_wavenumber(drawn, true, field, spectra)
    if is_global_grid(true):
        tables["latitudes"] = spread_skill(drawn, true, by="latitude").sel(field=field)
    return tables


def _joined(members: Sequence[xr.Dataset]) -> xr.Dataset:
    return xr.concat(
        list(members),
        "member",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )


def _maps(members: xr.Dataset, truth: xr.Dataset, field: str) -> xr.Dataset:
    drawn, true = members[field].isel(time=0, drop=True), truth[field].isel(time=0, drop=True)
    mean = drawn.mean("member")
    maps = {
        "members": drawn,
        "truth": true,
        "mean": mean,
        "spread": drawn.std("member", ddof=1),
        "error": xr.DataArray(np.abs(mean.values - true.values), mean.coords, mean.dims),
    }
    return xr.Dataset(
        {name: one.assign_attrs(true.attrs) for name, one in maps.items()},
        {"member": np.arange(1, drawn.sizes["member"] + 1)},
        {"field": field},
    )


def _by_wavenumber(members: xr.Dataset, truth: xr.Dataset, field: str, spectra: xr.Dataset) -> xr.Dataset:
    found = spread_skill(members, truth, by="wavenumber").sel(field=field)
    with np.errstate(divide="ignore"):
        degree = 2 * np.pi * EARTH_RADIUS_M / 1000 / found["wavelength_km"].values.astype(float)
    axis, power = spectra["total_wavenumber"].values.astype(float), spectra["truth"].values
    least = LEAST_POWER * np.interp(float(spectra.attrs["coarse_nyquist_degree"]), axis, power)
    known = (degree > 0) & (np.interp(degree, axis, power) > least)
    names = ("spread", "error", "ratio")
    values = {key: ("total_wavenumber", found[key].values[known], found[key].attrs) for key in names}
    return xr.Dataset(values, {"total_wavenumber": degree[known]})


def member_spectra(
    spectra: Sequence[xr.Dataset], truth: xr.Dataset, field: str, nyquist: float
) -> xr.Dataset:
    """Return the table of the spectra of members and of the truth: ``power`` over ``member`` and ``truth``, per total wavenumber.

    ``spectra`` are those of :func:`atmodist_core.figures.numbers.spectrum.spectrum_and_semivariogram`, ``nyquist`` is the last total wavenumber
    that the coarse grid resolves.
    """
    quantity = spectrum_quantity(field)
    joined = along_time(one[[quantity]].drop_vars("time", errors="ignore") for one in spectra)[quantity]
    axis = truth["total_wavenumber"].values
    attributes = {"units": str(truth[quantity].attrs.get("units", ""))}
    return xr.Dataset(
        {
            "power": (("member", "total_wavenumber"), joined.values, attributes),
            "truth": ("total_wavenumber", truth[quantity].values, attributes),
        },
        {"member": np.arange(1, len(spectra) + 1), "total_wavenumber": axis},
        {"quantity": quantity, "coarse_nyquist_degree": nyquist},
    )


def small_scale_power(members: xr.Dataset, truth: xr.Dataset, field: str, factor: int) -> float:
    """Return the measure ``energy_ratio`` of one member, as the views of single fields have it, mean over the members.

    ``members`` and ``truth`` have the field, ``factor`` is the number of fine points per coarse point along each axis. The result has no
    units, and is NaN in a region that is too small.
    """
    found = []
    for number in range(members.sizes["member"]):
        one = members.isel(member=number, drop=True)
        try:
            result = scores(one, truth, factor=factor, fields=[field], measures=("energy_ratio",))
        except UserError:
            return float("nan")
        found.append(float(result["energy_ratio"].sel(field=field)))
    return float(np.mean(found))


def ensemble(study: Study) -> Numbers:
    """Members of the ensemble model that the link asks for, with their scores and those of the single fields beside it."""
    field, others = study.request.field, dict(study.request.others or {})
    name = others.get("ensemble") or next(
        (name for name, card in study.cards.items() if draws_members(card) and card.factor == study.factor),
        "",
    )
    count, seed = int(others.get("members", 8)), int(others.get("seed", 0))
    members, truth = study.members(name, count, seed, field)
    states, _ = study.states(study.time, field)
    singles = {
        key: ds
        for key, ds in states.items()
        if key != "truth" and not (key in study.cards and draws_members(study.cards[key]))
    }
    found = [spectrum_and_semivariogram(one, truth, coarse=True)["spectrum"] for one in (truth, *members)]
    spectra = member_spectra(found[1:], found[0], field, coarse_nyquist_degree(truth, study.factor))
    tables = ensemble_tables(members, truth, singles, field, name, spectra, study.factor)
    extra = ensemble_words(name, count, seed)
    caption = study.caption(study.dates.words(study.time), field, extra=extra, also=name)
    return Numbers("ensemble", tables, caption)


def ensemble_words(name: str, count: int, seed: int) -> str:
    """Return the sentence of a caption on the members."""
    return f"{count} members of {name}, seed {seed}. Scores are of this time and region only."
