"""Figures of a training run: example patches, and the result of the pretext task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.figures.distances import draw_confusion
from atmodist_core.figures.maps.field_maps import DIVERGING, QUANTILE
from atmodist_core.figures.style import (
    PUBLICATION,
    add_titles,
    new_figure,
    style_axes,
    style_colour_bar,
    style_legend,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINES = ("#1a1a1a", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
_DASHES = ("-", "--", "-", "-.", ":", "-")


def patch_figure(
    panels: Mapping[str, NDArray[np.float32]],
    channels: Sequence[str],
    *,
    title: str | None = None,
    unit: str = "normalised",
) -> Figure:
    """Draw patches: a row per patch and channel, a column per model; ``UserError`` if there are none.

    ``panels`` maps column titles to fields, normalised or in another ``unit``, of shape ``(patches, channels, height, width)``; sizes may differ,
    e.g. for a coarse input. The last column is the truth: the colour scale ends at the 99.5 % quantile of its absolute
    values per channel, so that figures of one run can be compared.
    """
    if not panels or not len(next(iter(panels.values()))):
        raise UserError("Expected at least one patch to draw, found none; hold out some data.")
    truth = list(panels.values())[-1]
    rows, columns = truth.shape[0] * len(channels), len(panels)
    side = (PUBLICATION.width_in - 0.9) / columns
    figure = new_figure(PUBLICATION.width_in, rows * side + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False)
    for number, channel in enumerate(channels):
        values = np.abs(truth[:, number])
        limit = float(np.quantile(values[np.isfinite(values)], QUANTILE)) or 1.0
        first = number * len(truth)
        block = grid[first : first + len(truth)]
        for patch, line in enumerate(block):
            for axes, (name, fields) in zip(line, panels.items(), strict=True):
                picture = axes.imshow(
                    fields[patch, number],
                    cmap=DIVERGING,
                    vmin=-limit,
                    vmax=limit,
                    interpolation="nearest",
                    extent=(0, truth.shape[-1], truth.shape[-2], 0),
                )
                axes.set_xticks([])
                axes.set_yticks([])
                style_axes(axes, grid=False)
                if first + patch == 0:
                    axes.set_title(name, fontsize=PUBLICATION.font_size, color=PUBLICATION.text)
        bar = figure.colorbar(picture, ax=list(block.ravel()), extend="both", fraction=0.03, pad=0.01)
        style_colour_bar(bar, f"{channel}, {unit}")
    add_titles(figure, title, None)
    return figure


def pretext_figure(
    confusion: NDArray[np.int64],
    lag_step_hours: float,
    lags_hours: NDArray[np.float64],
    distances: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    *,
    title: str | None = None,
) -> Figure:
    """Draw the lag classification and the growth of distances with the lag.

    ``confusion`` has counts, true classes in rows, predicted ones in columns; class k is a lag of ``(k + 1)`` steps of
    ``lag_step_hours``. ``distances`` maps a name to mean and standard deviation at ``lags_hours``, scaled to the mean
    squared error.
    """
    figure = new_figure(PUBLICATION.width_in, 0.46 * PUBLICATION.width_in)
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
    lags = lag_step_hours * np.arange(1, len(confusion) + 1)
    picture = draw_confusion(left, confusion.astype(float), lags)
    bar = figure.colorbar(picture, ax=left, fraction=0.046, pad=0.02)
    style_colour_bar(bar, "share of the pairs of a true lag")
    for number, (name, (mean, deviation)) in enumerate(distances.items()):
        colour, dashes = _LINES[number % len(_LINES)], _DASHES[number % len(_DASHES)]
        label = "mean squared error" if name == "mse" else f"AtmoDist, {name}"
        right.plot(lags_hours, mean, dashes, color=colour, label=label, linewidth=1.2)
        if name == "mse":
            low, high = mean - deviation, mean + deviation
            right.fill_between(lags_hours, low, high, color=colour, alpha=0.12, linewidth=0)
    right.set_xlabel("time lag [h]")
    right.set_ylabel("distance, scaled to the MSE")
    right.set_ylim(bottom=0)
    style_axes(right)
    style_legend(right, location="lower right")
    add_titles(figure, title, None)
    return figure
