"""Simple predictors of the lag on pairs whose difference tells it."""

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import Bootstrap, DayAxis, bootstrap_counts
from atmodist_core.evaluation.lags.lag_predictors import predictions
from atmodist_core.evaluation.lags.lag_results import _add_predictors

HOURS = 3.0 * np.arange(1, 6)


def table(days, pairs=40, seed=0):
    random = np.random.default_rng(seed)
    label = random.integers(0, 5, (days, pairs))
    over = ("time", "pair")
    return xr.Dataset(
        {
            "lag": (over, HOURS[label]),
            "latitude": (over, random.uniform(-60, 60, label.shape)),
            "rms_difference_vorticity": (over, 1.5**label * random.lognormal(0, 0.05, label.shape)),
            "rms_strength_vorticity": (over, np.ones(label.shape)),
        },
        {"time": np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(24, "h")},
    )


def test_a_difference_that_tells_the_lag_is_read():
    pairs = table(40)
    axis = DayAxis.of([pairs.time.values])
    result = xr.Dataset()
    _add_predictors(result, [pairs], axis, bootstrap_counts(axis, Bootstrap(replicates=50)), HOURS)
    assert result.predictor.values.tolist() == ["rms", "rms_latitude", "rms_network"]
    assert (result.predictor_accuracy.sel(predictor=["rms", "rms_network"]) > 0.95).all()
    assert (result.predictor_accuracy_low <= result.predictor_accuracy).all()
    assert (result.predictor_lag_error.sel(predictor="rms") < 0.3).all()


def test_too_few_pairs_fit_nothing():
    assert predictions([table(8)], np.zeros(320, dtype=int), 5) == {}
