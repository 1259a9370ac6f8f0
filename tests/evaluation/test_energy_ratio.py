"""Power beyond the coarse Nyquist wavenumber."""

import numpy as np
import pytest
import torch

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import (
    coarse_nyquist_wavelength_km,
    energy_spectrum,
    high_wavenumber_energy_ratio,
)
from atmodist_core.evaluation.diagnostics.energy_ratio import nyquist_degree
from atmodist_core.harmonics import get_transform
from tests.evaluation.mock_fields import area, globe

DEGREE_KM = np.pi / 180 * EARTH_RADIUS_M / 1000


def test_the_coarse_nyquist_of_the_demo_grid_is_degree_90():
    # 0.5 degrees and a factor of 4: 2 degrees, 90 coarse rows; the shortest wave is 4 degrees long.
    assert nyquist_degree(89.75 - 0.5 * np.arange(360), 4) == 90
    ds = globe(48)  # 3.75 degrees
    assert coarse_nyquist_wavelength_km(ds, 4) == pytest.approx(2 * 4 * 3.75 * DEGREE_KM)
    region = area(spacing=(0.5, 0.5), north=60)
    assert coarse_nyquist_wavelength_km(region, 4) == pytest.approx(2 * 4 * 0.5 * DEGREE_KM)


def test_global_ratio_is_that_of_the_spectra_beyond_the_nyquist_degree():
    prediction, truth = globe(48, times=2, seed=1), globe(48, times=2, seed=2)
    ratio = high_wavenumber_energy_ratio(prediction, truth, 4)
    beyond = [
        energy_spectrum(ds).sel(total_wavenumber=slice(13, None)).sum("total_wavenumber")
        for ds in (prediction, truth)
    ]
    for name in ("vorticity", "divergence", "kinetic_energy"):
        np.testing.assert_allclose(ratio[name], beyond[0][name] / beyond[1][name], rtol=1e-6)
    assert ratio.attrs["transform"] == "spherical harmonics"


def test_what_the_coarse_grid_carries_does_not_count_on_the_globe():
    truth = globe(48, seed=1)
    transform = get_transform(48, 96, 23, "cell-centred")
    prediction = truth.copy(deep=True)
    for name in ("vorticity", "divergence"):
        coefficients = transform.analysis(torch.from_numpy(truth[name].values))
        coefficients[..., :13, :] *= 3  # degrees 0..12 = 48/4
        coefficients[..., 13:, :] *= 0.5
        prediction[name].values = transform.synthesis(coefficients).numpy()
    ratio = high_wavenumber_energy_ratio(prediction, truth, 4)
    for name in ("vorticity", "divergence", "kinetic_energy"):
        assert float(ratio[name][0]) == pytest.approx(0.25, rel=1e-4)


def test_waves_on_either_side_of_the_nyquist_of_a_region():
    truth = area(64, 64, north=16, spacing=(0.5, 0.5))
    j = np.arange(64)
    prediction = truth.copy(deep=True)
    # Rows of 64 points of 0.5 degrees: 2 x 4 x 0.5 degrees are 16 half waves. 15 is carried, 18 is not.
    long, short = np.cos(np.pi * 15 * (j + 0.5) / 64), np.cos(np.pi * 18 * (j + 0.5) / 64)
    for name in ("vorticity", "divergence"):
        truth[name][0] = (long + short)[:, None] * np.ones(64)
        prediction[name][0] = (7 * long + 2 * short)[:, None] * np.ones(64)
    ratio = high_wavenumber_energy_ratio(prediction, truth, 4)
    for name in ("vorticity", "divergence", "kinetic_energy"):
        assert float(ratio[name][0]) == pytest.approx(4.0, rel=1e-5)
    assert ratio.attrs["transform"] == "discrete cosine transform"


def test_scaling_and_identity():
    truth = area(times=3)
    ratio = high_wavenumber_energy_ratio(2 * truth, truth, 4)
    np.testing.assert_allclose(ratio.vorticity, 4.0, rtol=1e-6)
    np.testing.assert_allclose(high_wavenumber_energy_ratio(truth, truth, 4).divergence, 1.0)
    assert ratio.vorticity.dims == ("time",)


def test_a_truth_without_small_scales_gives_a_missing_ratio():
    truth = 0 * area()
    assert np.isnan(high_wavenumber_energy_ratio(area(), truth, 4).vorticity).all()


@pytest.mark.parametrize("factor", [0, 1, -4, 2.5, True, "4"])
def test_bad_factor(factor):
    with pytest.raises(UserError, match="factor of 2 or more"):
        high_wavenumber_energy_ratio(area(), area(), factor)


@pytest.mark.parametrize(
    ("prediction", "truth", "words"),
    [
        (lambda: area(40, 60), lambda: area(40, 56), "one grid"),
        (lambda: area(west=11), lambda: area(), "one grid"),
        (lambda: area(times=2), lambda: area(), "as many times"),
        (lambda: area().assign_coords(time=area(times=2).time[1:]), lambda: area(), "same times"),
        (lambda: area()[["vorticity"]], lambda: area(), "divergence"),
        (lambda: area().drop_vars("latitude"), lambda: area(), "coordinate latitude"),
        (lambda: globe(8), lambda: globe(8), None),
    ],
)
def test_bad_pairs(prediction, truth, words):
    if words is None:  # a factor as large as the grid leaves nothing coarse, but still works
        assert np.isfinite(high_wavenumber_energy_ratio(prediction(), truth(), 8).vorticity).all()
        return
    with pytest.raises(UserError, match=words) as error:
        high_wavenumber_energy_ratio(prediction(), truth(), 4)
    assert str(error.value).count(". ") == 0
