"""Many changes of a figure are one for the page library, also where they end in an error."""

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.document.models import DocumentModelManager

from app.server.batch_model_updates import batch_model_updates
from app.views.spectra.spectrum_figure import SpectrumFigure


@pytest.fixture
def document():
    return Document()


@pytest.fixture
def collected(monkeypatch):
    """How often all models of a document were collected."""
    calls = []
    original = DocumentModelManager.recompute
    monkeypatch.setattr(
        DocumentModelManager, "recompute", lambda manager: (calls.append(manager), original(manager))[1]
    )
    return calls


def test_a_figure_that_is_given_lines_is_collected_once(document, collected):
    figure = SpectrumFigure("kinetic_energy")
    document.add_root(figure.spectrum.figure)
    degree = np.arange(1.0, 90.0)
    names = ("truth", "bicubic", "srgan-4x-mse")
    collected.clear()
    figure.draw({name: (degree, degree[None] ** -3.0) for name in names}, nyquist=20.0, fit=True)
    assert len(collected) == 1
    collected.clear()
    figure.draw({name: (degree, degree[None] ** -2.0) for name in names}, nyquist=20.0, fit=True)
    assert not collected  # nothing new, nothing to look for
    assert all(renderer.document is document for renderer in figure.spectrum.figure.renderers)
    assert len(figure.spectrum.figure.renderers) >= len(names)


def test_an_error_leaves_nothing_frozen(document, collected):
    figure = SpectrumFigure("kinetic_energy")
    document.add_root(figure.spectrum.figure)
    with pytest.raises(ZeroDivisionError), batch_model_updates(figure.spectrum.figure):
        raise ZeroDivisionError
    collected.clear()
    line = figure.spectrum.figure.line([1, 2], [1, 2])
    assert collected and line.document is document


def test_without_a_page_there_is_nothing_to_do():
    with batch_model_updates(SpectrumFigure("kinetic_energy").spectrum.figure):
        pass
