"""A live plot changes its data and nothing else."""

import holoviews as hv
import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.plots.live import LivePlot
from atmodist_core.plots.look.style import THEMES, axes_hook, colour_map


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


def test_a_copy_has_models_of_its_own():
    plot = LivePlot(hv.Curve([(0, 1.0), (1, 2.0)], label="truth").opts(tools=["hover"]), frame_width=200)
    first, second = plot.copy(), plot.copy()
    first.update("truth", y=np.array([5.0, 6.0]))
    first.renderer("truth").glyph.line_color = "red"
    assert second.source("truth").data["y"].tolist() == plot.source("truth").data["y"].tolist() == [1.0, 2.0]
    assert second.renderer("truth").glyph.line_color != "red" and second.figure.frame_width == 200
    ids = [{model.id for model in one.figure.references()} for one in (plot, first, second)]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2])
    assert first.renderer("truth") in first.figure.renderers
    assert first.source("truth") is first.renderer("truth").data_source


def test_copies_share_all_models_but_their_own():
    curves = [hv.Curve([(0, 1.0), (1, 2.0)], label=name) for name in ("truth", "coast")]
    plot = LivePlot(curves[0] * curves[1], show_legend=False)
    truth = plot.renderer("truth")
    own, shared = {plot.figure.id, truth.id, truth.data_source.id, truth.glyph.id}, {}
    first, second = plot.copy(shared, own), plot.copy(shared, own)
    assert first.source("coast") is second.source("coast") and first.figure.xaxis[0] is second.figure.xaxis[0]
    both = {one.id for one in first.figure.references()} & {one.id for one in second.figure.references()}
    alone = {one.id for one in first.figure.references()} - both
    assert len(alone) == len(own)
    assert not both & {one.id for one in plot.figure.references()}
    first.update("truth", y=np.array([5.0, 6.0]))
    assert second.source("truth").data["y"].tolist() == [1.0, 2.0]


def test_a_layer_like_another_has_its_look_and_its_tooltip():
    plot = LivePlot(hv.Curve([(0, 1.0), (1, 2.0)], label="truth").opts(line_width=3, tools=["hover"]))
    plot.add_layer("model", like="truth")
    plot.update("model", y=np.array([0.0, 0.5]))
    assert plot.labels == ["truth", "model"] and plot.renderer("model").glyph.line_width == 3
    assert plot.source("truth").data["y"].tolist() == [1.0, 2.0]
    hover = next(tool for tool in plot.figure.tools if type(tool).__name__ == "HoverTool")
    assert [one.name for one in hover.renderers] == ["truth", "model"]


def test_mistakes_get_one_sentence():
    with pytest.raises(UserError, match="layers with different labels"):
        LivePlot(hv.Curve([1], label="a") * hv.Curve([2], label="a"))
    plot = LivePlot(hv.Curve([(1, 1.0)], label="a"))
    with pytest.raises(UserError, match="Expected a layer among a, found 'b'"):
        plot.update("b", y=[1])
    with pytest.raises(UserError, match="Expected columns among"):
        plot.update("a", z=[1])


def curve(label, **options):
    return hv.Curve([(1, 1.0), (2, 2.0)], label=label).opts(**options)


def test_a_layer_added_later_leaves_ranges_and_data():
    plot = LivePlot(hv.Overlay([curve("a", tools=["hover"]), curve("b")]).opts(logx=True))
    plot.update("a", y=np.array([5.0, 6.0]))
    plot.set_range(x=(2, 3))
    source = plot.source("a")
    plot.add(curve("b") * curve("c", color="red", tools=["hover"]))
    assert plot.labels == ["a", "b", "c"] and plot.source("a") is source
    assert (plot.figure.x_range.start, plot.figure.x_range.reset_end) == (2, 3)
    assert plot.renderer("c") in plot.figure.renderers and plot.renderer("c").glyph.line_color == "red"
    assert plot.hover("c") in plot.figure.tools and plot.hover("c").renderers == [plot.renderer("c")]
    assert plot.hover("b") is None
    assert [item.label.value for item in plot.figure.legend[0].items] == ["a", "b", "c"]
    assert len(plot.figure.renderers) == 3


def test_layers_that_are_not_wanted_are_hidden():
    plot = LivePlot(hv.Overlay([curve("a"), curve("b"), hv.VLine(1.0, label="mark")]))
    plot.show_only(["b", "unknown"])
    assert [plot.renderer(label).visible for label in plot.labels] == [False, True, False]
    plot.show("mark")
    assert plot.renderer("mark").visible


def test_equal_columns_are_not_sent_again():
    plot = LivePlot(curve("a"))
    events = []
    plot.source("a").on_change("data", lambda _attr, _old, new: events.append(new))
    plot.update("a", y=np.array([1.0, np.nan]))
    plot.update("a", y=np.array([1.0, np.nan]))
    assert len(events) == 1
    plot.update_layers({"a": {"y": np.array([1.0, 2.0])}})
    assert len(events) == 2


def test_two_layers_can_have_one_source():
    plot, other = LivePlot(curve("a") * curve("b")), LivePlot(curve("a"))
    for live, label in ((plot, "b"), (other, "a")):
        live.share_source(label, plot.source("a"))
        plot.update("a", y=np.array([3.0, 4.0]))
        assert live.renderer(label).data_source is plot.source("a") is live.source(label)


def test_a_theme_changes_its_own_colours_only():
    light, dark = THEMES["light"], THEMES["dark"]
    image = hv.Image(np.zeros((3, 4)), label="field").opts(cmap=colour_map(True, "light"), colorbar=True)
    layers = [image, curve("truth", color=light.text), curve("bicubic", color="#0072b2")]
    layers += [hv.VLine(1.0, label="mark").opts(color=light.muted), hv.Text(1, 1, "k").relabel("name")]
    plot = LivePlot(hv.Overlay(layers).opts(hooks=[axes_hook("light")]))
    plot.restyle("dark")
    assert (
        plot.figure.border_fill_color == dark.surface and plot.figure.right[0].title_text_color == dark.muted
    )
    assert plot.renderer("truth").glyph.line_color == dark.text
    assert plot.renderer("bicubic").glyph.line_color == "#0072b2"
    assert plot.renderer("mark").line_color == dark.muted
    assert plot.renderer("field").glyph.color_mapper.palette == colour_map(True, "dark")
    plot.restyle("light")
    assert plot.renderer("truth").glyph.line_color == light.text
    assert plot.renderer("field").glyph.color_mapper.palette == colour_map(True, "light")


def test_no_colour_of_a_theme_stands_for_two_things():
    for theme in THEMES.values():
        colours = [theme.text, theme.muted, theme.line, theme.surface, theme.raised]
        assert len(set(colours)) == len(colours)


def test_a_plot_leaves_the_document_of_the_visitor_alone():
    from bokeh.document import Document
    from bokeh.io.doc import patch_curdoc

    page = Document()
    theme = page.theme
    with patch_curdoc(page):
        LivePlot(hv.Curve([(0, 1.0), (1, 2.0)], label="a"))
    assert page.theme is theme and not page.session_destroyed_callbacks
