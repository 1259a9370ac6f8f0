"""Plots of what a network sees hold the numbers they are given, and refuse what they cannot show."""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Bootstrap
from atmodist_core.evaluation.diagnostics.distance_sensitivity import half_response_band, mean_gain
from atmodist_core.fields.grid.projections import Area
from atmodist_core.plots.feature_plots.feature_maps import activation_lines
from atmodist_core.plots.feature_plots.patch_sheets import PATCHES, TEXTS, patch_at


@pytest.fixture(scope="module")
def case():
    fields = ad.open_demo().isel(time=slice(0, 9, 8)).load()
    distance = ad.load_distance("atmodist-23")
    places = ad.features.strongest_places(distance, fields, layer="stage2", count=4).sel(filter=[3, 5])
    patches = ad.features.patches_at(distance, fields, places)
    return distance, fields, patches, ad.features.exciting_change(distance, fields, places)


def layer_of(overlay, label):
    return next(layer for layer in overlay if layer.label == label)


def test_a_sheet_shows_the_values_at_their_places_on_one_scale(case):
    _distance, fields, patches, changes = case
    layout = ad.plots.strongest_patches(patches, changes, columns=2)
    assert [sheet.label for sheet in layout] == [
        f"filter {n} of stage2: {what}" for n in (3, 5) for what in ("strongest patches", "what excites it")
    ]
    pictures = [layer_of(sheet, PATCHES) for sheet in layout]
    scales = [hv.Store.lookup_options("bokeh", one, "plot").kwargs["clim"] for one in pictures]
    assert scales[0] == scales[2] and scales[1] == scales[3] and scales[0] != scales[1]
    labels = [one.vdims[0].label for one in pictures]
    assert labels[0] == "vorticity [10⁻⁴ s⁻¹]" and "s⁻¹] that raises the activation by 10 %" in labels[1]
    # Every point of the first sheet has the value of the fields at the time and place that it says.
    first, size = patches.isel(filter=0), patches.sizes["y"]
    frame = pictures[0].dimension_values("value", flat=False)
    for rank, (top, left) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        gap, foot = round(0.05 * size), round(0.17 * size)
        row = frame.shape[0] - 1 - (top * (size + foot) + 20)  # rows from the south
        column = left * (size + gap) + 30
        value, latitude, longitude = (
            pictures[0].dimension_values(name, flat=False)[row, column] for name in ("value", "lat", "lon")
        )
        at = fields.isel(time=int(first["time_index"][rank]))["vorticity"]
        expected = at.sel(latitude=latitude, longitude=longitude, method="nearest")
        assert value == pytest.approx(1e4 * float(expected), rel=1e-5)
        assert abs(float(expected["latitude"]) - latitude) < 1e-3
    texts = layer_of(layout[0], TEXTS).dimension_values("text")
    assert len(texts) == 4 and all("h " in text for text in texts)
    assert hv.render(layout)


def test_a_point_of_a_sheet_belongs_to_the_patch_below_it(case):
    patches = case[2]
    sheet = ad.plots.strongest_patches(patches.isel(filter=0), columns=3)[0]
    texts = layer_of(sheet, TEXTS)
    for number, (x, y) in enumerate(
        zip(texts.dimension_values("x"), texts.dimension_values("y"), strict=True)
    ):
        assert patch_at(x + 0.5, y + 0.5, 4, 3) == number
    assert patch_at(2.5, 0.5, 4, 3) is None


def test_fields_and_silent_filters_are_refused(case):
    patches = case[2]
    with pytest.raises(UserError, match="patches of wind"):
        ad.plots.strongest_patches(patches, field="wind")
    silent = patches.copy()
    for name in ("activation", "vorticity"):
        silent[name] = silent[name] * np.nan
    with pytest.raises(UserError, match="silent"):
        ad.plots.strongest_patches(silent)


def known_sensitivity(days=12, by="wavenumber", seed=0):
    """Responses that are three times the squared error in the first band, with noise of days in the second."""
    random = np.random.default_rng(seed)
    error = np.ones((days, 3)) * [1.0, 2.0, 1.0]
    response = error[..., None] * np.array([3.0, 1.0, 1.0])[None, :, None]
    response = response * (1 + 0.2 * random.standard_normal((days, 3, 1)))
    return xr.Dataset(
        {"response": (("time", "band", "layer"), response), "squared_error": (("time", "band"), error)},
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D"),
            "band": [2.0, 6.0, 12.0],
            "first": ("band", [1.0, 4.0, 9.0]),
            "last": ("band", [3.0, 8.0, 15.0]),
            "layer": ["distance"],
        },
        {"by": by, "distance": "made"},
    )


