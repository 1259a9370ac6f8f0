"""A state and the most similar times of a record, as HoloViews objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.figures.method_styles import distance_style
from atmodist_core.inference.similar.embedded_record import embed_record, open_embeddings
from atmodist_core.inference.similar.find_similar import find_similar
from atmodist_core.inference.similar.record import EmbeddedRecord
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, theme_of
from atmodist_core.plots.map_plots.panels import field_maps
from atmodist_core.plots.states import at_time, field_of

CURVE, FOUND, QUERY = "distance to the query", "most similar times", "query"


def similar_days(
    fields: xr.Dataset,
    query: Any,
    k: int = 4,
    *,
    embeddings: EmbeddedRecord | str | Path | None = None,
    region: Any = None,
    exclude_hours: float = 0.0,
    apart_hours: float = 24.0,
    field: str = "vorticity",
    projection: str = "plate-carree",
    coastlines: bool = True,
    columns: int = 3,
    width: int = 330,
    theme: str = "light",
) -> Any:
    """Return maps of a time and of the times most like it, and the distance of every time over the record.

    Parameters
    ----------
    fields : xarray.Dataset
        The record, canonical, with times.
    query : str or datetime64
        One of its times.
    k : int
        Number of similar times to show.
    embeddings : EmbeddedRecord, str or path, optional
        What :func:`atmodist_core.embed_record` made of the record, or its folder; the record is embedded here by default.
    region : Region, str or sequence, optional
        Part that is compared and shown; everything by default.
    exclude_hours, apart_hours : float
        As for :func:`atmodist_core.find_similar` [h].
    field : str
        The field on the maps, or ``wind_speed``.
    projection : str
        A key of :data:`atmodist_core.fields.grid.projections.PROJECTIONS`.
    coastlines : bool
        Whether to draw them.
    columns, width : int
        Maps in a row, and width of a map [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout
        The query's map, one for each similar time with its distance, and the distance over time with marks at these times.

    Raises
    ------
    UserError
        When the query is no time of the record, or the embeddings are of other times.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> ad.plots.similar_days(ad.open_demo(), "2001-01-05T00", region="Europe")  # doctest: +SKIP
    """
    from atmodist_core.fields.grid.regions import as_region

    hv = holoviews()
    record = embeddings
    if record is None:
        record = embed_record(fields)
    elif not isinstance(record, EmbeddedRecord):
        record = open_embeddings(record)
    found = find_similar(record, query, k, region, exclude_hours=exclude_hours, apart_hours=apart_hours)
    others = find_similar(record, query, record.times.size, region).sortby("time")
    when = np.datetime64(query).astype("datetime64[ns]")
    shown = [when, *found["time"].values]
    missing = [one for one in shown if one not in fields["time"].values]
    if missing:
        raise UserError(
            f"Expected fields at {_text(missing[0])}, found none; give the record that the embeddings were made of."
        )
    box = as_region(region)
    pictures = {}
    for number, time in enumerate(shown):
        state = at_time(fields, time)
        picture = field_of(state, field) if field == "wind_speed" else field_of(_cut(state, box), field)
        if box is not None and field == "wind_speed":
            picture = box.select(picture.to_dataset(name=field))[field]
        distance = "query" if number == 0 else f"{float(found['distance'][number - 1]):.3g}"
        pictures[f"{_text(time)} ({distance})"] = picture
    options: dict[str, Any] = {"projection": projection, "coastlines": coastlines, "theme": theme}
    maps = field_maps(pictures, **options, columns=columns, width=width)
    curve = _curve(hv, when, others, found, width, theme)
    return hv.Layout([*maps, curve]).cols(columns)


def _curve(
    hv: Any, when: np.datetime64, others: xr.Dataset, found: xr.Dataset, width: int, theme: str
) -> Any:
    """Distance of every time to the query, with marks at the most similar ones; the query itself is a gap."""
    style = distance_style("AtmoDist")
    colour = style.colour or theme_of(theme).text
    times, distance = others["time"].values, others["distance"].values
    place = int(np.searchsorted(times, when))
    columns = {"time": np.insert(times, place, when), "distance": np.insert(distance, place, np.nan)}
    tips = [("time", "@time{%F %H:%M}"), ("AtmoDist distance", "@distance{0.[000]}")]
    layers = [
        hv.VLine(when).opts(color=theme_of(theme).muted, line_dash="dashed", line_width=1).relabel(QUERY),
        hv.Curve(columns, "time", "distance", label=CURVE).opts(color=colour, line_width=1.5),
        hv.Scatter(found.to_dataframe().reset_index(), "time", ["distance", "rank"], label=FOUND).opts(
            color="#d55e00",
            size=9,
            hover_tooltips=[*tips, ("rank", "@rank")],
            hover_formatters={"@time": "datetime"},
        ),
    ]
    return (
        hv.Overlay(layers)
        .relabel(CURVE)
        .opts(
            frame_width=width,
            frame_height=round(0.6 * width),
            xlabel="",
            ylabel="AtmoDist distance",
            ylim=(0, 1.06 * float(distance.max())),
            show_grid=True,
            show_legend=False,
            hooks=[axes_hook(theme)],
            title=f"distance to {_text(when)}",
        )
    )


def _cut(state: xr.Dataset, box: Any) -> xr.Dataset:
    return state if box is None else box.select(state)


def _text(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ")
