"""Ensembles as HoloViews objects: maps of members, rank histograms, and spread over error per wavenumber."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.ensembles.conditional_tables import open_share as shares_left_open
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, line_options, theme_of
from atmodist_core.plots.map_plots.panels import field_maps
from atmodist_core.plots.spectrum_plots.curves import wavenumber_of
from atmodist_core.plots.spectrum_plots.spectra import WAVENUMBERS
from atmodist_core.plots.states import TRUTH, compared_fields

TOLERANCE = 0.1
"""Half the width of the band around the ideal value 1."""

Results = xr.Dataset | Mapping[str, xr.Dataset]


def ensemble(
    prediction: xr.Dataset,
    truth: xr.Dataset | None = None,
    *,
    field: str = "vorticity",
    time: Any = 0,
    region: Any = None,
    stamps: int = 4,
    columns: int = 3,
    theme: str = "light",
    **options: Any,
) -> Any:
    """Return maps of members, of their mean and of the truth on one colour scale, and of their spread.

    Parameters
    ----------
    prediction : xarray.Dataset
        Fields over ``member``, latitude and longitude, and time.
    truth : xarray.Dataset, optional
        The same without members.
    field, time, region, columns, theme, **options
        As for :func:`atmodist_core.plots.maps`.
    stamps : int
        How many members to show; mean and spread (the standard deviation about the mean) are of all.

    Returns
    -------
    holoviews.Layout

    Raises
    ------
    UserError
        If there are fewer than two members, or the fields do not fit.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> members = xr.concat([0.9 * demo, demo, 1.1 * demo], "member").assign_attrs(demo.attrs)
    >>> [panel.label for panel in ensemble(members, demo, region="Europe", stamps=2)]
    ['member 1', 'member 2', 'mean of 3 members', 'truth', 'spread of 3 members']
    """
    count = prediction.sizes.get("member", 1)
    if count < 2 or stamps < 1:
        raise UserError(
            f"Expected two or more members and one or more maps of them, found {count} and {stamps}; downscale with members=8."
        )
    states = {f"member {n + 1}": prediction.isel(member=n, drop=True) for n in range(count)}
    if truth is not None:
        states[TRUTH] = truth
    found = compared_fields(states, field=field, time=time, region=region)
    members = xr.concat([found[f"member {n + 1}"] for n in range(count)], "member")
    about = found["member 1"].attrs
    shown = {name: found[name] for name in list(states)[: min(stamps, count)]}
    shown[f"mean of {count} members"] = members.mean("member").assign_attrs(about)
    if truth is not None:
        shown[TRUTH] = found[TRUTH]
    spread = members.std("member", ddof=1).assign_attrs(
        about, long_name=f"spread of {field.replace('_', ' ')}"
    )
    layout = field_maps(shown, columns=columns, theme=theme, **options)
    options.pop("limit", None)
    last = field_maps({f"spread of {count} members": spread}, theme=theme, **options)
    return holoviews().Layout([*layout, last]).cols(columns)


def rank_histogram(
    results: Results,
    *,
    field: str = "vorticity",
    part: str = "area",
    width: int = 420,
    theme: str = "light",
) -> Any:
    """Return rank histograms relative to a flat one, with a band of 10 % around it.

    Parameters
    ----------
    results : xarray.Dataset or mapping of str to xarray.Dataset
        Results of :func:`atmodist_core.evaluation.rank_histogram`, one or by name; or the group ``ensembles`` of an evaluation.
    field : str
        Which field.
    part : str
        Of an evaluation: a value of ``area_part`` or ``band_part``, such as "latitudes 0 to 30" or "degrees 91 to 112".
    width : int
        Width of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay

    Raises
    ------
    UserError
        If there is no such field or part, or no model has ranks.

    Examples
    --------
    >>> share = xr.DataArray([[0.4, 0.3, 0.3]], {"field": ["vorticity"]}, ("field", "rank"))
    >>> rank_histogram({"srgan-4x-mse": share.to_dataset(name="share")}).label
    'rank histogram'
    """
    curves = {}
    for name, values in _of_models(results, "share", "rank_share", field, part).items():
        columns = rank_columns(values)
        if columns["rank"].size > 2:
            curves[name] = (columns["rank"], columns["share"])
    if not curves:
        raise UserError("Expected at least one ensemble with ranks, found none; evaluate with --members 8.")
    return _around_one(
        curves,
        theme,
        label=f"rank histogram, {part}" if part != "area" else "rank histogram",
        axes=("rank", "share"),
        frame_width=width,
        xlabel="members below the truth",
        ylabel="share / flat",
        xlim=(-0.5, max(float(x[-1]) for x, _ in curves.values())),
        ylim=(0, max(2.0, 1.05 * max(float(y.max()) for _, y in curves.values()))),
    )


def spread_error(
    results: Results, *, field: str = "vorticity", width: int = 420, theme: str = "light"
) -> Any:
    """Return spread over error per wavenumber, with a band of 10 % around 1.

    Parameters
    ----------
    results : xarray.Dataset or mapping of str to xarray.Dataset
        Results of :func:`atmodist_core.evaluation.spread_skill` by wavenumber, one or by name; or the group ``ensembles`` of an
        evaluation.
    field, width, theme
        As for :func:`rank_histogram`.

    Returns
    -------
    holoviews.Overlay

    Raises
    ------
    UserError
        If there is no such field, or no spread per wavenumber.

    Examples
    --------
    >>> ratio = xr.DataArray([[1.0, 0.9, 0.8]], {"field": ["vorticity"]}, ("field", "total_wavenumber"))
    >>> spread_error({"srgan-4x-mse": ratio.to_dataset(name="ratio")}).label
    'spread over error'
    """
    curves = {}
    for name, values in _of_models(results, "ratio", "spread_error_by_wavenumber", field, "").items():
        if values.ndim == 1:
            of = results if isinstance(results, xr.Dataset) else results[name]
            columns = spread_columns(degrees_of(of, values.size), values)
            if columns["degree"].size:
                curves[name] = (columns["degree"], columns["ratio"])
    if not curves:
        raise UserError(
            "Expected spread over error per wavenumber, found none; use spread_skill with by='wavenumber'."
        )
    return _around_one(
        curves,
        theme,
        label="spread over error",
        axes=("degree", "ratio"),
        frame_width=width,
        logx=True,
        xticks=[(wavenumber, f"{wavenumber:g}") for wavenumber in WAVENUMBERS],
        xlabel="total wavenumber",
        ylabel="spread / error",
        xlim=(1, max(x[-1] for x, _ in curves.values())),
        ylim=(0, 2),
    )


def open_share(
    results: xr.Dataset, *, field: str = "vorticity", width: int = 420, theme: str = "light"
) -> Any:
    """Return the share of the truth's power that ensembles leave open, per wavenumber, beside that of nudged simulations.

    Parameters
    ----------
    results : xarray.Dataset
        The file ``conditional.nc`` of ``train/evaluate.py --conditional``.
    field, width, theme
        As for :func:`rank_histogram`.

    Returns
    -------
    holoviews.Overlay
        The band marks the small scales, which are not nudged.

    Raises
    ------
    UserError
        If there is no such field, or these are no such results.

    Examples
    --------
    >>> axes = ("model", "time", "field", "total_wavenumber")
    >>> power = xr.DataArray(np.ones((1, 1, 1, 3)), {"model": ["members"], "field": ["vorticity"]}, axes)
    >>> results = xr.Dataset({"variance": power / 2, "truth_power": power}, attrs={"nudged_degree": 1})
    >>> open_share(results).label
    'power left open'
    """
    if "nudged_degree" not in results.attrs:
        raise UserError(
            "Expected results of train/evaluate.py --conditional, found others; open conditional.nc."
        )
    hv, colours = holoviews(), theme_of(theme)
    shares = shares_left_open(results).sel(field=_known(field, results["field"].values, "field"))
    first, last = results.attrs["nudged_degree"] + 1, shares.sizes["total_wavenumber"] - 1
    layers = [hv.VSpan(first, last).opts(color=colours.line, alpha=0.3)]
    for name in shares["model"].values:
        values = shares.sel(model=name).values
        known = np.isfinite(values) & (np.arange(values.size) > 0)
        if known.any():
            curve = hv.Curve(
                (np.flatnonzero(known), values[known]), "degree", "share", label=method_style(str(name)).label
            )
            layers.append(curve.opts(**line_options(str(name), theme), tools=["hover"]))
    return (
        hv.Overlay(layers)
        .relabel("power left open")
        .opts(
            frame_height=220,
            frame_width=width,
            show_grid=True,
            hooks=[axes_hook(theme)],
            title=f"power left open, {field}",
            xlabel="total wavenumber",
            ylabel="variance / truth's power",
            xlim=(1, last),
            ylim=(0, None),
            legend_position="top_left",
        )
    )


def rank_columns(share: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outline of a rank histogram relative to a flat one; missing ranks are left out.

    Examples
    --------
    >>> rank_columns(np.array([0.4, 0.6]))["share"].round(2).tolist()
    [0.8, 0.8, 1.2, 1.2]
    """
    known = share[np.isfinite(share)]
    edges = np.arange(known.size + 1) - 0.5
    flat = known.size / known.sum() if known.size else 1.0
    return {"rank": np.repeat(edges, 2)[1:-1], "share": np.repeat(known * flat, 2)}


