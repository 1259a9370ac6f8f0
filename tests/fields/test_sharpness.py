"""Sharpness of fields: against formulas of known spectra, and what becomes of it on coarsening."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.fields import coarsen
from atmodist_core.fields.sharpness import (
    attribute_name,
    keep_sharpness,
    sharpness,
    sharpness_of_source,
    sharpness_of_spectrum,
)

ROWS, COLUMNS = 96, 192


def fields(response=None, seed=0, times=2):
    """White noise on a flat area at the equator, filtered by a response of the wavenumber (1: the grid's Nyquist)."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((2, times, ROWS, COLUMNS))
    along, across = np.fft.fftfreq(ROWS)[:, None] * 2, np.fft.rfftfreq(COLUMNS) * 2
    if response is not None:
        noise = np.fft.irfft2(np.fft.rfft2(noise) * response(np.hypot(along, across)), s=(ROWS, COLUMNS))
    latitude = np.linspace(4.75, -4.75, ROWS)
    longitude = np.arange(COLUMNS) * 0.1
    axes = ("time", "latitude", "longitude")
    return xr.Dataset(
        {"vorticity": (axes, noise[0] * 1e-5), "divergence": (axes, noise[1] * 3e-6)},
        {"time": np.arange(times) * np.timedelta64(1, "D") + np.datetime64("2020-01-01", "ns"),
         "latitude": latitude, "longitude": longitude},
        {"grid": "limited-area"},
    )  # fmt: skip


@pytest.mark.parametrize("factor", [2, 4])
def test_white_noise_has_as_much_power_as_a_band_has_area(factor):
    """In white noise power grows with the area between two circles of wavenumbers."""
    edges = np.array([0.5 / factor, 1 / factor, factor**-0.5, 1.0])
    areas = np.diff(edges**2)
    wanted = 0.5 * np.log(areas[1:] / areas[0])
    for numbers in sharpness(fields(), factor).values():
        np.testing.assert_allclose(numbers, wanted, atol=0.06)


def test_a_power_law_gives_the_integral_of_its_spectrum():
    """Energy falling as k**-2 in two dimensions: amplitudes as k**-1.5 times white noise."""

    def law(k):
        return np.maximum(k, 0.02) ** -1.5

    energy = [1 / low - 1 / high for low, high in ((0.125, 0.25), (0.25, 0.5), (0.5, 1.0))]
    wanted = 0.5 * np.log(np.array(energy[1:]) / energy[0])
    np.testing.assert_allclose(sharpness(fields(law))["vorticity"], wanted, atol=0.06)
    centre = (np.arange(4000) + 0.5) / 4000
    np.testing.assert_allclose(sharpness_of_spectrum(centre**-2, 4), wanted, atol=2e-3)


def test_smoother_fields_have_lower_numbers_and_units_do_not_matter():
    plain, smooth = sharpness(fields()), sharpness(fields(lambda k: np.exp(-2 * k**2)))
    for name in plain:
        assert smooth[name][0] < plain[name][0] - 0.1 and smooth[name][1] < plain[name][1] - 0.7
    np.testing.assert_allclose(plain["vorticity"], plain["divergence"], atol=0.05)
    assert sharpness(fields().isel(latitude=slice(0, 8))) == {}


def test_coarse_fields_state_the_sharpness_of_their_source():
    fine = fields()
    coarse = coarsen(fine, 4)
    measured = sharpness(fine)
    assert sharpness_of_source(coarse, ("vorticity", "divergence"), 4) == measured
    assert sharpness_of_source(coarse, ("vorticity", "divergence"), 2) is None
    # A mean of means is one of another source.
    twice = coarsen(coarse.drop_attrs(deep=False), 2)
    assert attribute_name(4, of_source=True) not in twice.vorticity.attrs
    assert sharpness_of_source(twice, ("vorticity",), 2) == {"vorticity": sharpness(coarse, 2)["vorticity"]}


def test_what_is_kept_is_handed_on_and_of_lazy_fields_one_time_is_read():
    fine, others = fields(), fields(lambda k: np.exp(-k), seed=3)
    keep_sharpness(fine, 4, of=others)
    wanted = sharpness(others)
    assert sharpness_of_source(coarsen(fine, 4), ("vorticity", "divergence"), 4) == wanted
    keep_sharpness(fine, 4)  # once is enough
    assert tuple(fine.divergence.attrs["sharpness_4x"]) == wanted["divergence"]
    coarse = coarsen(fields().chunk({"time": 1}), 4)
    assert coarse.vorticity.chunks
    assert sharpness_of_source(coarse, ("vorticity",), 4) == {
        "vorticity": sharpness(fields(), times=1)["vorticity"]
    }
    upside_down = coarsen(fields().isel(latitude=slice(None, None, -1)), 4)
    assert np.isfinite(upside_down.vorticity.values).all()
    members = fields().expand_dims(member=2)
    assert attribute_name(4, of_source=True) not in coarsen(members, 4).vorticity.attrs


@pytest.mark.parametrize("wrong", [[1.0], "sharp", [1.0, np.nan], [[1.0, 2.0]]])
def test_broken_statements_are_as_good_as_none(wrong):
    coarse = coarsen(fields(), 4)
    coarse.vorticity.attrs[attribute_name(4, of_source=True)] = wrong
    assert sharpness_of_source(coarse, ("vorticity", "divergence"), 4) is None
