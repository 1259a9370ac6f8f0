"""Plots of ensembles hold the numbers they are given, and refuse what they cannot show."""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import rank_histogram, spread_skill


@pytest.fixture(scope="module")
def case():
    truth = ad.open_demo().isel(time=slice(0, 1)).load()
    random = np.random.default_rng(0)
    members = [
        truth.map(lambda x: (x + 1e-5 * random.standard_normal(x.shape)).astype(np.float32), keep_attrs=True)
        for _ in range(5)
    ]
    return xr.concat(members, "member"), truth


def picture(panel):
    return next(layer for layer in panel if isinstance(layer, hv.Image))


def test_stamps_show_members_mean_truth_and_spread(case):
    members, truth = case
    layout = ad.plots.ensemble(members, truth, field="divergence", stamps=2)
    assert [panel.label for panel in layout] == [
        *("member 1", "member 2", "mean of 5 members", "truth", "spread of 5 members")
    ]
    first, _, mean, true, spread = (picture(panel).dimension_values("value", flat=False) for panel in layout)
    values = members["divergence"].isel(time=0).values
    factor = np.abs(true).max() / np.abs(truth["divergence"].values).max()
    for found, expected in ((first, values[0]), (mean, values.mean(axis=0))):
        np.testing.assert_allclose(
            np.sort(found.ravel()), np.sort(expected.ravel() * factor), rtol=1e-3, atol=1e-5
        )
    scales = [picture(panel).opts.get("style").kwargs for panel in layout]
    limits = [picture(panel).opts.get("plot").kwargs["clim"] for panel in layout]
    assert len(set(limits[:4])) == 1 and limits[4][0] == 0 and scales
    # The spread has a unit of its own.
    assert spread.mean() / spread.std() == pytest.approx(
        values.std(axis=0, ddof=1).mean() / values.std(axis=0, ddof=1).std(), rel=1e-3
    )
    assert hv.render(layout)


def curves(overlay):
    return {layer.label: layer for layer in overlay if isinstance(layer, hv.Curve)}


def test_a_rank_histogram_is_relative_to_a_flat_one(case):
    share = rank_histogram(*case)
    overlay = ad.plots.rank_histogram({"srgan-4x-mse": share})
    (curve,) = curves(overlay).values()
    np.testing.assert_allclose(curve.dimension_values(1)[::2], 6 * share["share"].sel(field="vorticity"))
    assert hv.render(overlay)


def test_spread_over_error_is_drawn_per_wavenumber(case):
    found = spread_skill(*case, by="wavenumber")
    overlay = ad.plots.spread_error(found, field="divergence", theme="dark")
    (curve,) = curves(overlay).values()
    np.testing.assert_allclose(
        curve.dimension_values(1), found["ratio"].sel(field="divergence").values[1:], rtol=1e-6
    )
    assert hv.render(overlay)


def test_an_evaluation_is_drawn_with_one_curve_for_each_ensemble():
    ranks = np.full((2, 1, 2, 4), np.nan)
    ranks[0] = [[[0.25] * 4, [0.4, 0.1, 0.1, 0.4]]]
    results = xr.Dataset(
        {
            "rank_share": (("model", "field", "area_part", "rank"), ranks),
            "spread_error_by_wavenumber": (
                ("model", "field", "wavenumber"),
                [[[np.nan, 0.9, 1.1]], [[0.0] * 3]],
            ),
        },
        {
            "model": ["members", "bicubic"],
            "field": ["vorticity"],
            "area_part": ["area", "latitudes 0 to 30"],
        },
    )
    found = curves(ad.plots.rank_histogram(results, part="latitudes 0 to 30"))
    assert list(found) == ["members"]
    np.testing.assert_allclose(found["members"].dimension_values(1)[::2], [1.6, 0.4, 0.4, 1.6])
    assert list(curves(ad.plots.spread_error(results))) == ["members"]
    with pytest.raises(UserError, match="area_part among area, latitudes 0 to 30"):
        ad.plots.rank_histogram(results, part="poles")
    with pytest.raises(UserError, match="among vorticity"):
        ad.plots.spread_error(results, field="wind")
    with pytest.raises(UserError, match="at least one ensemble"):
        ad.plots.rank_histogram(results.isel(model=[1]))


def test_single_fields_are_no_ensemble(case):
    with pytest.raises(UserError, match="two or more members"):
        ad.plots.ensemble(case[1])
