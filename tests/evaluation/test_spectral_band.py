"""The band of degrees: where it begins, where it ends, and how that is known."""

from itertools import pairwise

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.statistics.spectral_band import spectral_band, stated_truncation

LATITUDE = 90 - 0.5 * (np.arange(360) + 0.5)


def spectrum(last, limit=359):
    degree = np.arange(limit + 1.0)
    power = np.where(degree <= last, (degree + 1) ** -3.0, 1e-16)
    return np.stack([power, 0.1 * power])


def test_the_demo_band():
    band = spectral_band(
        LATITUDE, 4, spectrum(179), {"derived_from": "spherical-harmonic coefficients to T179"}
    )
    assert (band.first, band.last, band.grid_limit) == (91, 179, 359)
    assert "degrees 91 to 179, the truncation that the data state" in band.origin
    parts = band.parts()
    assert [parts[0].start, parts[-1].stop] == [91, 180] and len(parts) == 4
    assert all(a.stop == b.start for a, b in pairwise(parts))
    assert {part.stop - part.start for part in parts} <= {22, 23}
    assert band.beyond == slice(180, 360)


def test_without_a_statement_the_spectrum_tells():
    band = spectral_band(LATITUDE, 4, spectrum(170), {})
    assert band.last == 170 and "spectrum is not empty" in band.origin


def test_data_that_fill_the_grid():
    band = spectral_band(90 - np.arange(180.0), 4, spectrum(400, limit=179), {})
    assert (band.first, band.last) == (46, 179) and "grid's last degree" in band.origin
    assert np.zeros(180)[band.beyond].size == 0


def test_nothing_beyond_the_coarse_grid():
    with pytest.raises(UserError, match="degree 90"):
        spectral_band(LATITUDE, 4, spectrum(80), {"truncation": 80})


def test_statements():
    assert stated_truncation({"truncation": 213}) == 213
    assert stated_truncation({"derived_from": "wind"}) is None
    assert stated_truncation({}) is None
