"""How networks hold up on other data: growth of a distance, and downscaled fields, against known answers."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.evaluation.run.data_shift import (
    DistanceOnData,
    DownscalerOnData,
    distance_table,
    downscaler_on_data,
    downscaler_table,
    rank_correlation,
)
from train.applications import shift as command


def test_growth_is_a_rank_correlation():
    lags = np.array([3.0, 6.0, 9.0, 12.0])
    assert rank_correlation(lags, np.array([1.0, 5.0, 6.0, 6.5])) == 1.0
    assert rank_correlation(lags, np.array([4.0, 3.0, 2.0, 1.0])) == -1.0
    # Ranks 1 2 4 3: 1 - 6 * (1 + 1) / (4 * 15).
    assert rank_correlation(lags, np.array([1.0, 2.0, 4.0, 3.0])) == pytest.approx(0.8)


def test_a_downscaler_is_scored_as_the_library_scores_it():
    truth = ad.open_demo().isel(time=[0], latitude=slice(100, 180), longitude=slice(0, 120)).load()
    found = downscaler_on_data(ad.load_downscaler("bicubic"), ad.coarsen(truth, 4), truth)
    fine = ad.load_downscaler("bicubic")(ad.coarsen(truth, 4))
    known = ad.evaluation.scores(fine, truth, factor=4)
    for name in ("vorticity", "divergence"):
        assert found.error[name] == pytest.approx(float(known["mae"].sel(field=name)))
        assert found.power[name] == pytest.approx(float(known["energy_ratio"].sel(field=name)))
        assert 0 < found.power[name] < 0.5


def test_tables_tell_what_is_missing_and_compare_with_the_reference():
    table = distance_table(
        [
            ("a", "net", DistanceOnData(0.4, 0.1, 1.0, 0.5, 66.0)),
            ("b", "net", DistanceOnData(np.nan, np.nan, 0.9, 0.5, 23.0)),
            ("c", "net", None),
        ]
    ).splitlines()
    assert table[2:] == [
        "| a | net | 0.40 | 4.0 | 1.00 | 0.50 | 66 |",
        "| b | net | – | – | 0.90 | 0.50 | 23 |",
        "| c | net | – | – | – | – | – |",
    ]
    plain = DownscalerOnData({"vorticity": 2e-6, "divergence": 1e-6}, {"vorticity": 0.1, "divergence": 0.2})
    better = DownscalerOnData(
        {"vorticity": 1e-6, "divergence": 1.5e-6}, {"vorticity": 1.0, "divergence": 2.0}
    )
    rows = downscaler_table([("a", "plain", plain), ("a", "other", better), ("b", "other", better)], "plain")
    assert rows.splitlines()[2:] == [
        "| a | plain | 0.10 / 0.20 | +0 / +0 |",
        "| a | other | 1.00 / 2.00 | -50 / +50 |",
        "| b | other | – | – |",
    ]


def test_the_command_fills_both_tables_of_a_document(tmp_path):
    part = ad.open_demo().isel(time=slice(0, 6), latitude=slice(100, 180), longitude=slice(0, 120))
    part[["vorticity", "divergence"]].load().to_netcdf(tmp_path / "part.nc")
    text = "".join(
        f"<!-- begin table shift-{name}: x -->\n<!-- end -->\n" for name in ("distance", "downscaling")
    )
    (tmp_path / "shift.md").write_text(text)
    arguments = [
        "--data",
        f"part={tmp_path / 'part.nc'}",
        "--models",
        "bicubic",
        "bilinear",
        "--scored-times",
        "1",
    ]
    arguments += [
        "--pairs-per-lag",
        "1",
        "--out",
        str(tmp_path / "out"),
        "--markdown",
        str(tmp_path / "shift.md"),
    ]
    assert command.main(arguments) == 0
    written = (tmp_path / "shift.md").read_text()
    assert "| part | atmodist-23 | – | – | 1.00 |" in written and "| part | bilinear | 0." in written
    assert "python train/applications/shift.py --data" in written
    with pytest.raises(ad.UserError, match="2 after --period for each of 1 data, found 1"):
        command.main(["--data", "a=b", "--period", "2001"])
    with pytest.raises(ad.UserError, match="label=source"):
        command.main(["--data", "demo"])


def test_one_lag_is_no_growth():
    from atmodist_core.evaluation.run.data_shift import distance_on_data

    times = np.array(["2001-01-01T00", "2001-01-01T03"], "datetime64[ns]")
    fields = xr.Dataset(
        {
            name: (
                ("time", "latitude", "longitude"),
                np.random.default_rng(0).normal(size=(2, 80, 80)) * 1e-5,
            )
            for name in ("vorticity", "divergence")
        },
        {"time": times, "latitude": 20 - 0.5 * np.arange(80.0), "longitude": 0.5 * np.arange(80.0)},
    )
    with pytest.raises(ad.UserError, match="two or more lags"):
        distance_on_data(ad.load_distance("atmodist-23"), fields)
