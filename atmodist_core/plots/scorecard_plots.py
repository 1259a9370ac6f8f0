"""Every model by every measure in one table, coloured by how much closer to the truth than a reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.figures.findings.cell_colours import FULL_COLOUR, cell_colour, scale_colours, text_colour
from atmodist_core.figures.findings.measure_groups import headline_of
from atmodist_core.figures.findings.scorecard import cell_text, scorecard_table
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, theme_of
from atmodist_core.plots.look.units import display_unit

__all__ = ["scorecard", "scorecard_table"]


def scorecard(
    evaluation: xr.DataTree | Path | str,
    *,
    field: str = "vorticity",
    reference: str | None = None,
    models: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
    theme: str = "light",
) -> Any:
    """Return a table of models and measures with values, coloured by improvement over a reference.

    Numbers and decisions are those of :func:`~atmodist_core.figures.findings.scorecard.scorecard_table`. A coloured cell is decided: the
    95 % interval excludes that the model is as far from the truth as the reference. Undecided cells keep the colour of the page.

    Parameters
    ----------
    evaluation : xarray.DataTree or path
        As :func:`~atmodist_core.evaluation.results.file.open_evaluation` returns it, or its file.
    field : str
        Of which field.
    reference : str, optional
        A model of the evaluation; the one it was made with by default.
    models, measures : sequence of str, optional
        Those to show; by default all models, and the headline measures.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Overlay
        A heat map and the values on it.

    Raises
    ------
    UserError
        If a field, model or measure is not in the evaluation.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> from atmodist_core.common.assets import asset_folder
    >>> card = ad.plots.scorecard(asset_folder("results") / "evaluation.nc", measures=["rmse", "band_power_ratio"])
    >>> type(card).__name__
    'Overlay'
    """
    hv = holoviews()
    colours = theme_of(theme)
    table = scorecard_table(evaluation, field=field, reference=reference, models=models, measures=measures)
    if measures is None:
        table = table.sel(measure=headline_of([str(name) for name in table["measure"].values]))
    cells: list[tuple[Any, ...]] = []
    texts: dict[str, list[tuple[str, str, str]]] = {}
    for measure in map(str, table["measure"].values):
        for model in map(str, table["model"].values):
            one = table.sel(model=model, measure=measure)
            sure = bool(one["sure"])
            shown = float(np.clip(one["improvement"], -FULL_COLOUR, FULL_COLOUR)) if sure else 0.0
            place = (str(one["long_name"].item()), method_style(model).label)
            value = _value_text(one)
            colour = text_colour(cell_colour(shown, theme)) if sure else colours.muted
            texts.setdefault(colour, []).append((*place, value.split(" ")[0]))
            cells.append((*place, shown, value, str(one["state"].item()), str(one["definition"].item())))
    axes = ["measure", "model"]
    label = method_style(str(table.attrs["reference"])).label
    vdims = [
        hv.Dimension("improvement", label="improvement over the reference"),
        "value",
        "verdict",
        "definition",
    ]
    heat = hv.HeatMap(cells, axes, vdims).opts(
        cmap=scale_colours(theme),
        clim=(-FULL_COLOUR, FULL_COLOUR),
        colorbar=True,
        colorbar_position="bottom",
        colorbar_opts={"height": 8, "title": f"improvement over {label}; without colour: undecided"},
        tools=["hover"],
        line_color=colours.line,
        line_width=1,
        invert_yaxis=True,
        xrotation=35,
    )
    layers = [
        hv.Labels(chosen, axes, "text", label=colour).opts(text_color=colour, text_font_size="10px")
        for colour, chosen in texts.items()
    ]
    return (
        hv.Overlay([heat, *layers])
        .relabel("scorecard")
        .opts(
            frame_width=46 * table.sizes["measure"] + 40,
            frame_height=34 * table.sizes["model"] + 10,
            title=field,
            xlabel="",
            ylabel="",
            hooks=[axes_hook(theme)],
            show_legend=False,
        )
    )


def _value_text(cell: xr.Dataset) -> str:
    """The text of a cell with its interval and unit."""
    units = str(cell["units"].item())
    unit = display_unit("" if units == "1" else units, abs(float(cell["value"])))
    text = cell_text(cell, unit.factor)
    low, high = (f"{float(cell[end]) * unit.factor:.3g}" for end in ("low", "high"))
    interval = f" [{low}, {high}]" if np.isfinite(cell["low"]) else ""
    return f"{text}{interval} {unit.text}".strip()
