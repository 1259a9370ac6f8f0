"""Projected, rotated and curvilinear grids, and swaths: against fields known in closed form; thirty mistakes."""

import re

import numpy as np
import pytest

from atmodist_core.fields import open_fields
from atmodist_core.fields.regrid.cell_search import bilinear_weights, positions
from tests.fields.analytic_flow import flow
from tests.fields.curved_layouts import ROTATED, curvilinear, mapped, swath
from tests.fields.mistakes import error_of, written


def assert_known(fields, tolerance, share):
    """Vorticity and divergence are those of the flow, away from the edge of the valid area."""
    fields = fields.load()
    _, _, *exact = flow(fields.latitude.values, fields.longitude.values)
    valid = np.isfinite(fields.vorticity.values[0])
    np.testing.assert_array_equal(valid, np.isfinite(fields.divergence.values[0]))
    assert share[0] < valid.mean() < share[1]
    inner = valid.copy()
    for axis in (0, 1):
        for shift in (-2, -1, 1, 2):
            inner &= np.roll(valid, shift, axis)
    inner[:2] = inner[-2:] = inner[:, :2] = inner[:, -2:] = False
    for name, known in zip(("vorticity", "divergence"), exact, strict=True):
        error = fields[name].values[0] - known
        assert np.abs(error[inner]).max() < tolerance * np.abs(known).max(), name
    return fields


CURVED = {
    "lambert": lambda: mapped(),
    "rows from the north": lambda: mapped(flipped=True),
    "stored coordinates": lambda: mapped(coordinates=True),
    "kilometres": lambda: _in_kilometres(mapped()),
    "rotated pole": lambda: mapped(ROTATED, step=0.5),
    "curvilinear": lambda: curvilinear(),
}


def _in_kilometres(dataset):
    for axis in "xy":
        dataset[axis] = (axis, dataset[axis].values / 1000, {**dataset[axis].attrs, "units": "km"})
    return dataset


@pytest.mark.parametrize("layout", CURVED)
def test_curved_grids_have_the_derivatives_of_the_flow(layout, tmp_path):
    fields = assert_known(open_fields(written(CURVED[layout](), tmp_path)), 0.04, (0.5, 0.95))
    assert fields.attrs["grid"] == "limited-area"
    assert "were interpolated bilinearly from a" in fields.attrs["notes"]
    assert ("was turned to east and north" in fields.attrs["notes"]) == (layout != "curvilinear")


