"""A transect shows the fields along the line, in the unit of its axis."""

import holoviews as hv
import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.plots.map_plots.transects import transect


@pytest.fixture(scope="module")
def demo():
    return ad.open_demo().isel(time=slice(0, 2)).load()


def test_curves_have_the_values_of_the_fields(demo):
    row, (first, last) = float(demo["latitude"][79]), map(float, demo["longitude"][[0, 40]])
    overlay = transect(demo, ["bicubic"], start=(row, first), end=(row, last), time=1, theme="dark")
    curves = {curve.label: curve for curve in overlay}
    truth = curves["truth"].dframe()
    for end, column in ((0, 0), (-1, 40)):
        expected = demo["vorticity"][1, 79, column]
        assert truth["value"].iloc[end] == pytest.approx(float(expected) * 1e5, rel=1e-4)
    coarse = curves["coarse input"].dframe()["value"].to_numpy()
    assert 8 < len(np.unique(coarse.round(6))) < 20, "one step per cell of two degrees"
    options = hv.Store.lookup_options("bokeh", overlay, "plot").kwargs
    assert options["ylabel"].endswith("[10⁻⁵ s⁻¹]") and "°N 20.0°E along" in options["xlabel"]


def test_fields_that_are_known_are_taken_as_they_are(demo):
    fields = {"mine": demo * 2, "truth": demo}
    overlay = transect(fields, start=(0, 170), end=(10, -170), field="divergence")
    values = {curve.label: curve.dframe()["value"].to_numpy() for curve in overlay}
    np.testing.assert_allclose(values["mine"], 2 * values["truth"], rtol=1e-5)


def test_mistakes_get_one_sentence(demo):
    with pytest.raises(UserError, match="at least 10 km"):
        transect(demo, start=(0, 0), end=(0, 0))
