"""Numbers of ensembles beside a true conditional distribution: shares of power left open, and tables."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.ensembles.calibration import rank_deviation


def open_share(results: xr.Dataset) -> xr.DataArray:
    """Return the share of the truth's power that members leave open, per total wavenumber.

    It is the unbiased variance of the members over the power of the truth, over all times: 0 where they agree, 1 where they
    have nothing in common but their power.

    Parameters
    ----------
    results : xarray.Dataset
        Of :func:`~atmodist_core.evaluation.ensembles.conditional.conditional_statistics`.

    Returns
    -------
    xarray.DataArray
        Over ``model``, ``field`` and ``total_wavenumber`` [1]; missing for single fields.
    """
    variance, power = results["variance"].mean("time"), results["truth_power"].mean("time")
    share = variance / power.where(power > 0)
    return share.assign_attrs(units="1", long_name="share of the truth's power that is left open")


def small_scale_scores(results: xr.Dataset) -> xr.Dataset:
    """Return scores of the small scales, those above the nudged degree, at every time.

    Parameters
    ----------
    results : xarray.Dataset
        Of :func:`~atmodist_core.evaluation.ensembles.conditional.conditional_statistics`.

    Returns
    -------
    xarray.Dataset
        Over ``model``, ``time`` and ``field``: ``spread``, the standard deviation of the members about their mean, and ``error``
        of that mean [units of the field]; ``open_share``, the squared spread over the power of the truth; ``power_ratio``,
        that of a member to the truth; ``spread_error``, spread times sqrt((M + 1) / M) over error; ``rank_deviation`` of all
        points and scales [1]. The belts have ``belt_spread_error`` and ``belt_open_share``.
    """
    small = results.sel(total_wavenumber=slice(results.attrs["nudged_degree"] + 1, None))
    sums = small[["variance", "error", "power", "truth_power"]].sum("total_wavenumber", min_count=1)
    size = (results["members"] + 1) / results["members"]
    whole = results["share"].sel(part="area")
    deviation = xr.full_like(sums["variance"], np.nan)
    for number, count in enumerate(results["members"].values):
        if count > 1:
            deviation[number] = rank_deviation(whole.values[number, ..., : count + 1])
    return xr.Dataset(
        {
            "spread": np.sqrt(sums["variance"]),
            "error": np.sqrt(sums["error"]),
            "open_share": sums["variance"] / sums["truth_power"],
            "power_ratio": sums["power"] / sums["truth_power"],
            "spread_error": np.sqrt(sums["variance"] * size / sums["error"]),
            "rank_deviation": deviation,
            "belt_spread_error": np.sqrt(results["belt_variance"] * size / results["belt_error"]),
            "belt_open_share": results["belt_variance"] / results["belt_truth_power"],
        }
    )


def conditional_table(results: xr.Dataset) -> str:
    """Return a Markdown table of :func:`small_scale_scores` for each field: mean, smallest and largest value over the times."""
    scores = small_scale_scores(results)
    degree, last = results.attrs["nudged_degree"], int(results["total_wavenumber"][-1])
    columns = {
        "spread": "spread [10⁻⁵ s⁻¹]",
        "error": "error [10⁻⁵ s⁻¹]",
        "spread_error": "spread / error",
        "open_share": "power left open",
        "power_ratio": "power / truth's",
        "rank_deviation": "rank deviation",
    }
    parts = []
    for field in results["field"].values:
        rows = [
            f"**{str(field).capitalize()}**, degrees {degree + 1} to {last}, {results.sizes['time']} times\n",
            f"| model | members | {' | '.join(columns.values())} |",
            "|---" * (2 + len(columns)) + "|",
        ]
        for model, count in zip(results["model"].values, results["members"].values, strict=True):
            values = [
                _range(scores[name].sel(model=model, field=field).values * (1e5 if "[" in title else 1))
                for name, title in columns.items()
            ]
            rows.append(f"| {model} | {count} | {' | '.join(values)} |")
        parts.append("\n".join(rows))
    seen = results["block_mean_share"].isel(model=0).mean("time")
    shares = ", ".join(f"{field} {float(seen.sel(field=field)):.0%}" for field in results["field"].values)
    parts.append(f"Share of the variance of the nudged simulations that lies in their block means: {shares}.")
    return "\n\n".join(parts)


def _range(values: np.ndarray) -> str:
    if not np.isfinite(values).any():
        return ""
    ends = f" ({values.min():.2f} to {values.max():.2f})" if values.size > 1 else ""
    return f"{values.mean():.2f}{ends}"
