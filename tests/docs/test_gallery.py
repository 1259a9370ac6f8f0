"""Every example of the gallery runs, without a warning, and what it says of its numbers holds: the asserts stand in the examples."""

import ast
import runpy
import warnings
from pathlib import Path

import holoviews as hv
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bokeh.models import GlyphRenderer
from matplotlib.figure import Figure

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "docs" / "gallery").glob("*.py"))


def test_there_are_examples():
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_holds(example, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        # Pyplot keeps every figure of one process; here one is closed after the other.
        warnings.simplefilter("error")
        try:
            names = runpy.run_path(str(example), run_name="example")
            figure = names["figure"]
            if isinstance(figure, Figure):
                figure.canvas.draw()
                assert np.ptp(np.asarray(figure.canvas.buffer_rgba())[..., :3]) > 100, "an empty figure"
            else:
                shown = hv.renderer("bokeh").get_plot(figure).state
                assert list(shown.select({"type": GlyphRenderer})), "an empty figure"
        finally:
            plt.close("all")
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_asserts_what_it_says(example):
    """An example without an assert would pass whatever it computes."""
    tree = ast.parse(example.read_text())
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    title, underline, *_ = (ast.get_docstring(tree) or "").splitlines()
    assert set(underline) == {"="} and len(underline) >= len(title)
