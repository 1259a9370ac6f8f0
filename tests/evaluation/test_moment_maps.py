"""Moments from sums of whole numbers, against SciPy on the values themselves."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.run.data import open_evaluation_data
from atmodist_core.evaluation.statistics.moment_maps import MomentMaps, moments
from atmodist_core.evaluation.statistics.moments import AreaSums
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Group
from atmodist_core.evaluation.store.sums_store import added
from tests.evaluation.run.test_evaluation_run import weather


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_evaluation_data(weather(tmp_path_factory.mktemp("maps"), "weather.nc", 3, times=12), factor=4)


def one_time(data, index):
    fine = data.at(index)
    truth = np.stack([fine[name].values[0] for name in data.names])
    return Snapshot(np.float32(0.8) * truth, truth, fine, fine)


def group_of(data):
    sums = AreaSums(area_weights(data.template), data.factor)
    return Group("maps", [MomentMaps(sums, data.template, data.units)], summed=True)


def sums_over(data, indices):
    group = group_of(data)
    parts = []
    for index in indices:
        arrays = group(one_time(data, index))
        parts.append(
            group.labelled(
                data.times[[index]], {name: [a] for name, a in arrays.items()}, data.names, data.units
            )
        )
    return added(parts, data.label)


def test_moments_are_those_of_the_pooled_values(data):
    found = moments(sums_over(data, range(12)), data.units, 4)
    values = np.stack([one_time(data, index).values for index in range(12)]).astype(float)
    truth = np.stack([one_time(data, index).truth for index in range(12)]).astype(float)

    def pooled(x):
        times, fields, rows, columns = x.shape
        cells = x.reshape(times, fields, rows // 4, 4, columns // 4, 4).transpose(1, 2, 4, 0, 3, 5)
        return cells.reshape(fields, rows // 4, columns // 4, -1)

    sample = pooled(values)
    expected = {
        "mean": sample.mean(-1),
        "standard_deviation": sample.std(-1),
        "skewness": scipy.stats.skew(sample, axis=-1),
        "kurtosis": scipy.stats.kurtosis(sample, axis=-1, fisher=False),
        "rmse": np.sqrt((pooled(values - truth) ** 2).mean(-1)),
    }
    for name, wanted in expected.items():
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(found[name].values, wanted, rtol=1e-4, atol=1e-5 * scale, err_msg=name)
    latitude = data.template["latitude"].values
    assert found["latitude"].values[0] == pytest.approx(latitude[:4].mean())


def test_sums_do_not_depend_on_the_order(data):
    forwards, backwards = sums_over(data, range(12)), sums_over(data, range(11, -1, -1))
    xr.testing.assert_identical(forwards, backwards)


def test_where_nothing_varies_there_is_no_kurtosis(data):
    group = group_of(data)
    constant = np.full(
        (2, data.template.sizes["latitude"], data.template.sizes["longitude"]), 2e-5, np.float32
    )
    fields = data.template
    arrays = group(Snapshot(constant, constant, fields, fields))
    assert "squared_error" not in arrays
    sums = group.labelled(data.times[:1], {name: [a] for name, a in arrays.items()}, data.names, data.units)
    found = moments(sums, data.units, 4)
    assert found["kurtosis"].isnull().all() and found["skewness"].isnull().all()
    np.testing.assert_allclose(found["mean"].values, 2e-5, rtol=1e-5)
