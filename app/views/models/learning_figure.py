"""Learning curves of one model: the library's plot, rendered once and given the curves of each."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from app.compute.model_facts import ModelFacts
from app.views.shared.axes import fit_page
from atmodist_core.plots.learning_plots import (
    HELD_OUT,
    PRETRAINING,
    TRAINING,
    learning_columns,
    learning_limits,
    learning_plot,
)
from atmodist_core.plots.live import LivePlot

HEIGHT = 190


@lru_cache(maxsize=1)
def template() -> LivePlot:
    """Return the plot of which that of every model is a copy, with all layers there can be."""
    curve = {"step": np.array([0.0, 1.0]), "loss": np.array([1.0, 0.5])}
    span = {"x0": np.array([0.0]), "x1": np.array([1.0])}
    plot = LivePlot(
        learning_plot({PRETRAINING: span, TRAINING: curve, **dict.fromkeys(HELD_OUT.values(), curve)})
    )
    fit_page(plot.figure, height=HEIGHT, min_border_right=12)
    # The page scrolls where the pointer is over a card.
    plot.figure.tools = [tool for tool in plot.figure.tools if hasattr(tool, "tooltips")]
    plot.figure.legend.update(label_text_font_size="10.5px", spacing=0, padding=4)
    return plot


class LearningFigure:
    """Training loss as a line and held-out loss as points, against the training step, of a model with curves."""

    def __init__(self, facts: ModelFacts) -> None:
        assert facts.curves is not None  # a model without curves has no figure
        self.plot = template().copy()
        self.figure = self.plot.figure
        self.figure.name = f"learning curves of {facts.card.name}"
        columns = learning_columns(facts.curves, facts.pretraining_steps)
        self.plot.update_layers(columns)
        self.plot.show_only(columns)
        self.plot.set_range(**learning_limits(columns))

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        self.plot.restyle(theme)