def degrees_of(results: xr.Dataset, size: int) -> np.ndarray:
    """Return the total wavenumbers of results: those of their wavelengths, or ``size`` numbers from 0 where they have none.

    Examples
    --------
    >>> degrees_of(xr.Dataset(coords={"wavelength_km": [4003.0, 2001.5]}), 2).round().tolist()
    [10.0, 20.0]
    """
    if "wavelength_km" not in results.coords:
        return np.arange(size)
    with np.errstate(divide="ignore"):
        return wavenumber_of(results["wavelength_km"].values.astype(float))


def spread_columns(degree: np.ndarray, ratio: np.ndarray) -> dict[str, np.ndarray]:
    """Return spread over error where it is known and the total wavenumber is above 0."""
    known = np.isfinite(ratio) & (ratio > 0) & (degree > 0)
    return {"degree": degree[known], "ratio": ratio[known]}


def _of_models(results: Results, own: str, stored: str, field: str, part: str) -> dict[str, np.ndarray]:
    """Values of one field by model: results of functions, or those of an evaluation."""
    if isinstance(results, xr.Dataset) and stored in results:
        name = f"band_{stored}" if part in results.get("band_part", xr.DataArray([])).values else stored
        values = results[name]
        for axis in ("area_part", "band_part"):
            if axis in values.dims:
                values = values.sel({axis: _known(part, values[axis].values, axis)})
        values = values.sel(field=_known(field, results["field"].values, "field"))
        return {str(model): values.sel(model=model).values for model in results["model"].values}
    found = {"ensemble": results} if isinstance(results, xr.Dataset) else results
    for each in found.values():
        if own not in each:
            raise UserError(
                f"Expected {own!r} in the results, found {', '.join(map(str, each.data_vars))}; see the function's help."
            )
    return {
        str(name): each[own].sel(field=_known(field, each["field"].values, "field")).values
        for name, each in found.items()
    }


