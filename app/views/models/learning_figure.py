"""Learning curves of one model, with its pre-training shaded."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import BoxAnnotation, ColumnDataSource, HoverTool, Label, Range1d
from bokeh.plotting import figure

from app.compute.model_facts import ModelFacts
from atmodist_core.figures.numbers.models import held_out_name
from atmodist_core.plots.look.style import FONT, restyle, theme_of

HEIGHT = 190


class LearningFigure:
    """Training loss as a line and held-out loss as points, against the training step, of a model with curves."""

    def __init__(self, facts: ModelFacts) -> None:
        curves = facts.curves
        assert curves is not None  # a model without curves has no figure
        plot = figure(
            height=HEIGHT,
            sizing_mode="stretch_width",
            tools=[],
            toolbar_location=None,
            x_axis_label="training step",
            y_axis_label="loss",
            min_border_left=50,
            min_border_right=12,
            name=f"learning curves of {facts.card.name}",
        )
        self.figure = plot
        step = curves["step"].values
        pre = facts.pretraining_steps
        self._span = BoxAnnotation(
            left=0, right=pre, visible=pre > 0, fill_color="#56b4e9", fill_alpha=0.14, line_width=0
        )
        plot.add_layout(self._span)
        self._span_label = Label(
            x=0,
            y=6,
            y_units="screen",
            x_offset=4,
            text="pre-training",
            text_font=FONT,
            text_font_size="10.5px",
            visible=pre > 0,
        )
        plot.add_layout(self._span_label)
        loss = curves["loss"].values if "loss" in curves else np.full(step.size, np.nan)
        source = ColumnDataSource({"step": step, "value": loss})
        line = plot.line(
            x="step", y="value", source=source, line_width=1.8, line_color="#0072b2", legend_label="training"
        )
        held = held_out_name(curves)
        shown = [loss[np.isfinite(loss)]]
        renderers = [line]
        if held is not None:
            values = curves[held].values
            known = np.isfinite(values)
            points = ColumnDataSource({"step": step[known], "value": values[known]})
            label = held.replace("_", " ").replace("held out", "held-out").replace("mse", "MSE")
            marks = {"size": 7, "marker": "diamond", "fill_color": "#d55e00", "line_color": None}
            renderers.append(plot.scatter(x="step", y="value", source=points, legend_label=label, **marks))
            shown.append(values[known])
        plot.add_tools(
            HoverTool(renderers=renderers, tooltips=[("step", "@step{0}"), ("value", "@value{0.000}")])
        )
        values = np.concatenate(shown)
        if values.size:
            # Without the first steps of the untrained network, which would take most of the axis.
            low, high = float(values.min()), float(np.quantile(values, 0.97))
            room = 0.08 * (high - low or 1.0)
            plot.y_range = Range1d(low - room, high + 3 * room)
        plot.x_range = Range1d(0, float(step[-1]) * 1.01 if step.size else 1)
        plot.legend.update(
            location="top_right",
            label_text_font=FONT,
            label_text_font_size="10.5px",
            border_line_color=None,
            spacing=0,
            padding=4,
        )

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        ink: Any = theme_of(theme)
        restyle(self.figure, theme)
        self._span_label.text_color = ink.muted
        self.figure.legend.update(
            background_fill_color=ink.surface, background_fill_alpha=0.8, label_text_color=ink.text
        )
