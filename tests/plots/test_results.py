"""Plots of results: densities, verdicts, lags, curves and the scorecard hold the numbers they are given."""

import csv

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
from atmodist_core.fields.grid.projections import PROJECTIONS
from atmodist_core.plots.city_plots import density_columns
from atmodist_core.plots.distance_plots.lags import confusion_columns
from atmodist_core.plots.distance_plots.matrices import matrix_columns


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
        steps = {name: curves["truth"].dimension_values(name) for name in ("value", "density", "shown")}
        assert np.trapezoid(steps["shown"], steps["value"]) == pytest.approx(1, abs=1e-6)
        assert (steps["density"] > 0).all(), "a logarithm has no place for zero"
        expected = stats.wasserstein_distance(truth.astype(float), found.astype(float)) * 1e5
        assert curves["bicubic"].dimension_values("wasserstein")[0] == pytest.approx(expected, rel=1e-3)
        lines = next(layer for layer in panel if isinstance(layer, hv.VLines))
        assert lines.dimension_values(0) == pytest.approx(np.quantile(truth * 1e5, [0.02, 0.98]), rel=1e-5)


def test_pointing_at_a_step_shows_its_bin():
    columns, (low, _) = density_columns({"truth": np.array([0.0, 0.1, 0.2, 1.0])})
    truth = columns["truth"]
    inside = truth["shown"] > 0
    assert (truth["from"] <= truth["value"]).all() and (truth["value"] <= truth["to"]).all()
    width = truth["to"][inside] - truth["from"][inside]
    assert width == pytest.approx(1 / 8) and sum(truth["shown"][inside] * width) / 2 == pytest.approx(1)
    assert truth["density"][~inside].max() < low


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
    figure = hv.render(ad.plots.distance_matrix(matrix, pair=times[[1, 2]]))
    picture, mark = (renderer.data_source.data for renderer in figure.renderers)
    np.testing.assert_array_equal(picture["image"][0], matrix)  # the first row is drawn at the bottom
    assert (mark["left"][0], mark["bottom"][0]) == (1, 2) and (mark["right"][0], mark["top"][0]) == (2, 3)
    assert figure.select_one({"name": "times"}).data["text"][1] == "2001-01-01 06:00"
    columns = matrix_columns(matrix.values)
    assert {name: columns[name][0] for name in ("x", "y", "dw", "dh")} == {
        name: picture[name][0] for name in ("x", "y", "dw", "dh")
    }
    with pytest.raises(UserError, match="Expected two of the times 2001-01-01 00:00:00 to"):
        ad.plots.distance_matrix(matrix, pair=("2001-01-01", "2002-01-01"))


def test_lag_curves_show_mean_and_band():
    curves = xr.Dataset(
        {
            "mean": (("measure", "lag"), [[1.0, 2.0], [0.5, 0.7]]),
            "standard_deviation": (("measure", "lag"), [[0.1, 0.2], [0.1, 0.1]]),
            "saturation": ("measure", [6.0, 3.0]),
            "pairs": ("lag", [7, 5]),
        },
        {"measure": ["AtmoDist", "l2"], "lag": [3.0, 6.0]},
    )
    overlay = ad.plots.lag_curves(curves)
    curve = next(layer for layer in overlay if layer.label == "AtmoDist")
    band = next(layer for layer in overlay if layer.label.startswith("AtmoDist, one"))
    assert curve.dimension_values("distance").tolist() == [1.0, 2.0]
    assert band.dimension_values("low").tolist() == pytest.approx([0.9, 1.8])
    mark = next(layer for layer in overlay if layer.label.startswith("AtmoDist: 90"))
    assert mark.dimension_values("lag").tolist() == [6.0] and mark.dimension_values("distance").tolist() == [
        2.0
    ]
    figure = hv.render(overlay)
    tips = next(tool.tooltips for tool in figure.tools if "@{pairs}{0}" in str(getattr(tool, "tooltips", "")))
    assert ("pairs of times", "@{pairs}{0}") in tips
    assert next(one for one in figure.renderers if "pairs" in one.data_source.data).data_source.data[
        "pairs"
    ].tolist() == [7, 5]
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
    assert image.dimension_values("share", flat=False).tolist() == [[0.75, 0.0], [0.25, 1.0]]
    figure = hv.render(overlay)
    assert figure.title.text == "predicted lags: 88 % right, chance 50 %"
    mapper = figure.renderers[0].glyph.color_mapper
    assert mapper.nan_color == mapper.low_color == "rgba(0, 0, 0, 0)" and 0 < mapper.low < 1e-6, (
        "lags without pairs, and shares of zero"
    )
    # In the source row and column are predicted and true lag, from the lower left, as for later patches.
    drawn, columns = figure.renderers[0].data_source.data, confusion_columns(confusion)
    for name in ("image", "pairs", "true", "predicted"):
        np.testing.assert_array_equal(drawn[name][0], columns[name][0])
    assert {name: drawn[name] for name in ("x", "y", "dw", "dh")} == {
        "x": [1.5],
        "y": [1.5],
        "dw": [6.0],
        "dh": [6.0],
    }


