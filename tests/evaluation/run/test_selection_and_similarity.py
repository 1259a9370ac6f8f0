"""Which times are used, and similarity over time."""

import numpy as np
import pytest

from atmodist_core.evaluation.diagnostics.structural_similarity import structural_similarity
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.run.data import open_evaluation_data
from atmodist_core.evaluation.run.groups import AREA, CITIES
from atmodist_core.evaluation.run.member_run import Selection
from atmodist_core.evaluation.statistics.moments import AreaSums
from atmodist_core.evaluation.statistics.similarity import Similarity
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from tests.evaluation.mock_fields import globe


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    fields = globe(48, truncation=21, times=40, seed=2)
    path = tmp_path_factory.mktemp("selection") / "weather.nc"
    fields.to_netcdf(path, engine="netcdf4")
    return path


def test_pieces_use_the_times_of_the_whole(source):
    selection = Selection(every_hours=12, cities_every_hours=6)
    whole = open_evaluation_data(source, factor=4)
    pieces = [
        open_evaluation_data(source, factor=4, period=p)
        for p in (("2001-01-01T00", "2001-01-02T05"), ("2001-01-02T06", "2001-01-06"))
    ]
    for group, count in ((AREA, 10), (CITIES, 20)):
        times = selection.times(whole, group)
        assert len(times) == count
        joined = np.concatenate([selection.times(piece, group) for piece in pieces])
        assert (joined == times).all()
    assert Selection(cities_every_hours=-1).times(whole, CITIES).size == 0
    assert Selection().times(whole, AREA).size == 40


def test_similarity_is_of_the_rows_near_the_equator(source):
    data = open_evaluation_data(source, factor=4)
    fine = data.at(0)
    truth = np.stack([fine[name].values[0] for name in data.names])
    random = np.random.default_rng(0)
    near = np.abs(data.template["latitude"].values) <= 60
    values = truth + 1e-6 * random.standard_normal(truth.shape).astype(np.float32)
    values[:, ~near] = 7.0  # nobody looks there
    sums = AreaSums(area_weights(data.template), 4)
    similarity = Similarity(sums, data.template["latitude"].values, data.template.sizes["longitude"])
    found = similarity(Snapshot(values, truth, fine, fine))
    for number in range(2):
        a, b = values[number, near].astype(float), truth[number, near].astype(float)
        span = b.max() - b.min()
        assert found["ssim"][number] == pytest.approx(structural_similarity(a, b, value_range=span), abs=1e-5)
        assert found["psnr"][number] == pytest.approx(
            10 * np.log10(span**2 / np.mean((a - b) ** 2)), rel=1e-4
        )
    same = similarity(Snapshot(truth.copy(), truth, fine, fine))
    assert same["ssim"] == pytest.approx([1, 1]) and np.isinf(same["psnr"]).all()
