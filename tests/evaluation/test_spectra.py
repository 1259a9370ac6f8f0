"""The spectrum of the globe: Parseval, single harmonics, and pyshtools."""

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import area_weights, energy_spectrum
from atmodist_core.harmonics import get_transform
from atmodist_core.harmonics.grids import grid_of_latitudes, quadrature_weights
from tests.evaluation.mock_fields import area, dataset, globe

GRIDS = [("cell-centred", 48), ("gaussian", 48), ("equiangular-with-poles", 49), ("driscoll-healy", 48)]


def mean_over_area(ds, values):
    """By the quadrature of the grid's latitudes, exact for products of harmonics."""
    latitude = ds.latitude.values
    weights = quadrature_weights(latitude.size, grid_of_latitudes(latitude))
    return (np.asarray(values, dtype=np.float64).mean(axis=-1) * weights / weights.sum()).sum(axis=-1)


@pytest.mark.parametrize(("grid", "rows"), GRIDS)
def test_spectrum_of_a_field_sums_to_the_area_mean_of_its_square(grid, rows):
    ds = globe(rows, grid, times=3)
    spectrum = energy_spectrum(ds)
    for name in ("vorticity", "divergence"):
        mean_square = mean_over_area(ds, ds[name].values.astype(np.float64) ** 2)
        np.testing.assert_allclose(spectrum[name].sum("total_wavenumber"), mean_square, rtol=1e-5)


