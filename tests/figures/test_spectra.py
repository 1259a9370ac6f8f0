"""Spectra with a ratio panel, and semivariograms."""

import numpy as np
import pytest

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import energy_spectrum, regional_spectrum, semivariogram
from atmodist_core.figures import figure_bytes, semivariogram_figure, spectrum_figure
from tests.evaluation.mock_fields import area, globe


@pytest.fixture(scope="module")
def regional():
    truth = area(48, 64, times=4, seed=1, smooth=1.0)
    return {"bicubic": regional_spectrum(0.5 * truth), "truth": regional_spectrum(truth)}


def line(axes, label):
    return next(entry for entry in axes.lines if entry.get_label() == label)


def test_lines_are_means_and_ratios(regional):
    figure = spectrum_figure(regional, "vorticity")
    upper, lower = figure.axes[:2]
    truth = regional["truth"]
    np.testing.assert_allclose(line(upper, "truth").get_xdata(), truth.equivalent_degree)
    np.testing.assert_allclose(line(upper, "truth").get_ydata(), truth.vorticity.mean("time"))
    # Half the field has a quarter of the power at every wavelength.
    np.testing.assert_allclose(line(lower, "bicubic").get_ydata(), 0.25, rtol=1e-6)
    assert upper.get_xscale() == upper.get_yscale() == "log"
    assert "s$^{-2}$" in upper.get_ylabel() and lower.get_ylabel() == "ratio to truth"
    assert len(upper.collections) == 2  # a band for each


def test_global_spectra_start_at_degree_one():
    spectra = {"truth": energy_spectrum(globe(24)), "srgan-4x-mse": energy_spectrum(globe(24, seed=3))}
    figure = spectrum_figure(spectra, coarse_nyquist_km=5000.0, title="globe", caption="simulated")
    upper = figure.axes[0]
    assert line(upper, "truth").get_xdata()[0] == 1
    # -3 and -5/3 for the eye
    assert {text.get_text() for text in upper.texts} == {"$k^{-3}$", "$k^{-5/3}$"}
    shaded = upper.patches[0].get_x()
    assert shaded == pytest.approx(2 * np.pi * EARTH_RADIUS_M / 1000 / 5000)
    figure.canvas.draw()
    assert figure_bytes(figure, "svg").startswith(b"<?xml")


def test_slope_lines_have_the_slope():
    figure = spectrum_figure({"truth": energy_spectrum(globe(48))}, slopes=[(-3.0, "three")])
    axes = figure.axes[0]
    x, y = axes.lines[-1].get_data()
    assert np.log(y[1] / y[0]) / np.log(x[1] / x[0]) == pytest.approx(-3)


def test_without_truth_there_is_no_ratio(regional):
    figure = spectrum_figure({"bicubic": regional["bicubic"]})
    assert len(figure.axes) == 1


def test_a_coarse_spectrum_is_compared_where_it_has_wavenumbers():
    fine = area(48, 64, north=20, seed=1)
    coarse = fine.coarsen(latitude=4, longitude=4).mean()
    spectra = {"coarse": regional_spectrum(coarse), "truth": regional_spectrum(fine)}
    lower = spectrum_figure(spectra, "vorticity").axes[1]
    ratio = line(lower, "coarse input")
    assert 0 < len(ratio.get_xdata()) < spectra["truth"].sizes["wavelength_km"]
    assert ratio.get_xdata()[0] == pytest.approx(float(spectra["truth"].equivalent_degree[0]))


def test_semivariogram_draws_the_mean_over_time():
    truth = semivariogram(area(60, 60, times=3), (100, 200, 400), pairs=100)
    figure = semivariogram_figure({"truth": truth}, "divergence")
    axes = figure.axes[0]
    np.testing.assert_allclose(line(axes, "truth").get_ydata(), truth.divergence.mean("time"))
    assert "km" in axes.get_xlabel() and "s$^{-2}$" in axes.get_ylabel()
    normalised = semivariogram(area(), (100,), pairs=50, normalise_by=area())
    assert "variance of truth" in semivariogram_figure({"truth": normalised}).axes[0].get_ylabel()


@pytest.mark.parametrize(
    ("spectra", "variable", "options", "words"),
    [
        ({}, "vorticity", {}, "at least one spectrum"),
        ({"truth": regional_spectrum(area())}, "enstrophy", {}, "enstrophy"),
        (
            {"truth": regional_spectrum(area()), "bicubic": energy_spectrum(globe(16))},
            "vorticity",
            {},
            "one kind",
        ),
        ({"truth": 0 * regional_spectrum(area())}, "vorticity", {}, "above zero"),
        (
            {"truth": regional_spectrum(area())},
            "vorticity",
            {"coarse_nyquist_km": -1.0},
            "positive wavelength",
        ),
    ],
)
def test_bad_spectra(spectra, variable, options, words):
    with pytest.raises(UserError, match=words):
        spectrum_figure(spectra, variable, **options)


def test_bad_semivariograms():
    with pytest.raises(UserError, match="at least one"):
        semivariogram_figure({})
    with pytest.raises(UserError, match="enstrophy"):
        semivariogram_figure({"truth": semivariogram(area(), (100,), pairs=10)}, "enstrophy")
