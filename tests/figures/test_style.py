"""Style: appearance of methods, files, and no global state."""

import sys

import matplotlib
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.figures import DARK, figure_bytes, method_style, spectrum_figure
from atmodist_core.figures.style import add_titles, new_figure, style_axes
from tests.evaluation.mock_fields import area


def test_known_methods_differ_in_colour():
    names = [
        "truth",
        "coarse",
        "bilinear",
        "bicubic",
        "sr-4x-mse",
        "srgan-4x-mse",
        "srgan-4x-autoencoder",
        "srgan-4x-atmodist",
    ]
    colours = [method_style(name).colour for name in names]
    assert len(set(colours)) == len(names)
    assert len({(method_style(name).dashes, method_style(name).width) for name in names}) >= 6


def test_unknown_method_keeps_its_colour():
    assert method_style("my-model") == method_style("my-model")
    assert method_style("my-model").label == "my-model"
    assert method_style("my-model").colour is not None


@pytest.mark.parametrize(("file_format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_files(file_format, start):
    figure = new_figure(2, 1)
    figure.subplots(1, 1).plot([0, 1])
    data = figure_bytes(figure, file_format, dpi=50)
    assert data.startswith(start)


def test_unknown_format():
    with pytest.raises(UserError, match="png, svg, pdf"):
        figure_bytes(new_figure(1, 1), "gif")


def test_titles_and_dark_colours():
    figure = new_figure(3, 2, DARK)
    axes = figure.subplots(1, 1)
    style_axes(axes, DARK)
    add_titles(figure, "a title", "a caption", DARK)
    assert figure.get_suptitle() == "a title" and figure.get_supxlabel() == "a caption"
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == DARK.background


def test_no_global_state_is_touched():
    before = dict(matplotlib.rcParams)
    from atmodist_core.evaluation import regional_spectrum

    figure_bytes(spectrum_figure({"truth": regional_spectrum(area())}), "png", dpi=40)
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()
