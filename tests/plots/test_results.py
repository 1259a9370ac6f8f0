"""Plots of results: densities, verdicts, lags, curves and the scorecard hold the numbers they are given."""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import atmodist_core as ad
from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.city_file import open_city_values
from atmodist_core.evaluation.results.file import open_evaluation


@pytest.fixture(scope="module")
def values():
    return open_city_values(asset_folder("results") / "demo_cities.nc")


@pytest.fixture(scope="module")
def evaluation():
    return open_evaluation(asset_folder("results") / "evaluation.nc")


def test_densities_have_unit_area_and_show_the_distance(values):
    layout = ad.plots.city_densities(values, "Seattle", models=["bicubic"], field="divergence", boxes=[1, 3])
    for panel, box in zip(layout, (1, 3), strict=True):
        inside = values["box"].values == box
        both = values["divergence"].sel(city="Seattle").isel(point=inside)
        truth, found = (both.sel(model=name).values.ravel() for name in ("truth", "bicubic"))
        curves = {curve.label: curve for curve in panel}
        centres, heights = (curves["truth"].dimension_values(i) for i in (0, 1))
        area = np.nansum(heights) * (centres[1] - centres[0])
        assert area == pytest.approx(1, abs=1e-6)
        unit = round(np.log10(np.abs(centres).max() / np.abs(truth).max()))
        expected = stats.wasserstein_distance(truth.astype(float), found.astype(float)) * 10.0**unit
        assert curves["bicubic"].dimension_values("wasserstein")[0] == pytest.approx(expected, rel=1e-3)


def test_the_verdict_map_counts_every_city_once(values):
    overlay = ad.plots.verdict_map(values, "srgan-4x-atmodist", "srgan-4x-mse", box=3)
    points = [layer for layer in overlay if isinstance(layer, hv.Points)]
    assert sum(len(layer) for layer in points) == values.sizes["city"]
    assert {layer.label for layer in points} == {"better", "equal", "worse"}
    assert hv.render(overlay).renderers


def test_the_matrix_runs_right_and_up():
    times = np.datetime64("2001-01-01") + np.arange(3) * np.timedelta64(6, "h")
    matrix = xr.DataArray(
        np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0.0]]),
        dims=("time", "other_time"),
        coords={"time": times},
        name="rmse",
    )
    image = ad.plots.distance_matrix(matrix)
    assert image[0.5, 0.5] == 0 and image[1.5, 2.5] == 3 and image[0.5, 2.5] == 2
    assert hv.render(image).renderers


def test_lag_curves_show_mean_and_band():
    curves = xr.Dataset(
        {
            "mean": (("measure", "lag"), [[1.0, 2.0], [0.5, 0.7]]),
            "standard_deviation": (("measure", "lag"), [[0.1, 0.2], [0.1, 0.1]]),
            "saturation": ("measure", [6.0, 3.0]),
        },
        {"measure": ["AtmoDist", "l2"], "lag": [3.0, 6.0]},
    )
    overlay = ad.plots.lag_curves(curves)
    curve = next(layer for layer in overlay if layer.label == "AtmoDist")
    band = next(layer for layer in overlay if layer.label.startswith("AtmoDist, one"))
    assert curve.dimension_values("distance").tolist() == [1.0, 2.0]
    assert band.dimension_values("low").tolist() == pytest.approx([0.9, 1.8])
    assert hv.render(overlay).renderers
    with pytest.raises(UserError, match="Expected mean and standard_deviation"):
        ad.plots.lag_curves(curves.drop_vars("mean"))


def test_the_confusion_matrix_shows_shares_of_each_lag():
    counts = np.array([[3, 1], [0, 4]])  # lag 3: three of four right; lag 6: all right
    confusion = xr.Dataset(
        {"count": (("lag", "predicted_lag"), counts)},
        {"lag": [3.0, 6.0], "predicted_lag": [3.0, 6.0]},
        {"accuracy": 7 / 8},
    )
    overlay = ad.plots.confusion_matrix(confusion)
    image = next(layer for layer in overlay if isinstance(layer, hv.Image))
    assert image[3.0, 3.0] == 0.75 and image[3.0, 6.0] == 0.25 and image[6.0, 6.0] == 1.0
    assert hv.render(overlay).title.text == "predicted lags: 88 % right, chance 50 %"


def test_learning_curves_of_shipped_models():
    overlay = ad.plots.learning_curves("srgan-4x-mse")
    assert {"training", "held out"} <= {layer.label for layer in overlay}
    with pytest.raises(UserError, match="no-such-model"):
        ad.plots.learning_curves("no-such-model")


def test_the_scorecard_measures_how_much_of_the_departure_is_gone(evaluation):
    table = ad.plots.scorecard_table(evaluation, field="vorticity")
    reference = table.attrs["reference"]
    assert (table["improvement"].sel(model=reference) == 0).all()
    scores = evaluation["scores"].to_dataset().sel(field="vorticity")
    other = next(str(name) for name in table["model"].values if name != reference)
    rmse = scores["value"].sel(measure="rmse")
    expected = 1 - float(rmse.sel(model=other)) / float(rmse.sel(model=reference))
    assert float(table["improvement"].sel(model=other, measure="rmse")) == pytest.approx(expected)
    sure = table["sure"].sel(model=other, measure="rmse")
    low, high = (
        float(scores[f"advantage_{end}"].sel(measure="rmse", model=other)) for end in ("low", "high")
    )
    assert bool(sure) == (low > 0 or high < 0)
    overlay = ad.plots.scorecard(evaluation, measures=["rmse", "wasserstein"])
    assert hv.render(overlay).renderers
    with pytest.raises(UserError, match="Expected a measure among"):
        ad.plots.scorecard(evaluation, measures=["beauty"])


def test_exploring_a_dataset():
    import panel as pn

    demo = ad.open_demo().isel(time=slice(0, 2))
    layout = demo.atmodist.explore(["bicubic"])
    plots = [plot for plot in layout if isinstance(plot, hv.DynamicMap)]
    assert len(plots) == 5  # coarse input, bicubic, truth; spectrum; semivariogram
    time, region, field = plots[0].kdims
    assert len(time.values) == 2 and "Europe" in region.values and field.values == ["vorticity", "divergence"]
    first = plots[1][time.values[0], "Europe", "vorticity"]
    second = plots[1][time.values[1], "Europe", "vorticity"]
    images = [next(layer for layer in one if isinstance(layer, hv.Image)) for one in (first, second)]
    assert not np.array_equal(*(image.dimension_values("value") for image in images))
    assert pn.panel(layout)
    with pytest.raises(UserError, match="Expected vorticity and divergence"):
        xr.Dataset({"temperature": ("x", [1.0])}).atmodist.explore()
