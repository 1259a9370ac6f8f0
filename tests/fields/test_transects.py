"""Great circles against the haversine formula, and values along them against fields that are known everywhere."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.transects import (
    great_circle,
    parse_transect,
    region_around,
    transect_of,
    values_along,
)

LONDON, TOKYO = (51.5, -0.1), (35.7, 139.7)


def haversine_km(first, second):
    (a, b), (c, d) = np.deg2rad(first), np.deg2rad(second)
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * EARTH_RADIUS_M / 1000 * np.arcsin(np.sqrt(h))


@pytest.mark.parametrize("ends", [(LONDON, TOKYO), ((10, 170), (-20, -165)), ((80, 10), (80, -170))])
def test_points_lie_equally_spaced_on_the_great_circle(ends):
    distance, latitude, longitude = great_circle(*ends, 41)
    places = list(zip(latitude, longitude, strict=True))
    assert distance[-1] == pytest.approx(haversine_km(*ends), rel=1e-9)
    steps = [haversine_km(one, two) for one, two in pairwise(places)]
    np.testing.assert_allclose(steps, distance[-1] / 40, rtol=1e-6)
    assert places[0] == pytest.approx(ends[0]) and haversine_km(places[-1], ends[1]) < 1e-3


def field(latitude, longitude, values):
    return xr.DataArray(
        values(*np.meshgrid(latitude, longitude, indexing="ij")),
        {"latitude": latitude, "longitude": longitude},
        ("latitude", "longitude"),
        name="vorticity",
        attrs={"units": "s-1"},
    )


@pytest.mark.parametrize("latitude", [np.linspace(60, 30, 31), np.array([30.0, 34.0, 41.0, 55.0, 60.0])])
def test_a_linear_field_is_read_off_exactly(latitude):
    linear = field(latitude, np.linspace(-20, 40, 25), lambda phi, lam: 3 * phi - 0.5 * lam + 7)
    phi, lam = np.array([31.2, 47.7, 59.9]), np.array([-19.0, 3.3, 395.0])
    np.testing.assert_allclose(values_along(linear, phi, lam), 3 * phi - 0.5 * ((lam + 180) % 360 - 180) + 7)


def test_a_cell_has_its_mean_everywhere():
    cells = field(np.array([45.0, 35.0]), np.array([0.0, 10.0]), lambda phi, lam: phi + lam)
    phi, lam = np.array([44.9, 40.1, 39.9, 49.9]), np.array([4.9, 5.1, 14.9, -4.9])
    assert values_along(cells, phi, lam, method="nearest").tolist() == [45, 55, 45, 45]
    assert np.isnan(values_along(cells, np.array([50.1, 40.0]), np.array([0.0, 15.1]))).all()


def test_a_globe_continues_across_its_seam_and_to_its_poles():
    globe = field(
        np.arange(89.5, -90, -1), np.arange(0.5, 360), lambda phi, lam: np.cos(np.deg2rad(lam)) + phi
    )
    lam = np.array([-0.3, 0.2, 359.9, 180.0])
    np.testing.assert_allclose(
        values_along(globe, np.full(4, 10.0), lam), np.cos(np.deg2rad(lam)) + 10, atol=1e-4
    )
    assert values_along(globe, np.array([90.0]), np.array([0.5]))[0] == pytest.approx(90.5, abs=1e-3)


def test_the_table_has_every_model_on_one_axis():
    fine = field(np.arange(60, 29, -0.5), np.arange(-20, 40, 0.5), lambda phi, lam: phi)
    coarse = field(np.arange(59.25, 30, -2), np.arange(-19.25, 40, 2), lambda phi, lam: phi)
    table = transect_of({"coarse": coarse, "truth": fine}, (35, 0), (55, 0))
    assert table["model"].values.tolist() == ["coarse", "truth"] and table["value"].attrs["units"] == "s-1"
    np.testing.assert_allclose(table["value"].sel(model="truth"), table["latitude"], atol=1e-6)
    assert len(set(table["value"].sel(model="coarse").values)) in (10, 11), "steps, one per cell of 2 degrees"
    step = np.diff(table["distance"])
    assert step.max() <= 0.5 * np.deg2rad(0.5) * EARTH_RADIUS_M / 1000 + 1e-6


def test_the_region_around_a_line_holds_it():
    region = region_around(LONDON, TOKYO, 2.0)
    _, latitude, longitude = great_circle(LONDON, TOKYO, 91)
    assert region.north > latitude.max() + 1.9 and region.south < latitude.min() - 1.9
    assert ((longitude - region.west) % 360 < region.width).all()
    across = region_around((10, 170), (20, -170), 1.0)
    assert across.width < 25 and across.west == pytest.approx(169, abs=0.2)
    assert region_around((80, 10), (80, -170), 1.0) is None, "over the pole"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2,3", "give four numbers"),
        ("1,2,nan,4", "give four numbers"),
        ("91,0,10,0", "latitudes from -90 to 90"),
        ("10,0,10,0", "at least 10 km apart"),
        ("10,20,-10,-160", "not opposite"),
    ],
)
def test_mistakes_get_one_sentence(text, sentence):
    with pytest.raises(UserError, match=sentence):
        parse_transect(text)


def test_a_line_beside_the_data_is_said():
    fine = field(np.arange(60, 29, -0.5), np.arange(-20, 40, 0.5), lambda phi, lam: phi)
    with pytest.raises(UserError, match="within the data"):
        transect_of({"truth": fine}, (-35, 0), (-55, 0))
