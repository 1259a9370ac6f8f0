"""A live plot changes its data and nothing else."""

import holoviews as hv
import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.plots.live import LivePlot


def test_layers_are_updated_in_place():
    image = hv.Image(np.zeros((3, 4)), label="field").opts(cmap="viridis", clim=(0, 1))
    plot = LivePlot(image * hv.Path([[(0, 0), (1, 1)]], label="coast"), frame_width=200)
    assert plot.labels == ["field", "coast"] and plot.figure.frame_width == 200
    before = plot.source("field")
    plot.update_image("field", np.ones((3, 4)))
    assert plot.source("field") is before and before.data["image"][0].min() == 1
    assert plot.renderer("field").glyph.color_mapper.high == 1


def test_options_of_the_element_are_kept():
    curve = hv.Curve([(1, 1.0), (2, 2.0)], label="truth").opts(color="red")
    plot = LivePlot(hv.Overlay([curve, hv.Curve([(1, 2.0)], label="other")]).opts(ylabel="power", logy=True))
    assert plot.figure.yaxis.axis_label == "power"
    assert plot.renderer("truth").glyph.line_color == "red"


def test_mistakes_get_one_sentence():
    with pytest.raises(UserError, match="layers with different labels"):
        LivePlot(hv.Curve([1], label="a") * hv.Curve([2], label="a"))
    plot = LivePlot(hv.Curve([(1, 1.0)], label="a"))
    with pytest.raises(UserError, match="Expected a layer among a, found 'b'"):
        plot.update("b", y=[1])
    with pytest.raises(UserError, match="Expected columns among"):
        plot.update("a", z=[1])