def _known(value: str, there: np.ndarray, what: str) -> str:
    if value not in there:
        raise UserError(
            f"Expected a {what} among {', '.join(map(str, there))}, found {value!r}; choose one of these."
        )
    return value


def _around_one(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    theme: str,
    *,
    label: str,
    axes: tuple[str, str],
    **options: Any,
) -> Any:
    """Curves of models, with the ideal value 1 and a band around it."""
    hv, colours = holoviews(), theme_of(theme)
    layers = [
        hv.HSpan(1 - TOLERANCE, 1 + TOLERANCE).opts(color=colours.line, alpha=0.5),
        hv.HLine(1.0).opts(color=colours.text, line_width=1),
    ]
    for name, (x, y) in curves.items():
        curve = hv.Curve((x, y), *axes, label=method_style(name).label)
        tips = [("", "$name"), (options["ylabel"], f"@{{{axes[1]}}}{{0.00}}")]
        if axes[0] != "rank":  # its columns are the edges of steps
            tips.insert(1, (options["xlabel"], f"@{{{axes[0]}}}{{0}}"))
        layers.append(curve.opts(**line_options(name, theme), tools=["hover"], hover_tooltips=tips))
    return (
        hv.Overlay(layers)
        .relabel(label)
        .opts(frame_height=220, show_grid=True, hooks=[axes_hook(theme)], title=label, **options)
    )
