"""The spectrum of a limited area: Parseval, pure waves, known slopes, direct sums."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import regional_spectrum, spectral_slope
from atmodist_core.evaluation.diagnostics.regional_spectra import CosineModes, cosine_power
from tests.evaluation.mock_fields import area, dataset, globe

SPACINGS = [(0.5, 0.5), (0.25, 1.0), (1.0, 0.4)]


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("shape", [(40, 60), (61, 33)])
def test_all_bins_sum_to_the_variance(shape, spacing):
    ds = area(*shape, spacing=spacing, times=3, north=50)
    spectrum = regional_spectrum(ds, corners=True)
    for name in ("vorticity", "divergence"):
        variance = ds[name].astype("float64").var(("latitude", "longitude"))
        np.testing.assert_allclose(spectrum[name].sum("wavelength_km"), variance, rtol=1e-12)


def test_power_of_every_mode_is_the_squared_cosine_coefficient():
    # The definition, as a double sum: f_mn = c_m c_n sum_ij f_ij cos(pi m (i+1/2)/4) cos(pi n (j+1/2)/5) with
    # c_0 = sqrt(1/N), c_m = sqrt(2/N); Denis et al. (2002), divided by the number of points.
    field = np.random.default_rng(1).standard_normal((4, 5))
    expected = np.zeros((4, 5))
    for m in range(4):
        for n in range(5):
            total = sum(
                field[i, j] * np.cos(np.pi * m * (i + 0.5) / 4) * np.cos(np.pi * n * (j + 0.5) / 5)
                for i in range(4)
                for j in range(5)
            )
            total *= np.sqrt((1 if m == 0 else 2) / 4) * np.sqrt((1 if n == 0 else 2) / 5)
            expected[m, n] = total**2 / 20
    np.testing.assert_allclose(cosine_power(field), expected, rtol=1e-12)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("direction", ["south", "east"])
def test_pure_wave_is_found_at_its_wavelength(spacing, direction):
    rows, columns, halves = 48, 64, 10
    ds = area(rows, columns, spacing=spacing, north=12 + spacing[0] * rows / 2)
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    phase = halves * (i + 0.5) / rows if direction == "south" else halves * (j + 0.5) / columns
    ds["vorticity"][0] = 2e-5 * np.cos(np.pi * phase)
    spectrum = regional_spectrum(ds, corners=True).vorticity[0]
    # Ten half waves along n points: 2 n spacing / 10. A degree is 111.2 km, eastwards times cos(latitude).
    degree = np.pi / 180 * EARTH_RADIUS_M / 1000
    middle = np.deg2rad(float(ds.latitude.mean()))
    spacing_km = spacing[0] * degree if direction == "south" else spacing[1] * degree * np.cos(middle)
    expected = 2 * (rows if direction == "south" else columns) * spacing_km / halves
    peak = int(np.argmax(spectrum.values))
    assert float(spectrum[peak]) == pytest.approx(0.5 * (2e-5) ** 2, rel=1e-6)  # all the variance of a cosine
    wavenumber = 1 / spectrum.wavelength_km.values
    assert abs(wavenumber[peak] - 1 / expected) <= 0.5 * (wavenumber[1] - wavenumber[0]) * 1.001


def test_oblique_wave_lands_in_the_ring_of_its_wavenumber():
    # m = 6 half waves over 30 rows of 100 km, n = 8 over 40 columns of 100 km: sqrt((6/3000)^2 + (8/4000)^2)
    # = 0.002 sqrt(2) half waves per km. A bin is 1/3000 per km wide: round(6 sqrt 2) = round(8.49) = 8.
    modes = CosineModes(30, 40, 100.0, 100.0)
    assert modes.bin_of_mode[6, 8] == 8
    assert modes.bin_of_mode[6, 0] == 6  # along the shorter side the mode number is the bin
    assert modes.bin_of_mode[0, 1] == 1  # 0.75 of a bin; it belongs to the first
    assert modes.wavelengths_km(8)[-1] == pytest.approx(2 * 3000 / 8)
    # All directions are resolved up to half waves of 100 km: bin 30 would end at 30.5.
    assert modes.complete_bins == 29


def test_no_mode_but_the_mean_is_lost_on_a_long_area():
    modes = CosineModes(8, 400, 50.0, 50.0)
    assert (modes.bin_of_mode.ravel()[1:] >= 1).all() and modes.bin_of_mode[0, 0] == 0


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.5, 0.8)])
def test_slope_of_red_noise_is_recovered(spacing):
    """A patch cut from a larger periodic plane with power k^-3 in physical wavenumber; it is not periodic
    itself.
    """
    random = np.random.default_rng(2)
    size, north = 384, 40.0
    ratio = spacing[1] * np.cos(np.deg2rad(north - spacing[0] * 40)) / spacing[0]
    ky, kx = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size) / ratio, indexing="ij")
    k = np.hypot(ky, kx)
    k[0, 0] = np.inf
    # Power summed over a ring of circumference k: amplitude^2 k ~ k^-3, so amplitude ~ k^-2.
    noise = np.fft.fft2(random.standard_normal((24, size, size)))
    patch = np.fft.ifft2(noise * k**-2.0).real[:, 100:180, 100:180]
    ds = dataset({"vorticity": patch}, north - spacing[0] * np.arange(80), spacing[1] * np.arange(80))
    spectrum = regional_spectrum(ds).vorticity.mean("time")
    wavelengths = 4 * float(spectrum.wavelength_km[-1]), float(spectrum.wavelength_km[0]) / 5
    assert float(spectral_slope(spectrum, wavelengths)) == pytest.approx(-3.0, abs=0.12)


def test_kinetic_energy_is_that_of_the_wind_of_the_cosine_stream_function_and_potential():
    """On a plane: psi and chi as sums of cosines, their wind by hand, and its mean energy."""
    rows, columns = 36, 48
    ds = area(rows, columns, spacing=(0.5, 0.5), north=9.0)
    degree = np.pi / 180 * EARTH_RADIUS_M
    dy, dx = 0.5 * degree, 0.5 * degree * np.cos(np.deg2rad(float(ds.latitude.mean())))
    y = np.pi * (np.arange(rows) + 0.5)[:, None] / rows
    x = np.pi * (np.arange(columns) + 0.5)[None, :] / columns
    random = np.random.default_rng(3)
    vorticity, divergence = np.zeros((2, rows, columns))
    rotational = divergent = 0.0
    for m, n in ((1, 0), (2, 3), (5, 1), (7, 9)):
        kx, ky = np.pi * n / (columns * dx), np.pi * m / (rows * dy)
        a, b = random.standard_normal(2) * 1e6
        sine_y, sine_x = np.sin(m * y) * np.cos(n * x), np.cos(m * y) * np.sin(n * x)
        # wind = k x grad psi + grad chi; signs of the axes do not change the energy of either part
        rotational += 0.5 * np.mean((a * ky * sine_y) ** 2 + (a * kx * sine_x) ** 2)
        divergent += 0.5 * np.mean((b * ky * sine_y) ** 2 + (b * kx * sine_x) ** 2)
        wave = np.cos(m * y) * np.cos(n * x)
        vorticity -= (kx**2 + ky**2) * a * wave
        divergence -= (kx**2 + ky**2) * b * wave
    ds["vorticity"][0], ds["divergence"][0] = vorticity, divergence
    energy = regional_spectrum(ds.astype("float64"), corners=True).kinetic_energy.sum()
    assert float(energy) == pytest.approx(rotational + divergent, rel=1e-6)  # float32 fields


def test_shape_units_and_coordinates():
    spectrum = regional_spectrum(area(times=2))
    assert spectrum.vorticity.dims == ("time", "wavelength_km")
    assert spectrum.sizes["time"] == 2
    assert spectrum.vorticity.attrs["units"] == "s-2"
    assert spectrum.kinetic_energy.attrs["units"] == "m2 s-2"
    assert spectrum.wavelength_km.attrs["units"] == "km"
    assert (np.diff(spectrum.wavelength_km) < 0).all()
    # k a of the same wave: 2 pi a / wavelength
    circumference = 2 * np.pi * EARTH_RADIUS_M / 1000
    np.testing.assert_allclose(spectrum.equivalent_degree * spectrum.wavelength_km, circumference)
    np.testing.assert_allclose(np.diff(spectrum.equivalent_degree), spectrum.attrs["degrees_per_bin"])
    # The shorter directions' Nyquist: twice the larger spacing, half a degree of latitude.
    assert spectrum.attrs["nyquist_wavelength_km"] == pytest.approx(np.pi / 180 * EARTH_RADIUS_M / 1000)
    assert float(spectrum.wavelength_km[-1]) >= spectrum.attrs["nyquist_wavelength_km"]


def test_white_noise_is_flat_per_mode_and_close_to_the_global_normalisation():
    ds = area(64, 64, north=16.0, times=20)
    spectrum = regional_spectrum(ds).vorticity.mean("time")
    # 63 full bins of a quarter disc of 64 x 64 modes hold pi/4 of the modes, less the last half ring.
    share = float(spectrum.sum()) / (3e-5) ** 2
    assert share == pytest.approx(np.pi / 4 * (63.5 / 64) ** 2, abs=0.03)


def test_one_scalar_field_without_time_is_enough():
    ds = area().isel(time=0, drop=True)[["vorticity"]]
    spectrum = regional_spectrum(ds)
    assert list(spectrum.data_vars) == ["vorticity"]
    assert spectrum.sizes["time"] == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: globe(16), "energy_spectrum"),
        (lambda: area(3, 30), "larger region"),
        (lambda: area().assign_coords(latitude=60 * np.linspace(1, 0, 40) ** 2), "evenly spaced"),
        (lambda: xr.Dataset({"x": ("time", [1.0])}), "latitude and longitude"),
        (lambda: area().expand_dims(level=2), "level"),
    ],
)
def test_bad_input_is_one_sentence(make, words):
    with pytest.raises(UserError, match=words) as error:
        regional_spectrum(make())
    assert str(error.value).count(". ") == 0
