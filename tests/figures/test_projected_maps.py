"""Figures of maps in projections, and of transects: places, values and labels against the projection itself."""

import re

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.projections import Area, Projection, graticule_labels
from atmodist_core.fields.grid.transects import transect_of
from atmodist_core.figures import field_maps
from atmodist_core.figures.maps.projected_maps import extent_of, map_projection
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.views import figure_of

EUROPE = Area(-25.0, 45.0, 30.0, 75.0)
GLOBE = Area(-180.0, 180.0, -90.0, 90.0)


def places(longitude, latitude):
    """A field whose values tell the place: latitude in the first digits, longitude after the point."""
    values = np.round(latitude)[:, None] + 0.001 * np.round(longitude % 360)[None, :]
    coordinates = {"latitude": latitude, "longitude": longitude}
    return xr.DataArray(values, coordinates, ("latitude", "longitude"), "vorticity", {"units": "s-1"})


@pytest.fixture
def europe():
    return places(np.arange(-24.5, 45.0), np.arange(74.5, 30.0, -1.0))


@pytest.mark.parametrize("name", ["robinson", "orthographic", "polar-stereographic", "lambert"])
@pytest.mark.parametrize("area", [EUROPE, GLOBE], ids=["region", "globe"])
def test_labels_stand_on_their_lines(name, area):
    if name == "lambert" and area is GLOBE:
        pytest.skip("a cone shows no globe")
    projection = Projection(name, area)
    x, y, texts = graticule_labels(projection)
    longitude, latitude = projection.inverse(x, y)
    assert len(texts) > 5 and len(set(texts)) >= len(texts) - 1
    for east, north, text in zip(longitude, latitude, texts, strict=True):
        number, side = re.fullmatch(r"([\d.]+)°([NSEW]?)", text).groups()
        value = float(number) * (-1 if side in "SW" and side else 1)
        found = north if side in "NS" and side else east
        if side:
            assert found == pytest.approx(value, abs=1e-4)
        else:
            assert min(abs(north), abs(np.sin(np.deg2rad(east)))) < 1e-5


def test_a_pixel_of_a_figure_has_the_value_of_its_place(europe):
    figure = field_maps({"truth": europe}, projection="lambert")
    projection = map_projection("lambert", extent_of(europe["latitude"].values, europe["longitude"].values))
    image = figure.axes[0].images[0]
    west, east, south, north = image.get_extent()
    values = image.get_array()
    rows, columns = values.shape
    for longitude, latitude in ((10.2, 50.3), (-12.3, 61.8), (33.7, 35.2)):
        x, y = projection.forward(np.array([longitude]), np.array([latitude]))
        column = int((x[0] - west) / (east - west) * columns)
        row = int((y[0] - south) / (north - south) * rows)
        expected = europe.sel(longitude=longitude, latitude=latitude, method="nearest").item()
        assert values[row, column] == pytest.approx(expected, abs=1e-4)
    assert np.ma.is_masked(values[0, 0]), "a cone leaves the corners of its rectangle empty"
    shown = {text.get_text() for text in figure.axes[0].texts}
    assert {"40°N", "0°"} & shown and "vorticity" in figure.axes[-1].get_xlabel()


def test_a_projection_that_cannot_show_the_area_is_a_sentence():
    globe = places(np.arange(0.0, 360.0, 5.0), np.arange(87.5, -90, -5.0))
    with pytest.raises(UserError, match="choose Robinson"):
        field_maps({"truth": globe}, projection="lambert")
    with pytest.raises(UserError, match="Expected a projection among"):
        field_maps({"truth": globe}, projection="mercator")
    figure = field_maps({"truth": globe}, projection="robinson")
    assert np.ma.count(figure.axes[0].images[0].get_array()) > 100_000


@pytest.mark.parametrize("projection", ["plate-carree", "lambert"])
def test_the_figure_of_the_maps_has_the_curves_of_the_transect(europe, projection):
    table = transect_of({"coarse": europe, "truth": europe}, (51.5, -0.1), (41.9, 12.5))
    fields = xr.Dataset({"vorticity": europe.expand_dims(model=["truth"])}, attrs={"projection": projection})
    figure = figure_of(Numbers("maps", {"fields": fields, "transect": table.reset_coords()}, "caption"))
    curves = [axes for axes in figure.axes if "great circle [km]" in axes.get_xlabel()]
    (curve,) = curves
    drawn = curve.lines[1]
    scale = table["value"].sel(model="truth").values / drawn.get_ydata()
    assert scale == pytest.approx(np.full(scale.shape, scale[0])) and np.log10(scale[0]) % 1 == 0
    assert drawn.get_xdata() == pytest.approx(table["distance"].values)
    line = figure.axes[0].lines[-1]
    if projection == "plate-carree":
        assert line.get_xdata() == pytest.approx(table["longitude"].values)
    else:
        map_ = map_projection(projection, extent_of(europe["latitude"].values, europe["longitude"].values))
        longitude, latitude = map_.inverse(line.get_xdata(), line.get_ydata())
        assert longitude == pytest.approx(table["longitude"].values, abs=1e-6)
        assert latitude == pytest.approx(table["latitude"].values, abs=1e-6)