@pytest.mark.parametrize(("grid", "rows"), GRIDS)
def test_kinetic_energy_sums_to_the_area_mean_of_the_wind_energy(grid, rows):
    ds = globe(rows, grid, times=2)
    transform = get_transform(rows, ds.sizes["longitude"], rows // 2 - 1, grid, dtype=torch.float64)
    coefficients = [
        transform.analysis(torch.from_numpy(ds[name].values.astype(np.float64)))
        for name in ("vorticity", "divergence")
    ]
    u, v = transform.vorticity_divergence_to_wind(*coefficients)
    energy = mean_over_area(ds, 0.5 * (u**2 + v**2).numpy())
    np.testing.assert_allclose(energy_spectrum(ds).kinetic_energy.sum("total_wavenumber"), energy, rtol=1e-5)


def test_kinetic_energy_sums_to_the_energy_of_the_wind_function():
    from atmodist_core.fields import wind

    ds = globe(64, truncation=31, times=2)
    components = wind(ds["vorticity"], ds["divergence"])
    energy = mean_over_area(ds, 0.5 * (components["u"].values ** 2.0 + components["v"].values ** 2.0))
    np.testing.assert_allclose(energy_spectrum(ds).kinetic_energy.sum("total_wavenumber"), energy, rtol=1e-5)


def test_solid_body_rotation_has_its_energy_in_degree_one():
    # u = U cos(latitude): vorticity 2 U sin(latitude) / a. Area mean of u^2 / 2 = U^2 / 2 x 2/3 = U^2 / 3.
    speed = 12.0
    ds = globe(32)
    sine = np.sin(np.deg2rad(ds.latitude)) * xr.ones_like(ds.vorticity)
    ds["vorticity"] = (2 * speed / EARTH_RADIUS_M * sine).transpose(*ds.vorticity.dims).astype("float32")
    ds["divergence"] = 0 * ds.divergence
    energy = energy_spectrum(ds).kinetic_energy[0]
    assert float(energy[1]) == pytest.approx(speed**2 / 3, rel=1e-6)
    assert float(energy.sum()) == pytest.approx(speed**2 / 3, rel=1e-6)


def test_sectoral_harmonic_appears_at_its_degree_only():
    # cos(latitude)^4 cos(4 longitude) is a harmonic of degree 4; its area mean square is
    # mean of cos^2(4 lon) = 1/2, times 1/2 integral (1 - s^2)^4 ds over [-1, 1] = 128/315.
    ds = globe(24)
    latitude, longitude = np.deg2rad(ds.latitude), np.deg2rad(ds.longitude)
    ds["vorticity"][0] = np.cos(latitude) ** 4 * np.cos(4 * longitude)
    power = energy_spectrum(ds).vorticity[0].values
    assert power[4] == pytest.approx(0.5 * 128 / 315, rel=1e-5)
    assert np.delete(power, 4).max() < 1e-10 * power[4]


def test_agreement_with_pyshtools():
    pyshtools = pytest.importorskip("pyshtools")
    ds = globe(48, "driscoll-healy")
    spectrum = energy_spectrum(ds)
    for name in ("vorticity", "divergence"):
        grid = pyshtools.SHGrid.from_array(ds[name].values[0].astype(np.float64), grid="DH")
        # Its "power" is the area mean of the square of the field, whatever the normalisation.
        expected = grid.expand(normalization="ortho").spectrum(convention="power", unit="per_l")
        ours = spectrum[name][0].values
        # We close the sphere at the south pole and go on to twice the degree, where this field has nothing.
        assert ours.size == 48 and expected.size == 24
        np.testing.assert_allclose(ours[:24], expected, rtol=2e-5, atol=1e-6 * expected.max())
        assert ours[24:].max() < 1e-9 * expected.max()


def test_a_globe_without_its_southern_row_keeps_its_spectrum():
    """181 rows become 180 when blocks of four are cut from them; degrees above 89 must not fold onto those
    below.
    """
    ds = globe(49, "equiangular-with-poles", truncation=47, slope=-2.0)
    whole, cut = (energy_spectrum(x).vorticity[0].values for x in (ds, ds.isel(latitude=slice(0, 48))))
    assert cut.size == whole.size == 48
    np.testing.assert_allclose(cut[1:], whole[1:], rtol=1e-5)
    flipped = energy_spectrum(ds.isel(latitude=slice(47, None, -1))).vorticity[0].values
    np.testing.assert_allclose(flipped[1:], cut[1:], rtol=1e-5)


def test_a_driscoll_healy_grid_of_very_many_rows_keeps_to_the_sampling_theorem(monkeypatch):
    monkeypatch.setattr("atmodist_core.harmonics.global_transform.MOST_ROWS_CLOSED", 40)
    spectrum = energy_spectrum(globe(48, "driscoll-healy"))
    assert spectrum.attrs["truncation"] == 23


def test_power_does_not_depend_on_where_longitudes_start():
    ds = globe(32)
    rolled = ds.roll(longitude=17).assign_coords(longitude=ds.longitude)
    for name, power in energy_spectrum(ds).data_vars.items():
        np.testing.assert_allclose(
            energy_spectrum(rolled)[name], power, rtol=1e-5, atol=1e-6 * float(power.max())
        )


def test_shape_units_and_wavelength():
    spectrum = energy_spectrum(globe(24, times=11))  # more times than are transformed together
    assert spectrum.kinetic_energy.dims == ("time", "total_wavenumber")
    assert dict(spectrum.sizes) == {"time": 11, "total_wavenumber": 24}
    assert spectrum.kinetic_energy.attrs["units"] == "m2 s-2"
    assert spectrum.vorticity.attrs["units"] == "s-2"
    # l = 3: 2 pi a / sqrt(12)
    expected = 2 * np.pi * EARTH_RADIUS_M / 1000 / np.sqrt(12)
    assert float(spectrum.wavelength_km.sel(total_wavenumber=3)) == pytest.approx(expected)
    assert np.isinf(spectrum.wavelength_km[0])
    assert float(spectrum.kinetic_energy[:, 0].sum()) == 0.0


def test_times_are_kept_apart_and_lazy_data_are_the_same():
    ds = globe(24, times=10)
    whole = energy_spectrum(ds)
    xr.testing.assert_identical(whole, energy_spectrum(ds.chunk(time=3)))
    single = energy_spectrum(ds.isel(time=[7]))
    np.testing.assert_allclose(single.vorticity[0], whole.vorticity[7], rtol=1e-5, atol=1e-18)


def test_truncation_is_respected():
    ds = globe(24)
    low = energy_spectrum(ds, truncation=5)
    assert low.sizes["total_wavenumber"] == 6
    np.testing.assert_allclose(low.vorticity, energy_spectrum(ds).vorticity[:, :6], rtol=1e-5, atol=1e-18)


def test_a_scalar_field_needs_no_wind():
    ds = globe(24)[["divergence"]].rename(divergence="temperature")
    ds.temperature.attrs["units"] = "K"
    spectrum = energy_spectrum(ds)
    assert list(spectrum.data_vars) == ["temperature"]
    assert spectrum.temperature.attrs["units"] == "K2"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (area, "regional_spectrum"),
        (lambda: globe(24).isel(latitude=slice(2, 20)), "regional_spectrum"),
        (lambda: globe(24).isel(time=slice(0, 0)), "at least one time"),
        (lambda: globe(24).where(lambda ds: ds.latitude > 0), "missing"),
    ],
)
def test_bad_input_is_one_sentence(make, words):
    with pytest.raises(UserError, match=words) as error:
        energy_spectrum(make())
    assert str(error.value).count(". ") == 0


@pytest.mark.parametrize("truncation", [0, 24, -3])
def test_impossible_truncation(truncation):
    with pytest.raises(UserError, match="1 to 23"):
        energy_spectrum(globe(24), truncation=truncation)


@pytest.mark.parametrize(("grid", "rows"), GRIDS)
def test_area_weights_integrate_polynomials(grid, rows):
    ds = globe(rows, grid)
    weights = area_weights(ds).sum(axis=1)
    sine = np.sin(np.deg2rad(ds.latitude.values))
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    # mean of s^n over the sphere is 1/(n+1) for even n, 0 for odd; cells err with the square of their height
    for n in range(1, 5):
        assert (weights * sine**n).sum() == pytest.approx(0 if n % 2 else 1 / (n + 1), abs=n**2 / rows**2)


def test_area_weights_of_a_region_follow_the_cell_areas():
    ds = dataset({"x": np.zeros((1, 2, 2))}, [60.0, 30.0], [0.0, 30.0])
    # Cells 75..45 and 45..15: sines .9659 - .7071 = .2588, .7071 - .2588 = .4483; shares .366, .634, halved.
    np.testing.assert_allclose(area_weights(ds), [[0.183, 0.183], [0.317, 0.317]], atol=5e-4)