def test_the_mean_gain_is_the_ratio_of_sums_and_its_interval_holds_it():
    known = known_sensitivity(days=60)
    found = mean_gain(known)
    total = known["response"].sum("time")
    expected = (total / total.sum("band")) / (np.array([1, 2, 1]) / 4)[:, None]
    np.testing.assert_allclose(found["gain"], expected)
    exact = np.array([3 / 6, 2 / 6, 1 / 6]) / (np.array([1, 2, 1]) / 4)
    held = []
    for seed in range(40):
        one = mean_gain(known_sensitivity(60, seed=seed), Bootstrap(replicates=200)).isel(layer=0)
        held.append((one["gain_low"] < exact) & (exact < one["gain_high"]))
    assert 0.8 < np.mean(held) < 1
    wide = mean_gain(known_sensitivity(days=12))
    assert (wide["gain_high"] - wide["gain_low"]).mean() > (found["gain_high"] - found["gain_low"]).mean()
    assert np.isnan(mean_gain(known.isel(time=[0]))["gain_low"]).all()
    assert np.isnan(mean_gain(known.drop_vars("time"))["gain_low"]).all()
    assert half_response_band(np.ones(4), np.array([1, 5, 9, 13]), np.array([4, 8, 12, 16])) == 9
    with pytest.raises(UserError, match="response and squared_error"):
        mean_gain(xr.Dataset())


def test_curves_of_the_sensitivity_hold_the_gain_and_its_interval():
    known = known_sensitivity()
    overlay = ad.plots.sensitivity({"atmodist-23": known, "l2": known.isel(time=[0])}, theme="dark")
    curves = {layer.label: layer for layer in overlay if type(layer) is hv.Curve}
    assert list(curves) == ["atmodist-23", "l2"]
    np.testing.assert_allclose(
        curves["atmodist-23"].dimension_values("gain_per_wavenumber"), mean_gain(known)["gain"][:, 0]
    )
    bands = [layer for layer in overlay if isinstance(layer, hv.Area)]
    assert [band.label for band in bands] == ["atmodist-23, 95 % interval"]
    assert hv.render(overlay)
    assert hv.render(ad.plots.sensitivity(known_sensitivity(by="latitude")))
    with pytest.raises(UserError, match="latitude, wavenumber"):
        ad.plots.sensitivity({"a": known, "b": known_sensitivity(by="latitude")})


def test_lines_of_activation_are_where_it_has_their_value():
    latitude, longitude = 60.0 - 8 * np.arange(16), 4.0 + 8 * np.arange(45)
    away = (longitude - 350 + 180) % 360 - 180
    values = np.exp(-((latitude[:, None] - 20) ** 2 + away[None] ** 2) / (2 * 20.0**2))
    activation = xr.DataArray(
        values, {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude")
    )
    lines = activation_lines(activation, Area(-60.0, 60.0, -30.0, 60.0), (0.5,))
    points = np.concatenate([line for _, _, line in lines])
    radius = np.hypot(points[:, 0] + 10, points[:, 1] - 20)
    expected = 20 * np.sqrt(2 * np.log(2))
    np.testing.assert_allclose(radius, expected, rtol=0.05)
    assert activation_lines(0 * activation, Area(-60.0, 60.0, -30.0, 60.0)) == []


def test_maps_of_activations_and_metamers_are_drawn(case):
    distance, fields, _, _ = case
    found = ad.features.activation_map(distance, fields, layer="stage2")
    for region in (None, "Europe", "Pacific"):
        overlay = ad.plots.activation_map(found, fields, filter=3, region=region, field="divergence", time=1)
        lines = layer_of(overlay, "activation")
        assert len(lines.data) > 0
        assert hv.render(overlay)
    with pytest.raises(UserError, match="filter from 0 to 31"):
        ad.plots.activation_map(found, fields, filter=32)
    with pytest.raises(UserError, match="same activations"):
        ad.plots.metamer(fields, fields)
