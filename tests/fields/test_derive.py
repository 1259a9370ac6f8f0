"""Vorticity and divergence from wind and back: against an analytic flow, against each other, lazily."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.common.errors import UserError
from atmodist_core.fields import vorticity_divergence, wind
from atmodist_core.fields.grid.finite_difference import vorticity_divergence_by_differences
from tests.fields.analytic_flow import flow, flow_arrays, largest_error
from tests.fields.layouts import TIMES

GRIDS = {
    "equiangular-with-poles": (np.linspace(90, -90, 25), np.arange(48) * 7.5),
    "cell-centred": (np.linspace(86.25, -86.25, 24), np.arange(48) * 7.5),
    "driscoll-healy": (np.linspace(90, -82.5, 24), np.arange(48) * 7.5),
    "gaussian": (np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(24)[0]))[::-1], np.arange(48) * 7.5),
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("lazy", [False, True])
def test_spectral_on_every_grid(grid, lazy):
    u, v, _, _ = flow_arrays(*GRIDS[grid], TIMES[:2])
    fields = vorticity_divergence(u.chunk() if lazy else u, v.chunk() if lazy else v)
    assert fields.attrs["grid"] == grid
    assert (fields.vorticity.chunks is not None) == lazy
    assert fields.vorticity.dtype == np.float32
    assert largest_error(fields) < 5e-6


@pytest.mark.parametrize("grid", GRIDS)
def test_wind_is_the_inverse(grid):
    u, v, vorticity, divergence = flow_arrays(*GRIDS[grid], TIMES[:2])
    result = wind(vorticity, divergence)
    for name, truth in (("u", u), ("v", v)):
        np.testing.assert_allclose(result[name], truth, atol=5e-6 * float(np.abs(truth).max()))
        assert result[name].attrs["units"] == "m s-1"


def test_longitudes_may_start_anywhere():
    """Cell-centred longitudes: where the first meridian lies does not matter for derivatives."""
    u, v, _, _ = flow_arrays(GRIDS["cell-centred"][0], 3.75 + np.arange(48) * 7.5, TIMES[:1])
    assert largest_error(vorticity_divergence(u, v)) < 5e-6


def test_solid_rotation():
    """u = U cos(phi): vorticity 2 U sin(phi) / a, no divergence."""
    latitude, longitude = GRIDS["equiangular-with-poles"]
    u = xr.DataArray(
        10 * np.cos(np.deg2rad(latitude))[:, None] * np.ones(48),
        {"latitude": latitude, "longitude": longitude},
        ("latitude", "longitude"),
    )
    fields = vorticity_divergence(u, 0 * u)
    assert fields.vorticity.dims == ("latitude", "longitude"), "without time, without time"
    truth = 20 * np.sin(np.deg2rad(latitude))[:, None] / EARTH_RADIUS_M * np.ones(48)
    np.testing.assert_allclose(fields.vorticity, truth, atol=1e-11)
    np.testing.assert_allclose(fields.divergence, 0, atol=1e-11)


def test_any_convention_of_axes_goes_in():
    u, v, _, _ = flow_arrays(*GRIDS["equiangular-with-poles"], TIMES[:1])
    turned = [
        a.assign_coords(longitude=(a.longitude + 180) % 360 - 180).sortby("longitude").sortby("latitude")
        for a in (u, v)
    ]
    turned = [
        a.transpose("longitude", "time", "latitude").rename(latitude="lat", longitude="lon") for a in turned
    ]
    assert largest_error(vorticity_divergence(*turned)) < 5e-6


def test_more_dimensions_stay():
    u, v, _, _ = flow_arrays(*GRIDS["gaussian"], TIMES[:2])
    stacked = [xr.concat([a, 2 * a], dim=xr.Variable("member", [0, 1])) for a in (u, v)]
    for lazy in (False, True):
        fields = vorticity_divergence(*(a.chunk({"member": 1}) if lazy else a for a in stacked))
        assert fields.vorticity.dims == ("member", "time", "latitude", "longitude")
        one = vorticity_divergence(u, v)
        np.testing.assert_allclose(fields.divergence.isel(member=1), 2 * one.divergence, atol=1e-11)


def test_units_are_converted():
    u, v, _, _ = flow_arrays(*GRIDS["gaussian"], TIMES[:1])
    knots = [(a * 3600 / 1852).assign_attrs(units="knots") for a in (u, v)]
    fields = vorticity_divergence(*knots)
    assert largest_error(fields) < 5e-6
    assert "Variable 'u' was converted from knots to m s-1." in fields.attrs["notes"]


def test_driscoll_healy_grid_tells_what_it_leaves_out():
    u, v, _, _ = flow_arrays(*GRIDS["driscoll-healy"], TIMES[:1])
    assert "resolves total wavenumbers up to 11" in vorticity_divergence(u, v).attrs["notes"]


# ------------------------------------------------------------------------------------ finite differences


def differences(latitude, longitude, **options):
    u, v, vorticity, divergence = flow(latitude, longitude)
    fields = vorticity_divergence_by_differences(u, v, latitude, longitude, **options)
    return [
        np.abs(a - b).max() / np.abs(b).max() for a, b in zip(fields, (vorticity, divergence), strict=True)
    ]


def test_differences_converge_at_second_order():
    """Halving the spacing quarters the error, edges and all."""
    coarse = differences(np.linspace(70, 30, 41), np.linspace(0, 40, 41))
    fine = differences(np.linspace(70, 30, 81), np.linspace(0, 40, 81))
    for a, b in zip(coarse, fine, strict=True):
        assert b < 3e-3
        assert 3.0 < a / b < 5.0


def test_differences_on_uneven_spacing():
    """Stretched rows and columns keep second order."""
    errors = []
    for count in (60, 120):
        t = np.linspace(0, 1, count)
        errors.append(differences(70 - 30 * t**1.3, 40 * t**1.3))
    for a, b in zip(*errors, strict=True):
        assert b < 3e-3 and a / b > 3.0


def test_differences_need_their_metric_terms():
    """At 65 degrees, leaving u tan(phi) / a out would be wrong by a tenth and more: the forms
    differ."""
    latitude, longitude = np.linspace(75, 55, 41), np.linspace(0, 40, 41)
    u, v, vorticity, _ = flow(latitude, longitude)
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    cosine = np.cos(phi)[:, None]
    naive = (
        np.gradient(v, lam, axis=1) / (EARTH_RADIUS_M * cosine) - np.gradient(u, phi, axis=0) / EARTH_RADIUS_M
    )
    ours = vorticity_divergence_by_differences(u, v, latitude, longitude)[0]
    scale = np.abs(vorticity).max()
    assert np.abs(ours - vorticity).max() / scale < 0.01 < 0.1 < np.abs(naive - vorticity).max() / scale


def test_rows_from_south_to_north_give_the_same():
    latitude, longitude = np.linspace(70, 30, 41), np.linspace(0, 40, 41)
    u, v, _, _ = flow(latitude, longitude)
    down = vorticity_divergence_by_differences(u, v, latitude, longitude)
    up = vorticity_divergence_by_differences(u[::-1], v[::-1], latitude[::-1], longitude)
    for a, b in zip(down, up, strict=True):
        np.testing.assert_allclose(a, b[::-1], atol=1e-11)


def test_full_circle_is_closed():
    """A tropical belt has no edge in longitude: which meridian comes first does not matter."""
    latitude, longitude = np.linspace(30, -30, 61), np.arange(0, 360, 1.0)
    u, v, _, _ = flow(latitude, longitude)

    def rolled_back(full_circle):
        turned = [np.roll(a, 90, axis=1) for a in (u, v)]
        fields = vorticity_divergence_by_differences(*turned, latitude, longitude, full_circle=full_circle)
        return [np.roll(field, -90, axis=1) for field in fields]

    closed = vorticity_divergence_by_differences(u, v, latitude, longitude, full_circle=True)
    for a, b in zip(closed, rolled_back(True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)
    assert np.abs(closed[0] - rolled_back(False)[0]).max() > 1e-10
    arrays = [
        xr.DataArray(a, {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"))
        for a in (u, v)
    ]
    fields = vorticity_divergence(*arrays)
    assert fields.attrs["grid"] == "limited-area"
    np.testing.assert_array_equal(fields.vorticity, closed[0])


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_polar_cap(pole):
    """The pole's value follows from Stokes' and Gauss' theorems: for a flow over the pole, second order as
    elsewhere."""
    latitude = np.sign(pole) * np.linspace(90, 60, 61)
    longitude = np.arange(0, 360, 2.0)
    phi = np.deg2rad(latitude)[:, None]
    # Solid rotation and the outflow of the potential sin(phi): 2 U sin(phi) / a and -2 B sin(phi) / a^2.
    u = 10 * np.cos(phi) * np.ones(180)
    v = 5 * np.cos(phi) * np.ones(180)
    vorticity, divergence = vorticity_divergence_by_differences(u, v, latitude, longitude, full_circle=True)
    np.testing.assert_allclose(vorticity, 20 * np.sin(phi) / EARTH_RADIUS_M * np.ones(180), rtol=2e-3)
    np.testing.assert_allclose(divergence, -10 * np.sin(phi) / EARTH_RADIUS_M * np.ones(180), rtol=2e-3)


def test_part_of_a_circle_at_the_pole_loses_its_polar_row():
    latitude, longitude = np.linspace(90, 60, 31), np.arange(0, 90, 2.0)
    u, v, _, _ = flow_arrays(latitude, longitude, TIMES[:1])
    fields = vorticity_divergence(u, v)
    assert float(fields.latitude[0]) == 89.0
    assert "the row at the pole was left out" in fields.attrs["notes"].lower()
    assert np.isfinite(fields.vorticity).all()


def test_differences_against_the_spectral_form():
    """The same globe of winds, once whole and once as the area 60 N .. 60 S cut out of it."""
    latitude, longitude = np.linspace(90, -90, 121), np.arange(0, 360, 1.5)
    u, v, _, _ = flow_arrays(latitude, longitude, TIMES[:1])
    globe = vorticity_divergence(u, v)
    area = vorticity_divergence(*(a.sel(latitude=slice(60, -60), longitude=slice(30, 150)) for a in (u, v)))
    same = globe.sel(latitude=area.latitude, longitude=area.longitude)
    for name in ("vorticity", "divergence"):
        assert float(np.abs(area[name] - same[name]).max() / np.abs(same[name]).max()) < 6e-3


def has_neighbours(line, place, closed):
    """Whether a point of a line has a valid neighbour on both sides, or two on one."""
    there = [
        line[(place + k) % line.size] if closed or 0 <= place + k < line.size else False
        for k in (-2, -1, 1, 2)
    ]
    return (there[1] and there[2]) or (there[0] and there[1]) or (there[2] and there[3])


@pytest.mark.parametrize("closed", [False, True])
def test_derivatives_beside_gaps_are_those_of_the_parabola(closed):
    """Every valid point with enough neighbours has a derivative, exact for winds quadratic in longitude."""
    rows, columns = 12, 16
    latitude = np.linspace(60, 38, rows)
    longitude = np.arange(columns) * (22.5 if closed else 1.5)
    mask = np.random.default_rng(4).random((rows, columns)) < 0.75
    lam = np.deg2rad(longitude)
    v = np.broadcast_to(0.0 * lam if closed else 3 * lam**2 - lam, (rows, columns))
    u, v = (np.where(mask, x, np.nan) for x in (np.zeros((rows, columns)), v))
    vorticity, divergence = vorticity_divergence_by_differences(u, v, latitude, longitude, full_circle=closed)
    wanted = np.array(
        [
            [
                mask[i, j] and has_neighbours(mask[i], j, closed) and has_neighbours(mask[:, j], i, False)
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    )
    np.testing.assert_array_equal(np.isfinite(vorticity), wanted)
    np.testing.assert_array_equal(np.isfinite(divergence), wanted)
    assert 0.3 < wanted.mean() < mask.mean()
    slope = 0.0 * lam if closed else 6 * lam - 1
    exact = slope / (EARTH_RADIUS_M * np.cos(np.deg2rad(latitude))[:, None])
    np.testing.assert_allclose(vorticity[wanted], exact[wanted], rtol=1e-4, atol=1e-12)


# ------------------------------------------------------------------------------------ refusals


def test_missing_values_on_the_globe_are_refused():
    u, v, vorticity, divergence = flow_arrays(*GRIDS["gaussian"], TIMES[:1])
    u[0, 3, 3:5] = np.nan
    with pytest.raises(
        UserError, match="Expected values of u everywhere on the globe, found 2 of 1152 missing"
    ):
        vorticity_divergence(u, v)
    divergence[0, 0, 0] = np.inf
    with pytest.raises(
        UserError, match="Expected values of divergence everywhere on the globe, found 1 of 1152"
    ):
        wind(vorticity, divergence)


def test_wind_of_a_limited_area_is_refused():
    _, _, vorticity, divergence = flow_arrays(np.linspace(60, 40, 11), np.arange(0, 22, 2.0), TIMES[:1])
    with pytest.raises(
        UserError, match="Expected vorticity and divergence on the whole globe, found latitudes 40 to 60"
    ):
        wind(vorticity, divergence)


def test_too_small_area():
    u, v, _, _ = flow_arrays(np.array([1.0, 0.0]), np.arange(5.0), TIMES[:1])
    with pytest.raises(UserError, match=r"Expected at least 3 rows and 3 columns .* found 2 x 5"):
        vorticity_divergence(u, v)
    with pytest.raises(UserError, match="found 2 x 5"):
        vorticity_divergence_by_differences(u.values, v.values, np.array([1.0, 0.0]), np.arange(5.0))


def test_arrays_that_do_not_fit_together():
    u, v, _, _ = flow_arrays(*GRIDS["gaussian"], TIMES[:2])
    with pytest.raises(
        UserError, match=r"Expected u and v on the same times, found different ones \(2 and 1 values\)"
    ):
        vorticity_divergence(u, v.isel(time=[0]))
    with pytest.raises(UserError, match="Expected u and v with the same dimensions"):
        vorticity_divergence(u, v.isel(time=0))
    with pytest.raises(UserError, match="Expected u and v on the same latitudes"):
        vorticity_divergence(u, v.assign_coords(latitude=v.latitude * 0.9))


@pytest.mark.parametrize("thing", [np.zeros((3, 4)), None, 5.0])
def test_bare_arrays_are_refused(thing):
    with pytest.raises(
        UserError, match=r"Expected an xarray.DataArray with latitude and longitude for u, found"
    ):
        vorticity_divergence(thing, thing)


def test_wrong_units_are_refused():
    u, v, _, _ = flow_arrays(*GRIDS["gaussian"], TIMES[:1])
    with pytest.raises(UserError, match="Attribute 'units' of variable 'v' is 'K'"):
        vorticity_divergence(u, v.assign_attrs(units="K"))


# ------------------------------------------------------------------------------------ laziness


def test_both_fields_share_one_computation(monkeypatch):
    """dask computes a slice once for both fields; one field alone costs one, too."""
    import atmodist_core.fields.derive as derive

    calls = []
    original = derive._each_slice
    monkeypatch.setattr(derive, "_each_slice", lambda *args: calls.append(1) or original(*args))
    u, v, _, _ = flow_arrays(*GRIDS["gaussian"], TIMES)
    fields = vorticity_divergence(u.chunk({"time": 1}), v.chunk({"time": 1}))
    assert calls == [], "nothing is computed on opening"
    fields.isel(time=[1, 3]).load()
    assert len(calls) == 2
    fields.vorticity.isel(time=0).load()
    assert len(calls) == 3


def test_one_slice_at_a_time_whatever_the_chunks():
    """A chunk of many times is not expanded at once: memory is that of one slice."""
    u, v, _, _ = flow_arrays(*GRIDS["gaussian"], TIMES)
    fields = vorticity_divergence(u.chunk({"time": 4}), v.chunk({"time": 2}))
    assert fields.vorticity.chunksizes["time"] == (1, 1, 1, 1)
    assert largest_error(fields) < 5e-6
