"""Vectors of states against means by hand, and the table of detections."""

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.evaluation.run.climate_detection import climate_vectors, detect, detection_table
from atmodist_core.evaluation.run.energy_test import EnergyTest
from atmodist_core.evaluation.run.state_vectors import (
    activation_vectors,
    band_means,
    mean_vectors,
    small_scale_vectors,
    square_vectors,
)
from train.applications import shift as command


@pytest.fixture(scope="module")
def part():
    fields = ad.open_demo().isel(time=slice(0, 16), latitude=slice(70, 134), longitude=slice(0, 96))
    return fields[["vorticity", "divergence"]].load()


def test_one_band_of_activations_is_their_area_mean(part):
    distance = ad.load_distance("atmodist-23")
    two = part.isel(time=slice(0, 2))
    found = activation_vectors(distance, two, layers=("stage2", "stage3"), bands=1)
    for layer, columns in (("stage2", slice(0, 32)), ("stage3", slice(32, None))):
        values = distance.embed(two, layer=layer)
        stride = 64 // values.sizes["row"]
        weights = np.cos(np.deg2rad(part["latitude"].values.reshape(-1, stride).mean(axis=1)))
        known = np.average(values.mean("column").values, axis=2, weights=weights)
        # Activations are float32.
        np.testing.assert_allclose(found[:, columns], known, rtol=1e-5, atol=1e-7)


def test_simple_vectors_are_means_of_bands(part):
    rows = slice(0, 22)  # the first of three bands
    weights = np.cos(np.deg2rad(part["latitude"][rows]))
    first = part.isel(latitude=rows).mean("longitude").weighted(weights).mean("latitude")
    # Columns are all bands of vorticity, then those of divergence.
    np.testing.assert_allclose(mean_vectors(part, bands=3)[:, 3], first["divergence"], rtol=1e-4)
    squares = np.square(part.astype(float)).isel(latitude=rows).mean("longitude")
    known = squares.weighted(weights).mean("latitude")
    np.testing.assert_allclose(square_vectors(part, bands=3)[:, 0], known["vorticity"], rtol=1e-6)
    assert small_scale_vectors(part).shape == (16, 2)


def test_missing_values_do_not_count_in_a_band():
    values = np.array([1.0, np.nan, 3.0, np.nan]).reshape(1, 1, 4, 1)
    found = band_means(values, np.zeros(4), 2)
    assert found.tolist() == [[1.0, 3.0]]
    assert np.isnan(band_means(values, np.zeros(4), 4)).tolist() == [[False, True, False, True]]
    with pytest.raises(ad.UserError, match="1 to 4 bands, as many as rows, found 5"):
        band_means(values, np.zeros(4), 5)


def test_stronger_fields_are_told_apart_by_squares_and_a_copy_is_not(part):
    network = {"atmodist-23": ad.load_distance("atmodist-23")}
    same, strong = (climate_vectors(fields, network, layers=("stage1",)) for fields in (part, 1.6 * part))
    found = detect(same, same)
    assert next(iter(found)) == "atmodist-23, stage1" and len(found) == 4
    assert all(
        test.statistic == pytest.approx(0.0, abs=1e-9) and test.p_value == 1 for test in found.values()
    )
    # Two days against two: of six divisions the true one and its mirror are the most extreme.
    assert detect(same, strong)["l2: mean squares in bands"].p_value == pytest.approx(2 / 6)


def test_blocks_are_whole_days_or_several(part):
    assert climate_vectors(part, {})["means in bands"].blocks.tolist() == [0] * 8 + [1] * 8
    assert climate_vectors(part, {}, block_days=2)["means in bands"].blocks.tolist() == [0] * 16


def test_the_table_says_what_was_found():
    table = detection_table(
        [("warm", {"l2": EnergyTest(1.234, 0.0567, 3.21, 2 / 924, 924, True)}), ("gone", None)], "control"
    )
    assert table.splitlines() == [
        "| data | compared with control in | energy distance | share | effect | p | divisions |",
        "|---|---|---:|---:|---:|---:|---:|",
        "| warm | l2 | 1.23 | 0.057 | +3.2 | 0.0022 | 924, all |",
        "| gone | – | – | – | – | – | – |",
    ]


def test_the_command_tests_against_a_reference(part, tmp_path):
    part.to_netcdf(tmp_path / "part.nc")
    source = str(tmp_path / "part.nc")
    (tmp_path / "page.md").write_text("<!-- begin table two-detection: x -->\n<!-- end -->\n")
    arguments = ["--data", f"a={source}", f"b={source}", "--models", "bicubic", "--scored-times", "0"]
    arguments += ["--times", "16", "--pairs-per-lag", "0", "--layers", "stage1", "--name", "two"]
    out = ["--out", str(tmp_path / "out"), "--markdown", str(tmp_path / "page.md")]
    assert command.main([*arguments, "--reference", "a", *out]) == 0
    written = (tmp_path / "page.md").read_text()
    assert "| b | atmodist-23, stage1 | 0.00 | 0.000 |" in written and "| a |" not in written
    written = (tmp_path / "out" / "two.md").read_text()
    assert "lag accuracy" not in written and "small-scale power, vorticity" not in written
    with pytest.raises(ad.UserError, match="something to do"):
        command.main([*arguments, *out])
    with pytest.raises(ad.UserError, match="found 'c' of a, b"):
        command.main([*arguments, "--reference", "c", *out])
