"""The figure that introduces an atmosphere."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import atmosphere_statistics, lag_correlation
from atmodist_core.figures import atmosphere_figure, figure_bytes
from tests.evaluation.mock_fields import area, globe


def test_it_shows_maps_spectrum_density_and_memory():
    ds = globe(64, times=4, slope=-1.0, truncation=63)
    figure = atmosphere_figure(ds, label="simulated", caption="made up")
    titles = {axes.get_title() for axes in figure.axes}
    assert {"vorticity", "density", "correlation over time lag"} <= titles
    assert "simulated" in figure.get_suptitle() and "4 times" in figure.get_suptitle()
    memory = next(axes for axes in figure.axes if axes.get_title() == "correlation over time lag")
    np.testing.assert_allclose(memory.lines[0].get_ydata(), lag_correlation(ds).vorticity)
    density = next(axes for axes in figure.axes if axes.get_title() == "density")
    kurtosis = float(atmosphere_statistics(ds).kurtosis[0])
    assert f"kurtosis {kurtosis:.0f}" in density.lines[0].get_label()
    x, y = density.lines[0].get_data()
    assert (y * (x[1] - x[0])).sum() == pytest.approx(1, abs=1e-6)
    assert figure_bytes(figure, dpi=50).startswith(b"\x89PNG")


def test_one_time_has_no_memory_curve():
    figure = atmosphere_figure(globe(64, truncation=63), label="simulated")
    memory = next(axes for axes in figure.axes if axes.get_title() == "correlation over time lag")
    assert len(memory.lines) == 1  # zero


@pytest.mark.parametrize(
    ("ds", "label", "words"),
    [(area(), "x", "whole globe"), (globe(16), "", "label"), (globe(16)[["vorticity"]], "x", "divergence")],
)
def test_bad_input(ds, label, words):
    with pytest.raises(UserError, match=words):
        atmosphere_figure(ds, label=label)
