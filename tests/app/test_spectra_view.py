"""The Spectra view without a browser: the library's plots, given new data in place and sent as one change."""

from dataclasses import replace

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.document.models import DocumentModelManager

import atmodist_core as ad
from app.theme.theme import DARK, LIGHT
from app.views.spectra.spectrum_figure import SpectrumFigure
from app.views.spectra.view import SpectraView
from atmodist_core.plots.live import LivePlot, batch_model_updates
from atmodist_core.plots.spectrum_plots.curves import GUIDES, NYQUIST, wavenumber_of
from tests.app.conftest import settled_session


def test_spectra_and_ratio_are_drawn(globe, models, engine):
    session = settled_session(engine, view="spectra", region="Globe")
    session._started = False
    view = SpectraView(session)
    one = view._figures["vorticity"]
    spectrum = session.comparison.spectra["bicubic"]["spectrum"]
    np.testing.assert_allclose(one.spectrum.source("bicubic").data["power"], spectrum["vorticity"])
    truth = session.comparison.spectra["truth"]["spectrum"]["vorticity"].values
    ratio = one.ratio.source("bicubic").data["ratio"]
    real = truth > 1e-11 * truth.max()
    np.testing.assert_allclose(ratio[real], (spectrum["vorticity"].values / truth)[real])
    # 72 rows of the globe and blocks of four: the coarse grid carries 18 waves.
    for plot in (one.spectrum, one.ratio):
        assert plot.source(NYQUIST).data["x"][0] == pytest.approx(18, rel=0.05)
        assert plot.renderer(NYQUIST).visible and plot.renderer("bicubic").visible
    assert next(part for part in one.spectrum.figure.center if part.name == NYQUIST).x == pytest.approx(
        18, rel=0.05
    )
    session.state.methods = ["bilinear"]
    assert not one.spectrum.renderer("bicubic").visible and not one.ratio.renderer("bicubic").visible
    assert one.ratio.source("bicubic") is one.spectrum.source("bicubic"), "one message for both"
    assert "ratio" not in one.spectrum.source("truth").data, "no ratio of the truth to itself"


def test_the_page_draws_what_a_notebook_does(globe, models, engine):
    session = settled_session(engine, view="spectra", region="Globe")
    session._started = False
    view = SpectraView(session)
    found = {name: parts["spectrum"] for name, parts in session.comparison.spectra.items()}
    for theme in (LIGHT, DARK):
        session.state.theme = theme
        plots = ad.plots.spectra(found, quantity="vorticity", theme=theme)
        shown = view._figures["vorticity"]
        for element, live in zip(plots, (shown.spectrum, shown.ratio), strict=True):
            drawn = LivePlot(element)
            visible = {label for label in live.labels if live.renderer(label).visible}
            assert visible - {NYQUIST} == set(drawn.labels)  # of spectra alone the coarse grid is not known
            for label in drawn.labels:
                mine, other = live.renderer(label), drawn.renderer(label)
                for column, values in drawn.source(label).data.items():
                    np.testing.assert_array_equal(live.source(label).data[column], values)
                for look in ("line_color", "line_width", "line_dash", "text_color"):
                    one, two = (getattr(getattr(r, "glyph", r), look, None) for r in (mine, other))
                    assert getattr(one, "value", one) == getattr(two, "value", two), (label, look)
            for axis in ("xaxis", "yaxis"):
                for one, two in zip(getattr(live.figure, axis), getattr(drawn.figure, axis), strict=True):
                    assert one.axis_label == two.axis_label and one.visible == two.visible
                    assert one.major_label_overrides == two.major_label_overrides
                    assert one.major_label_text_color == two.major_label_text_color
            for name in ("x_range", "y_range"):
                one, two = getattr(live.figure, name), getattr(drawn.figure, name)
                assert (one.start, one.end) == pytest.approx((two.start, two.end))


def test_only_lines_that_have_changed_are_sent(globe, models, engine):
    session = settled_session(engine, view="spectra", region="Globe")
    session._started = False
    view = SpectraView(session)
    sent = []
    plots = [view._variogram.plot]
    for one in view._figures.values():
        plots += [one.spectrum, one.ratio]
    sources = {id(source): source for plot in plots for source in map(plot.source, plot.labels)}
    for source in sources.values():
        source.on_change("data", lambda _attr, _old, _new: sent.append(1))
    lines = [label for label in view._variogram.plot.labels if label.endswith("lags")]
    assert len(lines) == 1 + 5, "the coarse input has no semivariogram"
    session.busy = True
    session.state.theme = DARK
    session.comparison = replace(session.comparison, complete=False)
    session.busy = False
    assert sent == []
    session.state.field = "divergence"
    session.comparison = replace(
        session.comparison, question=replace(session.comparison.question, field="divergence")
    )
    assert len(sent) == 5, "the semivariogram alone depends on the field"


def test_the_band_of_a_period_is_that_of_its_times():
    one = SpectrumFigure("vorticity")
    degree = np.arange(1.0, 90.0)
    power = np.array([[1.0], [2.0], [3.0], [4.0]]) * degree**-2.0
    one.draw({"truth": (degree, power), "bicubic": (degree, power / 2)}, nyquist=None, fit=True)
    band = one.spectrum.source("bicubic, 16-84 %").data
    low, high = np.quantile(power[:, 4] / 2, (0.16, 0.84))
    assert band["y"][band["x"] == degree[4]].tolist() == pytest.approx([high, low])
    assert one.spectrum.renderer("bicubic, 16-84 %").level == "underlay"
    assert not one.spectrum.renderer(NYQUIST).visible
    one.draw({"truth": (degree, power[:1]), "bicubic": (degree, power[:1])}, nyquist=None, fit=False)
    assert not one.spectrum.renderer("bicubic, 16-84 %").visible


def test_guides_have_their_slopes():
    one = SpectrumFigure("vorticity")
    degree = np.arange(1.0, 180.0)
    one.draw({"truth": (degree, degree[None] ** -1.0)}, nyquist=None, fit=True)
    for slope, text in GUIDES.items():
        data = one.spectrum.source(text).data
        found = np.diff(np.log(data["y"])) / np.diff(np.log(data["x"]))
        assert found[0] == pytest.approx(slope + 2)
    assert wavenumber_of(40_000) == pytest.approx(1, rel=0.01)


def test_rounding_errors_beyond_the_truncation_do_not_take_the_axis():
    one = SpectrumFigure("kinetic_energy")
    degree = np.arange(1.0, 360.0)
    power = np.where(degree < 180, degree**-3.0, 1e-30)
    one.draw({"truth": (degree, power[None])}, nyquist=None, fit=True)
    assert 1e-10 < one.spectrum.figure.y_range.start < 180**-3.0
    assert one.ratio.figure.x_range is one.spectrum.figure.x_range


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
