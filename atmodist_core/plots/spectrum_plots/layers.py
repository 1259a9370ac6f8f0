"""Layers that spectra and semivariograms have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from atmodist_core.plots.live import LivePlot, batch_model_updates
from atmodist_core.plots.look.style import line_options, model_colour
from atmodist_core.plots.spectrum_plots.curves import BAND_NAME, MARKS_NAME, Columns, layer_name


def curve_of(
    hv: Any, name: str, columns: Columns, theme: str, tips: list[tuple[str, str]], formats: dict[str, Any]
) -> Any:
    """Return the curve of a model, with what it says under the pointer."""
    label = layer_name(name)
    x, *y = columns[label]
    hover = {"tools": ["hover"], "hover_tooltips": tips, "hover_formatters": formats}
    curve = hv.Curve(tuple(columns[label].values()), x, y, label=label)
    return curve.opts(**line_options(name, theme), **hover)


def band_of(hv: Any, name: str, columns: Columns, theme: str) -> list[Any]:
    """Return the band of a model, in a list that is empty without one."""
    label = layer_name(name, BAND_NAME)
    if label not in columns:
        return []
    x, y = columns[label]["x"], columns[label]["y"]
    half = x.size // 2
    band = hv.Area((x[:half], y[half:][::-1], y[:half]), "x", ["low", "high"], label=label)
    look = {"color": model_colour(name, theme), "alpha": 0.16, "line_width": 0, "show_legend": False}
    return [band.opts(**look)]


def show_columns(
    plot: LivePlot,
    columns: Columns,
    *,
    names: Iterable[str],
    like: str,
    theme: str,
    always: Iterable[str] = (),
    sources: LivePlot | None = None,
) -> None:
    """Show columns in a rendered plot and hide its other layers.

    Parameters
    ----------
    plot : LivePlot
        A plot of spectra, ratios or semivariograms.
    columns : dict
        What to show, by label of a layer.
    names : iterable of str
        Models among them; those that are not there yet are added.
    like : str
        The model whose layers the new ones resemble.
    theme : {"light", "dark"}
        Colours of new layers.
    always : iterable of str
        Labels of layers without columns that stay visible.
    sources : LivePlot, optional
        A plot whose layers of the same names have these columns as well: new layers take theirs from it.

    Examples
    --------
    >>> import numpy as np
    >>> from atmodist_core.plots.spectrum_plots.semivariograms import semivariogram_plot
    >>> lines = {name: (np.array([50.0]), np.array([[0.4]])) for name in ("truth", "bicubic")}
    >>> plot = LivePlot(semivariogram_plot(lines))
    >>> columns = {"bilinear": {"distance": np.array([50.0]), "semivariance": np.array([0.3])}}
    >>> show_columns(plot, columns, names=["bilinear"], like="bicubic", theme="light")
    >>> [label for label in plot.labels if plot.renderer(label).visible]
    ['bilinear']
    """
    wanted = {layer_name(name, what): (name, what) for name in names for what in ("", BAND_NAME, MARKS_NAME)}
    present = plot.labels
    missing = [label for label in columns if label in wanted and label not in present]
    if missing:
        with batch_model_updates(plot.figure):
            for label in missing:
                name, what = wanted[label]
                colour = model_colour(name, theme)
                look: dict[str, Any] = {"fill_color": colour}
                if what == MARKS_NAME:
                    look["line_color"] = colour
                elif not what:
                    look = line_options(name, theme)
                    look["line_color"] = look.pop("color")
                plot.add_layer(label, layer_name(like, what), **look)
                if what == MARKS_NAME:
                    plot.share_source(label, plot.source(layer_name(name)))
                elif sources is not None:
                    plot.share_source(label, sources.source(label))
    plot.update_layers(columns)
    plot.show_only({*columns, *always})