def test_learning_curves_of_shipped_models():
    overlay = ad.plots.learning_curves("srgan-4x-mse")
    assert {"training", "held-out MSE"} <= {layer.label for layer in overlay}
    with (asset_folder("models") / "srgan-4x-mse" / "curves.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["held_out_mse"]]
    marks = next(layer for layer in overlay if layer.label == "held-out MSE")
    assert marks.dimension_values("step").tolist() == [float(row["step"]) for row in rows]
    assert marks.dimension_values("loss").tolist() == [float(row["held_out_mse"]) for row in rows]
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
    time, region, field, projection = plots[0].kdims
    assert projection.values == list(PROJECTIONS)
    assert len(time.values) == 2 and "Europe" in region.values and field.values == ["vorticity", "divergence"]
    first = plots[1][time.values[0], "Europe", "vorticity", "plate-carree"]
    second = plots[1][time.values[1], "Europe", "vorticity", "plate-carree"]
    images = [next(layer for layer in one if isinstance(layer, hv.Image)) for one in (first, second)]
    assert not np.array_equal(*(image.dimension_values("value") for image in images))
    assert pn.panel(layout)
    with pytest.raises(UserError, match="Expected vorticity and divergence"):
        xr.Dataset({"temperature": ("x", [1.0])}).atmodist.explore()


def test_a_map_to_explore_changes_its_projection_in_place():
    demo = ad.open_demo().isel(time=slice(0, 2))
    (truth, *_) = demo.atmodist.explore([])
    time = truth.kdims[0].values
    plot = hv.renderer("bokeh").get_plot(truth)
    figure = plot.state
    hover = next(tool for tool in figure.tools if type(tool).__name__ == "HoverTool")

    def drawn(*choice):
        plot.update(choice)
        places = [text for name, text in hover.tooltips if name.startswith(("longitude", "latitude"))]
        return figure.x_range.end, figure.frame_height / figure.frame_width, figure.xaxis[0].visible, places

    east, _, visible, places = drawn(time[0], "Europe", "vorticity", "plate-carree")
    assert 45 < east < 46 and visible and places == ["$x", "$y"]
    east, ratio, visible, places = drawn(time[0], "everywhere", "vorticity", "orthographic")
    assert east == pytest.approx(6_371_229, rel=1e-3) and ratio == 1 and not visible
    assert places == ["@lon", "@lat"]
    # Zooming lasts from one time to the next.
    figure.x_range.end = 1e6
    assert drawn(time[1], "everywhere", "vorticity", "orthographic")[0] == 1e6
    assert drawn(time[1], "everywhere", "vorticity", "lambert")[1] < 0.6
    assert figure.title.text == "truth (Robinson)"
    east, _, visible, places = drawn(time[1], "everywhere", "vorticity", "plate-carree")
    assert 359 < east < 361 and visible and places == ["$x", "$y"]
