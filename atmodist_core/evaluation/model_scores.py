"""Scores of several downscalers over a period, time by time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.geometry import common_points, time_values
from atmodist_core.evaluation.measure_kernels import kurtosis_of
from atmodist_core.evaluation.scores import Distance, finalise_scores, sample_statistics, time_means


class DownscalerLike(Protocol):
    """The part of a downscaler that an evaluation uses."""

    name: str
    factor: int

    def __call__(self, coarse: xr.Dataset, *, region: Any = None) -> xr.Dataset:
        """Return fine fields for coarse ones."""


def downscaling_statistics(
    truth: xr.Dataset,
    downscalers: Sequence[DownscalerLike],
    *,
    region: Any = None,
    distance: Distance | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, xr.Dataset]:
    """Return the statistics of every time for each downscaler, from which scores are computed.

    Each time is loaded once and coarsened; every result is compared with the truth at the points that both have.
    Memory holds one time of the truth and one result, whatever the period.

    Parameters
    ----------
    truth : xarray.Dataset
        Fine canonical fields, may be lazy.
    downscalers : sequence of Downscaler
        With different names.
    region : Region or str, optional
        Score this part only; the downscaler still uses the coarse fields around it.
    distance : AtmoDist, optional
        Adds the learned distance.
    progress : callable, optional
        Called with the number of times done and of all times.

    Returns
    -------
    dict of str to xarray.Dataset
        Name to the result of :func:`sample_statistics` over all times.

    Raises
    ------
    UserError
        If there is no time or no downscaler, names repeat, or the data have gaps.
    """
    from atmodist_core.fields import coarsen

    names = [downscaler.name for downscaler in downscalers]
    if not names or len(set(names)) != len(names):
        raise UserError(
            f"Expected one or more different models, found {', '.join(names) or 'none'}; name each once."
        )
    count = truth.sizes.get("time", 0)
    if not count:
        raise UserError("Expected at least one time to score, found none; choose a period within the data.")
    parts: dict[str, list[xr.Dataset]] = {name: [] for name in names}
    for number in range(count):
        fine = truth.isel(time=[number]).compute()
        coarse = {factor: coarsen(fine, factor) for factor in {each.factor for each in downscalers}}
        for downscaler in downscalers:
            pair = common_points(downscaler(coarse[downscaler.factor], region=region), fine)
            parts[downscaler.name].append(
                sample_statistics(*pair, factor=downscaler.factor, distance=distance)
            )
        if progress is not None:
            progress(number + 1, count)
    return {name: join_times(statistics) for name, statistics in parts.items()}


def join_times(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join statistics of different times in the order of time; ``UserError`` if they do not fit."""
    for part in parts[1:]:
        if part.attrs != parts[0].attrs or list(part["field"].values) != list(parts[0]["field"].values):
            raise UserError(
                "Expected statistics of the same fields, factor, grid and measures, found different ones; "
                "join only runs with the same settings."
            )
    joined = xr.concat(
        parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override"
    )
    return joined.sortby("time") if not np.isnat(time_values(joined)).any() else joined


def downscaling_scores(statistics: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Return the scores of all models from their statistics.

    Parameters
    ----------
    statistics : mapping of str to xarray.Dataset
        Result of :func:`downscaling_statistics`.

    Returns
    -------
    xarray.Dataset
        As :func:`scores` returns it, over ``model`` as well; and ``truth_kurtosis`` over ``field``. The
        attributes ``times``, ``first_time`` and ``last_time`` give the period.
    """
    result = xr.concat(
        [finalise_scores(part) for part in statistics.values()],
        xr.DataArray(list(statistics), dims="model", name="model"),
        coords="minimal",
        compat="override",
        combine_attrs="override",
    )
    first = next(iter(statistics.values()))
    about = {"long_name": "kurtosis of the truth", "units": "1"}
    result["truth_kurtosis"] = (
        "field",
        kurtosis_of([time_means(first)[1][f"moment_{k}"][0] for k in range(1, 5)]),
        about,
    )
    dates = time_values(first)
    if not np.isnat(dates).any():
        result.attrs |= {"first_time": str(dates.min())[:16], "last_time": str(dates.max())[:16]}
    factors = [int(part.attrs["factor"]) for part in statistics.values()]
    if len(set(factors)) > 1:
        del result.attrs["factor"], result.attrs["coarse_nyquist_wavelength_km"]
    return result.assign_coords(model_factor=("model", factors))


COLUMNS: dict[str, str] = {
    "rmse": "RMSE",
    "energy_ratio": "energy ratio",
    "wasserstein": "Wasserstein-1",
    "kurtosis": "kurtosis",
    "correlation": "correlation",
    "block_mean_error": "block-mean error",
}
"""Measures in the table, with the heads of their columns."""


def scores_table(result: xr.Dataset) -> str:
    """Return scores as a Markdown table, a row for each model and field.

    Parameters
    ----------
    result : xarray.Dataset
        Result of :func:`downscaling_scores`.

    Returns
    -------
    str
        Lines joined by newlines; the heads carry the units.
    """
    common = set(map(str, result["units"].values))
    unit = f" [{common.pop()}]" if len(common) == 1 else ""
    heads = [head + (unit if name in ("rmse", "wasserstein") else "") for name, head in COLUMNS.items()]
    with_distance = "atmodist" in result
    lines = [
        "| model | field | " + " | ".join(heads) + (" | AtmoDist |" if with_distance else " |"),
        "|---|---|" + "---:|" * (len(heads) + with_distance),
    ]
    for field in map(str, result["field"].values):
        for model in map(str, result["model"].values):
            row = result.sel(model=model, field=field)
            cells = [_number(name, float(row[name])) for name in COLUMNS]
            if with_distance:
                cells.append(f"{float(row['atmodist']):.4g}")
            lines.append(f"| {model} | {field} | " + " | ".join(cells) + " |")
        own = f"{float(result['truth_kurtosis'].sel(field=field)):.1f}"
        blank = [own if name == "kurtosis" else "" for name in COLUMNS]
        lines.append(f"| truth | {field} | " + " | ".join(blank + [""] * with_distance) + " |")
    return "\n".join(lines)


def _number(name: str, value: float) -> str:
    if name in ("rmse", "wasserstein"):
        return f"{value:.3e}"
    if name == "kurtosis":
        return f"{value:.1f}"
    return f"{value:.2e}" if name == "block_mean_error" and value < 1e-3 else f"{value:.3f}"
