"""Scores of filled gaps, against sums written out and against what they must be."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.bootstrap import Bootstrap
from atmodist_core.evaluation.gaps.gap_scores import (
    GAP_MEASURES,
    _distances,
    example_areas,
    gap_measures,
    gap_sums,
)
from atmodist_core.evaluation.gaps.gap_statistics import FAR, STATISTICS, gap_statistics
from atmodist_core.evaluation.gaps.gap_tables import gap_tables
from atmodist_core.training.data.synthetic import synthetic_fields
from tests.networks.mock_models import saved_distance
from train.applications import gap_scores as command

SETTINGS = {"areas": 2, "size": 24, "members": 2}


@pytest.fixture(scope="module")
def weather():
    return synthetic_fields(80, latitude_count=48).isel(time=slice(None, None, 8))


@pytest.fixture(scope="module")
def fillers():
    return {name: ad.load_gap_filler(name) for name in ("nearest", "harmonic")}


@pytest.fixture(scope="module")
def sums(weather, fillers):
    return gap_sums(weather, fillers, **SETTINGS)


def test_statistics_written_out_point_by_point():
    random = np.random.default_rng(0)
    rows, columns, count = 9, 11, 3
    truth = random.standard_normal((rows, columns)).astype(np.float32)
    missing = random.random((rows, columns)) < 0.7
    filled = np.where(missing, random.standard_normal((count, rows, columns)), truth).astype(np.float32)
    area = random.uniform(0.5, 1.5, rows)
    wanted = dict.fromkeys(STATISTICS, 0.0)
    for i, j in np.argwhere(missing):
        members, true = filled[:, i, j].astype(float), float(truth[i, j])
        wanted["weight"] += area[i]
        wanted["squared_error"] += area[i] * (members.mean() - true) ** 2
        between = np.abs(members[:, None] - members[None]).sum() / (2 * count * (count - 1))
        wanted["crps"] += area[i] * (np.abs(members - true).mean() - between)
        wanted["variance"] += area[i] * members.var(ddof=1) * (count + 1) / count
    for i in range(rows):
        for j in range(columns):
            for down, right in ((1, 0), (0, 1), (FAR, 0), (0, FAR)):
                k, m = i + down, j + right
                if k >= rows or m >= columns:
                    continue
                near = down + right == 1
                both, one = missing[i, j] and missing[k, m], missing[i, j] != missing[k, m]
                if both or (one and near):
                    name = "edge" if one else "near" if near else "far"
                    differences = filled[:, k, m].astype(float) - filled[:, i, j]
                    wanted[name] += area[i] * (differences**2).mean()
                    wanted[f"{name}_truth"] += area[i] * (float(truth[k, m]) - float(truth[i, j])) ** 2
    found = dict(zip(STATISTICS, gap_statistics(filled, truth, missing, area), strict=True))
    for name in STATISTICS:
        assert found[name] == pytest.approx(wanted[name], rel=1e-5), name


def test_the_truth_itself_is_perfect():
    truth = np.random.default_rng(1).standard_normal((12, 12)).astype(np.float32)
    missing = np.zeros((12, 12), bool)
    missing[3:9, 4:10] = True
    found = dict(zip(STATISTICS, gap_statistics(truth[None], truth, missing, np.ones(12)), strict=True))
    assert found["squared_error"] == found["crps"] == found["variance"] == 0
    assert all(found[name] == found[f"{name}_truth"] > 0 for name in ("near", "far", "edge"))


def test_measures_of_interpolations(sums):
    measures = gap_measures(sums, Bootstrap(block_days=1, replicates=50))
    assert set(GAP_MEASURES) <= set(measures)
    assert measures["shape"].values.tolist() == ["blocks", "stripes", "corner", "all"]
    harmonic, nearest = (measures.sel(model=name) for name in ("harmonic", "nearest"))
    assert bool((harmonic["rmse"].sel(shape="all") < nearest["rmse"].sel(shape="all")).all())
    assert bool((harmonic["gradient_ratio"] < 0.7).all())
    for name in ("rmse", "crps", "gradient_ratio", "edge_ratio"):
        low, value, high = (measures[name + end] for end in ("_low", "", "_high"))
        assert bool(((low <= value) & (value <= high)).all()) and measures[name].attrs["units"]
    pooled = sums["sums"].sum(["time", "shape"]).sel(model="harmonic", field="vorticity")
    by_hand = np.sqrt(pooled.sel(statistic="squared_error") / pooled.sel(statistic="weight"))
    assert float(harmonic["rmse"].sel(shape="all", field="vorticity")) == pytest.approx(float(by_hand))
    assert float(measures["spread_error_ratio"].max()) == 0


@pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")
def test_distances_are_means_over_the_members_of_each(weather, tmp_path):
    distance = ad.load_distance(saved_distance(tmp_path / "tiny-distance"))
    truth = weather.isel(time=[0], latitude=slice(4, 44), longitude=slice(0, 40))
    random = np.random.default_rng(0)

    def filling(count):
        drawn = [truth + 1e-5 * random.standard_normal((1, 40, 40)) for _ in range(count)]
        return xr.concat(drawn, "member").transpose("member", ...)

    fillings = [filling(1), filling(3)]
    found = _distances(distance, fillings, truth)
    for value, each in zip(found, fillings, strict=True):
        alone = [float(distance.distance(each.isel(member=m), truth)[0]) for m in range(each.sizes["member"])]
        assert value == pytest.approx(np.mean(alone), rel=1e-5) and value > 0
    sums = gap_sums(weather.isel(time=[0]), {"a": ad.load_gap_filler("nearest")}, distance, areas=1, size=40)
    ratio = gap_measures(sums)["distance"].sel(model="a", shape="corner")
    by_hand = sums["distance"].sel(model="a", shape="corner") / sums["share"].sel(model="a", shape="corner")
    assert float(ratio) == pytest.approx(float(by_hand.item()))


def test_the_same_gaps_for_the_same_seed(weather, fillers, sums):
    again = gap_sums(weather.isel(time=slice(3, 4)), {"harmonic": fillers["harmonic"]}, **SETTINGS)
    xr.testing.assert_identical(again["sums"], sums["sums"].sel(model=["harmonic"]).isel(time=slice(3, 4)))
    other = gap_sums(weather.isel(time=[3]), {"harmonic": fillers["harmonic"]}, seed=1, **SETTINGS)
    assert not np.array_equal(other["sums"], again["sums"])


def test_tables_and_examples(sums, weather, fillers):
    tables = gap_tables(gap_measures(sums, Bootstrap(block_days=1, replicates=20)))
    assert list(tables) == ["errors", "structure", "shapes"]
    for table in tables.values():
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1 and lines[2].startswith("| nearest |")
        assert "nan" not in table and "[" in table
    panels = example_areas(weather, fillers, size=24)
    assert list(panels) == ["with gaps", "nearest", "harmonic", "truth"]
    given = np.isfinite(panels["with gaps"])
    assert all(np.array_equal(panels[name][given], panels["truth"][given]) for name in fillers)


def test_the_command(weather, tmp_path, capsys):
    weather.to_netcdf(tmp_path / "weather.nc")
    arguments = [
        "--data",
        str(tmp_path / "weather.nc"),
        "--models",
        "nearest",
        "smooth=harmonic",
        "--size",
        "24",
    ]
    more = [
        "--areas",
        "1",
        "--distance",
        "none",
        "--every-hours",
        "0",
        "--block-days",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- begin table mine-errors: x -->\n<!-- end -->\n")
    assert command.main([*arguments, *more, "--name", "mine", "--markdown", str(document)]) == 0
    assert "| smooth |" in document.read_text() and "--name mine" in document.read_text()
    assert "| smooth |" in capsys.readouterr().out
    with xr.open_dataset(tmp_path / "out" / "gap_scores.nc") as measures:
        assert measures["model"].values.tolist() == ["nearest", "smooth"]
    assert (tmp_path / "out" / "gap_scores.md").read_text().startswith("| filled by |")
    assert (tmp_path / "out" / "gap_scores.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "900"], "at least one area of 900 x 900 points"),
        (["--areas", "0"], "--areas of 1 or more, found 0"),
        (["--models", "sr-4x-mse"], "kind 'gap filler', found 'sr-4x-mse'"),
        (["--shapes", "circle"], "shapes of gaps among"),
        (["--period", "1999-01-01"], "No time lies in"),
        (["--markdown", "nowhere.md"], "document at --markdown nowhere.md, found none"),
    ],
)
def test_mistakes(arguments, words, tmp_path):
    with pytest.raises(UserError, match=words) as error:
        command.main(["--models", "harmonic", "--distance", "none", "--out", str(tmp_path), *arguments])
    assert "\n" not in str(error.value)


def test_fields_with_gaps_of_their_own_are_refused(weather, fillers):
    with pytest.raises(UserError, match="without missing values"):
        gap_sums(weather.isel(time=[0]).where(weather["latitude"] < 80), fillers, **SETTINGS)
