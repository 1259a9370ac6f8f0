"""Every model by every measure in one table, coloured by how much closer to the truth than a reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, colour_map, theme_of
from atmodist_core.plots.look.units import display_unit

STRONG_COLOUR = 0.45
"""Improvement beyond which a cell's colour is far from that of the page."""

FULL_COLOUR = 1.0
"""Improvement at which the colour is strongest: the whole departure of the reference is gone."""


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

    The improvement is one minus the model's departure from the ideal value over that of the reference: 1 is perfect, 0 as good as the
    reference, below 0 worse. The departure from 0 is the size of a value, from 1 the size of its logarithm. Measures without an ideal
    value are left out. A cell is framed where the 95 % interval of the difference of the two departures excludes zero; that interval is
    stored for the reference of the evaluation alone.

    Parameters
    ----------
    evaluation : xarray.DataTree or path
        As :func:`~atmodist_core.evaluation.results.file.open_evaluation` returns it, or its file.
    field : str
        Of which field.
    reference : str, optional
        A model of the evaluation; the one it was made with by default.
    models, measures : sequence of str, optional
        Those to show; all by default.
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
    """
    hv = holoviews()
    table = scorecard_table(evaluation, field=field, reference=reference, models=models, measures=measures)
    rows, columns = list(map(str, table["model"].values)), list(map(str, table["measure"].values))
    cells = []
    for row in rows:
        for column in columns:
            one = table.sel(model=row, measure=column)
            cells.append(
                (
                    str(one["long_name"].item()),
                    method_style(row).label,
                    float(np.clip(one["improvement"], -FULL_COLOUR, FULL_COLOUR)),
                    _value_text(
                        float(one["value"]), float(one["low"]), float(one["high"]), str(one["units"].item())
                    ),
                    bool(one["sure"]),
                    str(one["definition"].item()),
                )
            )
    axes = ["measure", "model"]
    vdims = [
        hv.Dimension("improvement", label="improvement over the reference"),
        "value",
        "sure",
        "definition",
    ]
    heat = hv.HeatMap(cells, axes, vdims)
    colours = theme_of(theme)
    heat = heat.opts(
        cmap=colour_map(True, theme)[::-1],
        clim=(-FULL_COLOUR, FULL_COLOUR),
        colorbar=True,
        colorbar_position="bottom",
        colorbar_opts={
            "height": 8,
            "title": f"improvement over {method_style(str(table.attrs['reference'])).label}",
        },
        tools=["hover"],
        line_color=colours.surface,
        line_width=2,
        invert_yaxis=True,
        xrotation=35,
    )
    # Strong colours need the colour of the page for their text, pale ones that of the text.
    layers = [heat]
    for strong, colour in ((True, colours.surface), (False, colours.text)):
        chosen = [(c[0], c[1], c[3].split(" ")[0]) for c in cells if (abs(c[2]) > STRONG_COLOUR) is strong]
        if chosen:
            layers.append(
                hv.Labels(chosen, axes, "text", label="strong" if strong else "pale").opts(
                    text_color=colour, text_font_size="10px"
                )
            )
    sure = [(c[0], c[1]) for c in cells if c[4]]
    if sure:
        layers.append(
            hv.Labels([(*place, "●") for place in sure], axes, "text", label="sure").opts(
                text_color=colours.text, text_font_size="6px", yoffset=0.32, xoffset=0.42
            )
        )
    return (
        hv.Overlay(layers)
        .relabel("scorecard")
        .opts(
            frame_width=46 * len(columns) + 40,
            frame_height=34 * len(rows) + 10,
            title=field,
            xlabel="",
            ylabel="",
            hooks=[axes_hook(theme)],
            show_legend=False,
        )
    )


def scorecard_table(
    evaluation: xr.DataTree | Path | str,
    *,
    field: str = "vorticity",
    reference: str | None = None,
    models: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
) -> xr.Dataset:
    """Return the numbers of a scorecard over ``(model, measure)``.

    Returns
    -------
    xarray.Dataset
        ``value``, ``low``, ``high``, ``improvement`` (1 perfect, 0 as the reference) and ``sure`` (the interval of the difference
        excludes zero); coordinates ``long_name``, ``units``, ``definition`` of the measures.
    """
    from atmodist_core.evaluation.results.file import open_evaluation
    from atmodist_core.evaluation.results.scores import departure

    tree = evaluation if isinstance(evaluation, xr.DataTree) else open_evaluation(evaluation)
    scores = tree["scores"].to_dataset()
    for axis, asked in (
        ("field", [field]),
        ("model", models),
        ("measure", measures),
        ("model", [reference] if reference else None),
    ):
        known = list(map(str, scores[axis].values))
        missing = [name for name in asked or () if name not in known]
        if missing:
            raise UserError(
                f"Expected a {axis} among {', '.join(known)}, found {missing[0]!r}; choose one of these."
            )
    stored = str(tree.attrs.get("reference", scores["model"].values[0]))
    chosen = reference or stored
    one = scores.sel(field=field)
    known = one["ideal"].values != "none"
    one = one.isel(measure=np.flatnonzero(known))
    if measures is not None:
        one = one.sel(measure=list(measures))
    distance = np.stack(
        [
            departure(one["value"].sel(measure=name).values, str(one["ideal"].sel(measure=name).item()))
            for name in one["measure"].values
        ]
    )
    place = list(map(str, one["model"].values)).index(chosen)
    with np.errstate(divide="ignore", invalid="ignore"):
        improvement = 1 - distance / distance[:, place, None]
    improvement[:, place] = 0.0
    sure = np.zeros(improvement.shape, dtype=bool)
    if chosen == stored and "advantage_low" in one:
        sure = (one["advantage_low"].values > 0) | (one["advantage_high"].values < 0)
    result = xr.Dataset(
        {
            "value": one["value"],
            "low": one["low"],
            "high": one["high"],
            "improvement": (one["value"].dims, improvement),
            "sure": (one["value"].dims, sure),
        },
        attrs={"reference": chosen, "field": field},
    ).transpose("model", "measure")
    units = [str(one["field_units"].item()) if text == "field" else str(text) for text in one["units"].values]
    result = result.assign_coords(
        long_name=("measure", one["long_name"].values),
        definition=("measure", one["definition"].values),
        units=("measure", units),
    )
    return result if models is None else result.sel(model=list(models))


def _value_text(value: float, low: float, high: float, units: str) -> str:
    """A value with its interval and unit, three digits each."""
    unit = display_unit("" if units == "1" else units, abs(value))
    numbers = [f"{number * unit.factor:.3g}" for number in (value, low, high)]
    interval = f" [{numbers[1]}, {numbers[2]}]" if np.isfinite(low) else ""
    return f"{numbers[0]}{interval} {unit.text}".strip()
