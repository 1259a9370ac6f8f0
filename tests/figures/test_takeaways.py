"""The sentence of each view says what its numbers allow, also for ties, single models and missing values."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.feature_takeaway import features_takeaway
from atmodist_core.figures.findings.takeaways import (
    cities_takeaway,
    distances_takeaway,
    faithful_degree,
    fitting_text,
    maps_takeaway,
    models_takeaway,
    spectra_takeaway,
)

NAN = float("nan")
NO_CLAIM = "One time decides nothing: the scorecard has intervals."


def test_maps_name_error_and_small_scales_apart():
    text = maps_takeaway("in Europe", "vorticity", {"M": 8e-6, "A": 9e-6}, {"M": 0.48, "A": 0.76})
    assert text.startswith("In Europe at this time, M has the smallest RMSE of vorticity (8.00 × 10⁻⁶ s⁻¹)")
    assert "A is closest to the small-scale power of the truth (76 %; M 48 %)" in text and text.endswith(
        NO_CLAIM
    )


def test_half_and_double_the_power_are_equally_far():
    text = maps_takeaway("here", "vorticity", {"M": 1.0, "A": 2.0}, {"M": 0.5, "A": 1.9}, "1")
    assert "A is closest" in text
    tied = maps_takeaway("here", "vorticity", {"M": 1.0, "A": 2.0}, {"M": 0.5, "A": 2.0}, "1")
    assert "M and A are closest to the small-scale power of the truth (50 % and 200 %)" in tied


def test_ties_at_a_time_have_several_winners():
    text = maps_takeaway("here", "vorticity", {"M": 1.000e-5, "A": 1.005e-5}, {"M": 0.5, "A": 0.9})
    assert "M and A have equally the smallest RMSE" in text


def test_missing_scores_are_left_out_and_a_single_model_wins_nothing():
    assert maps_takeaway("here", "vorticity", {}, {}) == ""
    assert maps_takeaway("here", "vorticity", {"M": NAN}, {"M": NAN}) == ""
    text = maps_takeaway("here", "vorticity", {"M": 8e-6, "A": NAN}, {"M": 0.48, "A": NAN})
    assert "no other model" in text and "smallest" not in text and "keeps 48 %" in text
    assert "small-scale" not in maps_takeaway("here", "vorticity", {"M": 1.0, "A": 2.0}, {"M": NAN, "A": NAN})


def test_the_scale_of_a_spectrum_is_where_the_ratio_leaves_the_truth():
    degree = np.arange(1.0, 201.0)

    def dropping(last):
        return degree, np.where(degree > last, 0.7, 1.1)

    text = spectra_takeaway("vorticity", {"B": dropping(40), "A": dropping(100)}, 45.0, "at this time")
    km = [round(2e-3 * np.pi * EARTH_RADIUS_M / last) for last in (100, 40, 45)]
    assert text == (
        f"The power of vorticity at this time stays within 20 % of the truth down to wavelengths of {km[0]} km (A) and {km[1]} km (B). "
        f"The coarse grid ends at {km[2]} km."
    )
    assert "down to wavelengths of the grid's own (A)" in spectra_takeaway(
        "v", {"A": (degree, np.ones(200))}, None, "now"
    )
    assert "truth at no scale for A." in spectra_takeaway(
        "v", {"A": (degree, np.full(200, 3.0))}, None, "now"
    )
    assert spectra_takeaway("v", {"A": (degree, np.full(200, NAN))}, None, "now") == ""


def test_single_wavenumbers_that_scatter_do_not_end_the_scale():
    degree = np.arange(1.0, 11.0)
    ratio = np.ones(10)
    ratio[3] = 1.5
    ratio[7:] = 0.5
    assert faithful_degree(degree, ratio) == 7.0
    ratio[0] = ratio[1] = 0.1
    assert faithful_degree(degree, ratio) == 0.0
    assert faithful_degree(degree, np.full(10, NAN)) is None
    last = np.ones(10)
    last[-1] = 0.5
    assert faithful_degree(degree, last) == 9.0


def test_distances_compare_saturations():
    assert "saturate at a lag of 12 h" in distances_takeaway({"AtmoDist": 12.0, "l2": 12.0}, 69.0, NAN, NAN)
    assert "up to a lag of 69 h or longer, l2 up to 12 h" in distances_takeaway(
        {"AtmoDist": 69.0, "l2": 12.0}, 69.0, NAN, NAN
    )
    plain = distances_takeaway({"l2": 12.0}, 69.0, NAN, NAN)
    assert "no AtmoDist" in plain and "predicts" not in plain
    assert distances_takeaway({}, 69.0, NAN, NAN) == ""
    assert "not independent" in plain


@pytest.mark.parametrize(
    ("ratio", "end"),
    [
        (Estimate(2.0, 1.5, 2.6), "decided for A."),
        (Estimate(0.5, 0.3, 0.8), "decided for B."),
        (Estimate(1.2, 0.9, 1.6), "not decided, as the interval contains 1."),
        (Estimate(2.0, NAN, NAN), "not decided, as there is no interval."),
    ],
)
def test_cities_are_decided_by_the_interval_only(ratio, end):
    assert cities_takeaway(("A", "B"), "divergence", (90, 10, 50), 12, ratio, "280 times").endswith(end)


def test_cities_without_a_longer_record_decide_nothing():
    text = cities_takeaway(("A", "B"), "divergence", (150, 0, 0), 1, None, "")
    assert "(1 time)" in text and text.endswith("is not decided by these times.")


def test_models_are_recommended_for_what_they_win_and_must_fit_the_data():
    text = models_takeaway({"A": ["small-scale power"], "M": ["pointwise error"]}, {"A": [], "M": []})
    assert text == (
        "Recommended by the evaluation: A for small-scale power; M for pointwise error. All models were trained on data like those shown."
    )
    spacing = ["grid spacing 0.25 degrees instead of 0.5"]
    assert fitting_text({"A": spacing, "M": spacing}) == (
        "No model was trained on data like those shown: grid spacing 0.25 degrees instead of 0.5."
    )
    assert fitting_text({"A": [], "M": [], "B": spacing}).startswith(
        "For the data shown fit A and M; not made for them: B (grid"
    )
    assert fitting_text({"A": ["level 500"], "M": spacing}).startswith(
        "No model was trained on data like those shown; not made"
    )
    assert models_takeaway({}, None) == "" and fitting_text({}) == ""


def test_the_line_of_features_is_made_from_the_numbers():
    over = ("rank", "y", "x")
    change = np.ones((3, 2, 2)) * np.array([1.0, 2.0, 2.0])[:, None, None] * 1e-6
    changes = xr.Dataset(
        {
            "vorticity": (over, change),
            "divergence": (over, 0 * change),
            "activation": ("rank", [3.0, 2.0, 1.0]),
        },
        {"latitude": ("rank", [-10.0, -20.0, 30.0])},
        {"layer": "stage2", "filter_number": 5, "rise": 0.1},
    )
    known = xr.Dataset({"half_wavenumber": ("distance", [14.0])}, {"distance": ["mine"]}).assign(
        error_half_wavenumber=66.0
    )
    line = features_takeaway({"changes": changes, "sensitivity": known}, "mine")
    assert line.startswith("Filter 5 of stage2: 2 of its 3 strongest patches lie south of the equator")
    assert "vorticity by 1.73 × 10⁻⁶ s⁻¹ (RMS) raises it by 10 %" in line
    assert "below 14, half of the squared error from those below 66." in line
    assert features_takeaway({}, "mine") == "" and "Half" not in features_takeaway(
        {"changes": changes}, "mine"
    )
