"""Maps as GeoViews elements: values where cartopy puts them, layers that can be added, nothing fetched."""

import sys

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.plots import geo_map
from atmodist_core.plots.backend import geoviews
from tests.evaluation.mock_fields import area, globe

pytest.importorskip("geoviews", reason="needs geoviews: pip install 'atmodist-studio[plots]'")
gv, crs = geoviews()


def rendered(element):
    import holoviews as hv

    return hv.renderer("bokeh").get_plot(element).state


def nearest(ds, longitude, latitude):
    """Value of the nearest grid point [1e-5 s-1]."""
    field = ds["vorticity"].isel(time=0)
    away = (field["longitude"].values - longitude + 180) % 360 - 180
    row = np.abs(field["latitude"].values - latitude).argmin()
    return 1e5 * float(field[row, np.abs(away).argmin()])


def test_values_lie_where_they_belong():
    ds = globe(48)
    picture, lines = geo_map(ds, limit=9e-5)
    assert isinstance(picture, gv.Image) and isinstance(lines, gv.Path)
    assert picture.vdims[0].label.endswith("[10⁻⁵ s⁻¹]")
    for longitude, latitude in ((-100.3, 41.0), (10.2, -33.0), (170.0, 5.5)):
        assert picture[longitude, latitude] == pytest.approx(nearest(ds, longitude, latitude), rel=1e-5)
    state = rendered(geo_map(ds))
    assert (round(state.x_range.start), round(state.x_range.end)) == (-180, 180)


@pytest.mark.parametrize("name", ["Robinson", "LambertConformal", "NorthPolarStereo"])
def test_a_projected_map_agrees_with_the_transform_of_cartopy(name):
    projection = getattr(crs, name)()
    ds = area(40, 60, spacing=(0.5, 0.5), north=60, west=-110)
    picture = next(iter(geo_map(ds, projection=projection, limit=9e-5)))
    assert picture.crs == projection
    x, y = picture.dimension_values(0, expanded=False), picture.dimension_values(1, expanded=False)
    values = picture.dimension_values(2, flat=False)
    columns, rows = np.meshgrid(np.arange(0, x.size, 37), np.arange(0, y.size, 37))
    places = crs.PlateCarree().transform_points(projection, x[columns], y[rows])
    agreeing = []
    for value, (longitude, latitude, _) in zip(
        values[rows, columns].ravel(), places.reshape(-1, 3), strict=True
    ):
        inside = -109.5 < longitude < -81.5 and 41.5 < latitude < 59.5
        # A point on the edge of two cells may get the value of either.
        offset = min(abs((longitude * 2) % 1 - 0.5), abs((latitude * 2) % 1 - 0.5))
        if inside and offset > 0.1:
            agreeing.append(np.isclose(value, nearest(ds, longitude, latitude), rtol=1e-4))
    assert len(agreeing) > 60 and np.mean(agreeing) > 0.98
    rendered(geo_map(ds, projection=projection))


def test_layers_of_ones_own_are_projected_with_the_map():
    from shapely.geometry import LineString

    ends = np.array([[20.0, 45.0], [30.0, 52.0]])
    track = gv.Path([{"geometry": LineString(ends)}], ["longitude", "latitude"], crs=crs.PlateCarree())
    projection = crs.LambertConformal(20, 50)
    own = gv.operation.project(track, projection=projection)
    expected = projection.transform_points(crs.PlateCarree(), *ends.T)[:, :2]
    drawn = np.stack([own.dimension_values(0), own.dimension_values(1)], axis=1)
    np.testing.assert_allclose(drawn[[0, -1]], expected, atol=1.0)
    state = rendered(
        geo_map(area(), projection=projection, width=444) * track.opts(projection=projection, color="black")
    )
    assert state.frame_width == 444 and len(state.renderers) >= 3


def test_uneven_latitudes_and_plain_fields():
    ds = globe(24, "gaussian")
    uneven = ds.assign_coords(latitude=90 * np.sin(np.deg2rad(ds.latitude.values)))
    mesh, _ = geo_map(uneven)
    assert isinstance(mesh, gv.QuadMesh)
    assert len(geo_map(ds["divergence"], coastlines=False)) == 1
    assert "divergence" in next(iter(geo_map(ds["divergence"]))).vdims[0].label
    with pytest.raises(UserError, match="Expected a field among"):
        geo_map(ds, field="temperature")


def test_nothing_is_asked_of_the_internet(monkeypatch):
    import socket

    def refuse(*arguments, **options):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    rendered(geo_map(globe(24), projection=crs.Robinson()))


def test_without_geoviews_one_sentence(monkeypatch):
    geoviews.cache_clear()
    monkeypatch.setitem(sys.modules, "geoviews", None)
    with pytest.raises(UserError, match=r"GeoViews and cartopy .* pip install 'atmodist-studio\[plots\]'"):
        geo_map(globe(24))
    geoviews.cache_clear()
