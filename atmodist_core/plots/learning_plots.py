"""Learning curves of a trained model as a HoloViews object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import axes_hook, theme_of


def learning_curves(model: str | Path, *, width: int = 440, theme: str = "light") -> Any:
    """Return training and held-out loss over the steps, with the span of the pre-training.

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
    >>> learning_curves("srgan-4x-mse").label
    'learning curves'
    """
    from atmodist_core.figures.numbers.models import held_out_name, pretraining_steps
    from atmodist_core.figures.numbers.models import learning_curves as read_curves
    from atmodist_core.models.card import find_model, read_card

    hv = holoviews()
    folder = find_model(model)
    card = read_card(folder)
    curves = read_curves(folder)
    held_out = None if curves is None else held_out_name(curves)
    training = (
        None
        if curves is None
        else next((n for n in ("loss", "content_loss", "generator_loss") if n in curves), None)
    )
    if curves is None or (held_out is None and training is None):
        raise UserError(
            f"Expected learning curves beside the model {card.name}, found none; train it with train/*.py, which writes them."
        )
    colours, layers = theme_of(theme), []
    before = pretraining_steps(card)
    if before:
        layers.append(hv.VSpan(0, before).opts(color=colours.line, alpha=0.5))
    for name, label, colour in ((training, "training", colours.muted), (held_out, "held out", "#009e73")):
        if name is None:
            continue
        values = curves[name].values
        known = np.isfinite(values)
        curve = hv.Curve((curves["step"].values[known], values[known]), "step", "loss", label=label)
        layers.append(curve.opts(color=colour, line_width=1.8, tools=["hover"]))
    return (
        hv.Overlay(layers)
        .relabel("learning curves")
        .opts(
            frame_width=width,
            frame_height=220,
            xlabel="step",
            ylabel="loss",
            show_grid=True,
            hooks=[axes_hook(theme)],
            title=card.name,
        )
    )
