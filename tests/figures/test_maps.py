"""Maps: one scale for all panels, true places, readable ticks."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, QuadMesh

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.projections import degrees_label
from atmodist_core.figures import DARK, field_maps, figure_bytes, scale_limits
from tests.evaluation.mock_fields import area, globe


def panels(times=1):
    truth = area(32, 48, north=60, west=-15)
    coarse = area(8, 12, spacing=(2, 2), north=59.25, west=-14.25, seed=3)
    return {"coarse": coarse.vorticity[0], "bicubic": 0.5 * truth.vorticity[0], "truth": truth.vorticity[0]}


def map_axes(figure):
    return [axes for axes in figure.axes if axes.images or (axes.collections and axes.get_title())]


def test_all_panels_share_one_symmetric_scale():
    fields = panels()
    figure = field_maps(fields, coastlines=None)
    limits = [axes.images[0].get_clim() for axes in map_axes(figure)]
    assert len(limits) == 3 and len(set(limits)) == 1
    low, high = limits[0]
    assert low == -high
    expected = max(np.quantile(np.abs(field), 0.995) for field in fields.values())
    assert high == pytest.approx(expected)
    assert [axes.get_title() for axes in map_axes(figure)] == ["coarse input", "bicubic", "truth"]


def test_pictures_show_the_values_at_their_places():
    field = area(3, 4, spacing=(1, 2), north=52, west=10).vorticity[0]
    figure = field_maps({"truth": field}, coastlines=None)
    image = map_axes(figure)[0].images[0]
    np.testing.assert_array_equal(np.asarray(image.get_array()), field.values)
    # Cells reach half a spacing beyond the outer points: 9..17 E, 49.5..52.5 N; first row at the top.
    assert tuple(image.get_extent()) == pytest.approx((9, 17, 49.5, 52.5))
    assert image.origin == "upper"


def test_uneven_latitudes_are_drawn_as_cells():
    ds = globe(24, "gaussian")
    uneven = ds.vorticity[0].assign_coords(latitude=90 * np.sin(np.deg2rad(ds.latitude.values)))
    axes = map_axes(field_maps({"truth": uneven}, coastlines=None))[0]
    assert not axes.images and any(isinstance(part, QuadMesh) for part in axes.collections)


def test_non_negative_fields_start_at_zero():
    speed = np.abs(area().vorticity[0]) * 1e6
    assert scale_limits([speed])[0] == 0.0
    assert scale_limits([speed, area().vorticity[0]])[0] < 0
    assert scale_limits([0 * speed]) == (0.0, 1.0)
    assert scale_limits([area().vorticity[0]], limit=1e-4) == (-1e-4, 1e-4)


def test_shape_is_true_at_the_middle_latitude():
    axes = map_axes(field_maps({"truth": area(20, 20, north=69.75).vorticity[0]}, coastlines=None))[0]
    assert axes.get_aspect() == pytest.approx(1 / np.cos(np.deg2rad(65.0)))
    globe_axes = map_axes(field_maps({"truth": globe(24).vorticity[0]}, coastlines=None))[0]
    assert globe_axes.get_aspect() == 1.0


def test_coastlines_cities_notes_and_captions():
    cities = pd.DataFrame({"latitude": [51.5], "longitude": [359.87]})
    figure = field_maps(
        panels(),
        notes={"truth": "", "bicubic": "RMSE 1.0"},
        cities=cities,
        title="Europe",
        caption="simulated",
        style=DARK,
    )
    axes = map_axes(figure)[1]
    lines = [part for part in axes.collections if isinstance(part, LineCollection)]
    assert lines and len(lines[0].get_segments()) > 3
    # London lies at 0.13 W on a map that starts at 15 W.
    assert axes.lines[0].get_xdata()[0] == pytest.approx(-0.13)
    assert axes.get_xlabel() == "RMSE 1.0"
    assert figure.get_suptitle() == "Europe" and figure.get_supxlabel() == "simulated"
    assert figure_bytes(figure, dpi=40).startswith(b"\x89PNG")


def test_own_coastlines_are_drawn():
    line = np.array([[0.0, 50.0], [5.0, 55.0]])
    axes = map_axes(field_maps(panels(), coastlines=[line]))[0]
    segments = next(part for part in axes.collections if isinstance(part, LineCollection)).get_segments()
    np.testing.assert_array_equal(segments[0], line)


def test_colour_bar_has_units_with_the_power_of_ten():
    figure = field_maps(panels(), coastlines=None, limit=5e-5)
    bar = next(axes for axes in figure.axes if axes not in map_axes(figure) and axes.get_xlabel())
    assert "10$^{-5}$ s$^{-1}$" in bar.get_xlabel() and "vorticity" in bar.get_xlabel()
    figure.canvas.draw()
    ticks = [text.get_text() for text in bar.get_xticklabels()]
    assert "0" in ticks and all(abs(float(tick)) <= 6 for tick in ticks if tick)


@pytest.mark.parametrize(
    ("value", "label"), [(0, "0°"), (30, "30°E"), (-122.5, "122.5°W"), (180, "180°"), (-180, "180°")]
)
def test_degrees(value, label):
    assert degrees_label(value, "E", "W") == label


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        ({}, {}, "at least one field"),
        ({"truth": area(times=2).vorticity}, {}, "select one time"),
        ({"truth": area().vorticity[0, 0]}, {}, "latitude and longitude"),
        ({"truth": area().vorticity[0, :1]}, {}, "latitude and longitude"),
        ({"truth": xr.full_like(area().vorticity[0], np.nan)}, {}, "finite"),
        ({"truth": area().vorticity[0]}, {"limit": -1.0}, "positive limit"),
        ({"truth": area().vorticity[0]}, {"coastlines": "50m"}, "'auto'"),
    ],
)
def test_bad_input(fields, options, words):
    with pytest.raises(UserError, match=words):
        field_maps(fields, **options)
