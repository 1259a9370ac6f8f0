"""Power of a band by latitude: identities, and the command."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.energy_ratio import nyquist_degree
from atmodist_core.evaluation.diagnostics.spectra import energy_spectrum
from atmodist_core.evaluation.run.data import open_evaluation_data
from atmodist_core.evaluation.run.groups import band_of
from atmodist_core.evaluation.statistics.latitude_power import LatitudePower
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from tests.evaluation.known_models import FACTOR
from tests.evaluation.run.test_evaluation_run import weather

EDGES = (0, 20, 40, 60, 90)
FIRST, LAST = 8, 21


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return weather(tmp_path_factory.mktemp("latitudes"), "weather.nc", 0)


@pytest.fixture(scope="module")
def data(source):
    return open_evaluation_data(source, factor=FACTOR)


def values_of(ds):
    return np.stack([ds[name].values[0] for name in ("vorticity", "divergence")])


def power_of(statistic, values):
    return statistic(Snapshot(values, values, None, None))["latitude_power"]


def test_the_belts_together_hold_the_power_of_the_band(data):
    ds = data.template
    found = power_of(LatitudePower(ds, FIRST, LAST, EDGES), values_of(ds)).sum(axis=-1)
    spectrum = energy_spectrum(ds).isel(time=0, total_wavenumber=slice(FIRST, LAST + 1)).sum()
    # The quadrature with cell areas is not exact for a product of two fields.
    np.testing.assert_allclose(found, [spectrum["vorticity"], spectrum["divergence"]], rtol=0.02)


def test_a_sectoral_harmonic_lies_at_the_equator_and_other_degrees_do_not_count(data):
    ds = data.template
    colatitude = np.deg2rad(90 - ds["latitude"].values)[:, None]
    longitude = np.deg2rad(ds["longitude"].values)
    sectoral = np.sin(colatitude) ** 20 * np.cos(20 * longitude)
    low = np.sin(colatitude) ** 3 * np.cos(3 * longitude)
    power = LatitudePower(ds, FIRST, LAST, EDGES)
    found = power_of(power, np.stack([sectoral + 50 * low, low]))
    # the integral of cos(latitude)^41 from 0 to 20 degrees, over that to 90
    latitude = np.linspace(0, np.pi / 2, 100_001)
    weight = np.cos(latitude) ** 41
    share = weight[latitude <= np.deg2rad(20)].sum() / weight.sum()
    assert found[0, 0] / found[0].sum() == pytest.approx(share, rel=0.01)
    assert found[1].sum() < 1e-12 * (low**2).mean()


def test_areas_are_those_of_zones_of_a_sphere(data):
    power = LatitudePower(data.template, FIRST, LAST, EDGES)
    np.testing.assert_allclose(power.area, np.diff(np.sin(np.deg2rad(EDGES))), atol=0.05)
    assert power.area.sum() == pytest.approx(1)


@pytest.mark.parametrize("edges", [(0, 90, 60), (10, 90), (0, 60), (0,)])
def test_edges_ascend_from_the_equator_to_the_pole(data, edges):
    with pytest.raises(UserError, match="ascend from 0 to 90"):
        LatitudePower(data.template, FIRST, LAST, edges)


def test_the_band_begins_beyond_the_coarse_grid(data):
    band = band_of(data)
    first, last = band.first, band.last
    assert first == int(nyquist_degree(data.template["latitude"].values, FACTOR)) + 1 and last == 21
    with pytest.raises(UserError, match="degrees from 2 on"):
        LatitudePower(data.template, 1, 21, EDGES)