@pytest.mark.parametrize("to", [True, False])
def test_swaths_of_either_convention(to, tmp_path):
    fields = assert_known(open_fields(written(swath(to), tmp_path)), 0.05, (0.1, 0.5))
    notes = fields.attrs["notes"]
    assert fields.attrs["level"] == "10 m" and fields.sizes["time"] == 1
    assert "1 of 840 winds were left out for their quality flags (some_portion_over_ice)" in notes
    assert "2015-07-02T00:00 to 2015-07-02T00:02 was taken as of one time" in notes
    # The hole between both halves is one in the fields.
    middle = fields.vorticity.values[0][fields.sizes["latitude"] // 2]
    gap = np.diff(np.flatnonzero(np.isfinite(middle)))
    assert gap.max() * 0.25 > 5


def test_weights_reproduce_fields_linear_in_the_indices():
    """Also across a pole and the date line."""
    j, i = np.meshgrid(np.arange(20.0), np.arange(24.0), indexing="ij")
    x, y = 0.02 * (i - 11.3), 0.02 * (j - 8.7)
    radius = np.hypot(x, y)
    latitude, longitude = 90 - np.rad2deg(2 * np.arctan(radius)), np.rad2deg(np.arctan2(x, y))
    inside_j, inside_i = (
        np.random.default_rng(0).uniform(0, 19, 300),
        np.random.default_rng(1).uniform(0, 23, 300),
    )
    a, b = 0.02 * (inside_i - 11.3), 0.02 * (inside_j - 8.7)
    targets = positions(90 - np.rad2deg(2 * np.arctan(np.hypot(a, b))), np.rad2deg(np.arctan2(a, b)))
    weights = bilinear_weights(positions(latitude, longitude), targets)
    assert weights.inside.all()
    np.testing.assert_allclose(weights(j), inside_j, atol=0.02)
    np.testing.assert_allclose(weights(3 * i), 3 * inside_i, atol=0.06)
    outside = positions(np.array([40.0, -90.0]), np.array([0.0, 10.0]))
    assert not bilinear_weights(positions(latitude, longitude), outside).inside.any()


def attribute(dataset, name, **attrs):
    dataset[name].attrs |= attrs
    return dataset


def without(dataset, name, *keys):
    for key in keys:
        del dataset[name].attrs[key]
    return dataset


def cells(dataset, name, values):
    dataset[name] = (dataset[name].dims, values, dataset[name].attrs)
    return dataset


MISTAKES = {
    # Projected and rotated
    "one component": (lambda: mapped().drop_vars("y_wind_10m"), "found 'x_wind_10m' without 'y_wind_10m'"),
    "other component": (lambda: mapped().drop_vars("x_wind_10m"), "Expected u and v"),
    "no mapping, no coordinates": (lambda: mapped().drop_vars("crs"), "degrees"),
    "unknown mapping": (lambda: attribute(mapped(), "crs", grid_mapping_name="my_projection"), "Expected u and v|regrid it"),
    "no standard parallel": (lambda: without(mapped(), "crs", "standard_parallel", "earth_radius"), "Expected u and v|regrid it"),
    "rotated without pole": (lambda: without(mapped(ROTATED, step=0.5), "crs", "grid_north_pole_latitude"), "Expected u and v|regrid it"),
    "two rows": (lambda: mapped().isel(y=slice(0, 2)), "at least 3 x 3 points"),
    "wrong units": (lambda: attribute(attribute(mapped(), "x_wind_10m", units="K"), "y_wind_10m", units="K"), "Attribute 'units'"),
    "all missing": (lambda: mapped().where(mapped().x > 1e9), "only missing ones"),
    "fill value": (lambda: mapped() .assign(x_wind_10m=mapped().x_wind_10m + 1e6), "correct its 'units'"),
    "text": (lambda: cells(mapped(), "x_wind_10m", np.full((1, 22, 26), "a")), "to hold real numbers"),
    "two components of other sizes": (lambda: _other_size(mapped()), "real numbers over y and x"),
    # Curvilinear
    "orientation": (lambda: without(curvilinear(), "u", "standard_name"), "eastward wind or the wind along the grid"),
    "latitudes missing": (lambda: curvilinear(latitude=(("y", "x"), np.full((22, 26), np.nan))), "only missing ones"),
    "latitudes of 95": (lambda: curvilinear(latitude=(("y", "x"), np.full((22, 26), 95.0))), "within 90"),
    "longitudes of 1000": (lambda: curvilinear(longitude=(("y", "x"), np.full((22, 26), 1e3))), "within 720"),
    "one place": (lambda: curvilinear(latitude=(("y", "x"), np.full((22, 26), 50.0)), longitude=(("y", "x"), np.full((22, 26), 9.0))), "apart from each other"),
    "only latitudes": (lambda: curvilinear().drop_vars("longitude"), "longitude"),
    "longitude of other dimensions": (lambda: curvilinear(longitude=(("x",), np.arange(26.0))), "latitude|longitude"),
    "only u": (lambda: curvilinear().drop_vars("v"), "found only u"),
    "along the grid, one given": (lambda: attribute(curvilinear().drop_vars("v"), "u", standard_name="x_wind"), "Expected"),
    "narrow": (lambda: curvilinear().isel(x=slice(0, 2)), "at least 3 x 3 points"),
    # Swaths
    "no convention": (lambda: swath(declared=False), "standard_name to wind_to_direction or wind_from_direction"),
    "both conventions": (lambda: swath().assign_attrs(note="not the meteorological convention"), "standard_name to wind_to_direction"),
    "direction in m s-1": (lambda: attribute(swath(), "wind_dir", units="m s-1"), "where degrees were expected"),
    "speed in K": (lambda: attribute(swath(), "wind_speed", units="K"), "Attribute 'units'"),
    "no direction": (lambda: swath().drop_vars("wind_dir"), "Expected u and v"),
    "all flagged": (lambda: cells(swath(), "quality", np.full((40, 21), 64, "i4")), "quality flags accept, found none"),
    "flags without meaning": (lambda: attribute(swath(), "quality", flag_meanings="small_wind"), "as many flag_meanings as flag_masks"),
    "times without units": (lambda: without(swath(), "time", "units"), "correct the variable 'time'"),
    "no coordinates": (lambda: swath().drop_vars(["lat", "lon"]), "latitude axis"),
    "transposed direction": (lambda: swath().assign(wind_dir=(("a", "b"), np.zeros((40, 21)), {"units": "degree"})), "same dimensions"),
}  # fmt: skip


def _other_size(dataset):
    half = dataset.y_wind_10m.isel(x=slice(0, 13)).rename(x="x2")
    return dataset.drop_vars("y_wind_10m").assign(y_wind_10m=half.drop_vars("x2", errors="ignore"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_one_sentence(mistake, tmp_path):
    make, words = MISTAKES[mistake]
    text = error_of(written(make(), tmp_path))
    assert re.search(words, text), text
    assert "\n" not in text and text.count(". ") == 0
