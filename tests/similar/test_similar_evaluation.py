"""The evaluation of similar times: distances by loops over pairs, scores counted by hand, and the command."""

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.evaluation.bootstrap import Bootstrap
from atmodist_core.evaluation.diagnostics.similar.agreement import (
    Search,
    best_rank,
    hours_between,
    label_shares,
    mean_estimate,
    nearest_is_near,
    neighbours_before_strangers,
    rank_of_neighbours,
    shares_of_label,
)
from atmodist_core.evaluation.diagnostics.similar.compared_distances import (
    LEARNED,
    PATTERN,
    RMSE,
    STREAM,
    compared_distances,
    stream_function,
)
from atmodist_studio.command import run_command
from tests.networks.mock_models import globe, saved_distance

TIMES = np.datetime64("2001-01-01", "ns") + np.arange(40) * np.timedelta64(6, "h")


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    folder = saved_distance(tmp_path_factory.mktemp("models") / "tiny-distance", grid_spacing_deg=2.8125)
    fields = globe(rows=64, columns=128, times=6)
    return fields, ad.load_distance(folder), ad.embed_record(fields, model=str(folder))


@pytest.mark.parametrize("region", [None, ad.Region(35.0, 80.0, 300.0, 360.0)])
def test_distances_are_those_of_a_loop_over_pairs(weather, region):
    fields, network, record = weather
    stream = stream_function(fields, 42)
    found = compared_distances(fields, stream, {LEARNED: record}, region)
    cut = fields if region is None else region.select(fields)
    area = np.cos(np.deg2rad(cut["latitude"].values))[:, None] * np.ones(cut.sizes["longitude"])
    squares, correlation = [], []
    for name in ("vorticity", "divergence"):
        values = cut[name].values.astype(float).reshape(6, -1)
        square = [[np.average((a - b) ** 2, weights=area.ravel()) for b in values] for a in values]
        squares.append(np.array(square) / np.mean(square))
        covariance = np.cov(values, aweights=area.ravel())
        correlation.append(covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance))))
    np.testing.assert_allclose(found[RMSE], np.sqrt(np.mean(squares, axis=0)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[PATTERN], 1 - np.mean(correlation, axis=0), atol=1e-4)
    smooth = stream if region is None else region.select(stream)
    weights = np.cos(np.deg2rad(smooth["latitude"].values))[:, None] * np.ones(smooth.sizes["longitude"])
    each = smooth["stream_function"].values.astype(float)
    direct = [[np.sqrt(np.average((a - b) ** 2, weights=weights)) for b in each] for a in each]
    np.testing.assert_allclose(found[STREAM], direct, rtol=2e-3, atol=1e-3 * np.max(direct))
    if region is None:
        matrix = network.matrix(fields).values
        np.testing.assert_allclose(found[LEARNED], matrix, rtol=5e-3, atol=1e-3 * matrix.max())


def test_a_distance_that_grows_with_the_lag_is_the_best():
    hours = hours_between(TIMES)
    assert nearest_is_near(hours, hours).all()
    rank = rank_of_neighbours(hours + 0.0, hours)
    # Six times lie nearer than 24 h on both sides; those 24 h before and after have ranks 7 and 8.
    assert rank[20] == 7.5 and (rank == best_rank(hours)).all()
    assert rank[0] == 4.0
    before = neighbours_before_strangers(hours, hours)
    assert np.nanmin(before) == 1
    # From the middle of the record none is more than 120 h away.
    assert np.flatnonzero(np.isnan(before)).tolist() == [19, 20]


def test_a_reversed_distance_is_the_worst():
    hours = hours_between(TIMES)
    reverse = 1e3 - hours
    assert not nearest_is_near(reverse, hours).any()
    assert rank_of_neighbours(reverse, hours)[0] == 36.0  # 35 times are more than 24 h away
    assert np.nanmax(neighbours_before_strangers(reverse, hours)) == 0
    two_days = hours_between(TIMES[:8])
    assert np.isnan(neighbours_before_strangers(two_days, two_days)).all()


def test_shares_count_the_label_among_the_chosen_and_all():
    labels = np.zeros(40, bool)
    labels[[2, 30, 31, 36]] = True
    hours = hours_between(TIMES)
    distances = 1.0 + 0.001 * hours
    distances[2, [30, 31, 36]] = 0.1, 0.2, 0.3
    search = Search(k=3, exclude_hours=120.0, apart_hours=24.0)
    similar, usual = shares_of_label(distances, hours, labels, search)
    # Of time 2, those from 23 on are more than 120 h away. 31 is too near to 30; the third is the nearest time of the rest.
    assert similar[2] == pytest.approx(2 / 3) and usual[2] == pytest.approx(3 / 17)
    assert np.isnan(similar[0]) and np.isnan(usual[0])
    alone, _ = shares_of_label(distances, hours, labels, Search(k=3, exclude_hours=120.0, apart_hours=0.0))
    assert alone[2] == 1.0
    # Without the days of times 30 and 31, which are drawn not at all, and with time 36 drawn twice.
    drawn = np.ones(40)
    drawn[[30, 31]], drawn[36] = 0, 2
    some, base = shares_of_label(distances, hours, labels, Search(k=1), drawn)
    assert some[2] == 1.0 and base[2] == pytest.approx(2 / 16) and np.isnan(some[30])


def test_shares_of_unrelated_distances_gain_nothing():
    """Of 20 records of noise, about one interval of 95 % misses zero."""
    times = np.datetime64("2001-01-01", "ns") + np.arange(120) * np.timedelta64(12, "h")
    missed = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        distances = random.random((120, 120))
        labels = random.random((120, 1)) < 0.25
        found = label_shares([distances + distances.T], times, labels, Search(), Bootstrap(5, 60, seed=seed))
        low, high = np.percentile(found[1:, 0] - found[1:, 1], [2.5, 97.5])
        missed += not low <= 0 <= high
    assert missed <= 3


def test_the_interval_of_a_mean_is_that_of_independent_days():
    times = np.datetime64("2001-01-01", "ns") + np.arange(400) * np.timedelta64(24, "h")
    values = np.random.default_rng(0).standard_normal((400, 1))
    values[3] = np.nan
    found = mean_estimate(values, times, Bootstrap(block_days=1))
    assert found.value == pytest.approx(np.nanmean(values))
    assert found.high - found.low == pytest.approx(2 * 1.96 / np.sqrt(400), rel=0.15)


def test_the_command_writes_its_table_into_a_document(tmp_path, capsys):
    saved_distance(tmp_path / "tiny-distance", grid_spacing_deg=2.8125)
    fields = globe(rows=64, columns=128, times=48)
    smooth = fields.rolling(time=9, min_periods=1, center=True).mean()
    smooth.to_netcdf(tmp_path / "record.nc")
    document = tmp_path / "text.md"
    document.write_text("before\n<!-- begin table mine: nothing -->\nold\n<!-- end -->\nafter\n")
    flags = ["--data", str(tmp_path / "record.nc"), "--store", str(tmp_path / "store"), "--replicates", "4"]
    flags += ["--model", str(tmp_path / "tiny-distance"), "--out", str(tmp_path / "out"), "--block-days", "1"]
    flags += ["--control", "--exclude-hours", "24", "--k", "2", "--name", "mine", "--markdown", str(document)]
    assert run_command(["evaluate-similar", *flags]) == 0
    text = document.read_text()
    assert "old" not in text and text.endswith("after\n")
    row = next(line for line in text.splitlines() if line.startswith("| globe | AtmoDist |"))
    matrix = ad.load_distance(tmp_path / "tiny-distance").matrix(ad.open_fields(tmp_path / "record.nc"))
    order = (matrix.values + np.diag(np.full(48, np.inf))).argmin(axis=1)
    expected = 100 * (abs(order - np.arange(48)) <= 4).mean()
    assert float(row.split("|")[3].split("[")[0]) == pytest.approx(expected, abs=2.2)  # one of 48 times
    control = next(line for line in text.splitlines() if line.startswith("| sectors | untrained network |"))
    assert 0 <= float(control.split("|")[3].split("[")[0]) <= 100
    assert text.split("<!-- end -->")[0].split("-->\n")[1] in (tmp_path / "out" / "mine.md").read_text()
    with pytest.raises(ad.UserError, match="Expected a document at --markdown"):
        run_command(["evaluate-similar", *flags, "--markdown", str(tmp_path / "nowhere.md")])
    with pytest.raises(ad.UserError, match="whole globe"):
        fields.isel(latitude=slice(0, 40)).to_netcdf(tmp_path / "part.nc")
        run_command(
            [
                "evaluate-similar",
                *flags,
                "--data",
                str(tmp_path / "part.nc"),
                "--store",
                str(tmp_path / "other"),
            ]
        )
