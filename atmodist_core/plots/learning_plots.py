"""Learning curves of a trained model as a HoloViews object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook

TRAINING, PRETRAINING = "training", "pre-training"
HELD_OUT = {"held_out_loss": "held-out loss", "held_out_mse": "held-out MSE"}
_BLUE, _RED, _SKY = "#0072b2", "#d55e00", "#56b4e9"
LEFT_BORDER = 50

Columns = dict[str, dict[str, np.ndarray]]
"""By label of a layer: columns by name."""


def learning_curves(model: str | Path, *, width: int = 440, theme: str = "light") -> Any:
    """Return training loss as a line and held-out loss as marks over the steps, with the span of the pre-training.

    Parameters
    ----------
    model : str or Path
        Name or folder of a model.
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
        If there is no such model, or it comes without curves.

    Examples
    --------
    >>> [layer.label for layer in learning_curves("srgan-4x-mse")]
    ['training', 'held-out MSE']
    """
    from atmodist_core.figures.numbers.models import learning_curves as read_curves
    from atmodist_core.figures.numbers.models import pretraining_steps
    from atmodist_core.models.card import find_model, read_card

    folder = find_model(model)
    card = read_card(folder)
    curves = read_curves(folder)
    columns = {} if curves is None else learning_columns(curves, pretraining_steps(card))
    if not set(columns) - {PRETRAINING}:
        raise UserError(
            f"Expected learning curves beside the model {card.name}, found none; train it with train/*.py, which writes them."
        )
    return learning_plot(columns, title=card.name, width=width, theme=theme)


def learning_columns(curves: xr.Dataset, pretraining_steps: int) -> Columns:
    """Return the columns of a plot of learning curves, by layer; of curves that are missing there are none.

    Parameters
    ----------
    curves : xarray.Dataset
        As from :func:`atmodist_core.figures.numbers.models.learning_curves`.
    pretraining_steps : int
        Steps at the beginning that went into pre-training.
    """
    from atmodist_core.figures.numbers.models import held_out_name

    columns: Columns = {}
    if pretraining_steps:
        columns[PRETRAINING] = {"x0": np.array([0.0]), "x1": np.array([float(pretraining_steps)])}
    losses = ("loss", "content_loss", "generator_loss")
    training, held_out = next((name for name in losses if name in curves), None), held_out_name(curves)
    for name, label in ((training, TRAINING), (held_out, HELD_OUT.get(held_out or "", ""))):
        if name is not None:
            known = np.isfinite(curves[name].values)
            columns[label] = {"step": curves["step"].values[known], "loss": curves[name].values[known]}
    return columns


def learning_limits(columns: Columns) -> dict[str, tuple[float, float]]:
    """Return the ends of the axes, without the first steps of the untrained network, which would take most of the ordinate."""
    curves = [found for label, found in columns.items() if label != PRETRAINING]
    loss = np.concatenate([np.empty(0), *(found["loss"] for found in curves)])
    if not loss.size:
        return {}
    # The best value of every curve is seen, also where one curve lies above all others.
    best = max(float(found["loss"].min()) for found in curves if len(found["loss"]))
    low, high = float(loss.min()), max(float(np.quantile(loss, 0.97)), best)
    room = 0.08 * (high - low or 1.0)
    last = max(float(found["step"].max(initial=1)) for found in curves)
    return {"x": (0.0, last * 1.01), "y": (low - room, high + 3 * room)}


def learning_plot(columns: Columns, *, title: str = "", width: int = 440, theme: str = "light") -> Any:
    """Return an overlay of learning curves; ``columns`` are those of :func:`learning_columns`, other parameters those of :func:`learning_curves`.

    Examples
    --------
    >>> columns = {"training": {"step": np.array([1.0, 2.0]), "loss": np.array([0.9, 0.5])}}
    >>> learning_plot(columns).get(0).dimension_values("loss").tolist()
    [0.9, 0.5]
    """
    hv = holoviews()
    tips = [("", "$name"), ("step", "@step{0}"), ("loss", "@loss{0.000}")]
    hover = {"tools": ["hover"], "hover_tooltips": tips}
    layers = []
    for label, found in columns.items():
        if label == PRETRAINING:
            span = hv.VSpans([(found["x0"][0], found["x1"][0])], label=label)
            layers.append(span.opts(color=_SKY, alpha=0.14, line_width=0))
        elif label == TRAINING:
            curve = hv.Curve((found["step"], found["loss"]), "step", "loss", label=label)
            layers.append(curve.opts(color=_BLUE, line_width=1.8, **hover))
        else:
            marks = hv.Scatter((found["step"], found["loss"]), "step", "loss", label=label)
            layers.append(marks.opts(color=_RED, marker="diamond", size=7, line_color=None, **hover))
    ends = {f"{axis}lim": limits for axis, limits in learning_limits(columns).items()}
    options = {
        "frame_width": width,
        "frame_height": 220,
        "xlabel": "training step",
        "ylabel": "loss",
        "show_grid": True,
        "legend_position": "top_right",
        "hooks": [lambda plot, _element: plot.state.update(min_border_left=LEFT_BORDER), axes_hook(theme)],
        "title": title,
    }
    return hv.Overlay(layers).relabel("learning curves").opts(**options, **ends)
