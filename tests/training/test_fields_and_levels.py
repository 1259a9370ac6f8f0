"""Networks for temperature, vorticity and wind at several levels, from a file to distances, scores and fine fields."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.evaluation.run.models import evaluated_fields
from atmodist_core.training.distance.distance_training import train_distance
from tests.training.mock_weather import distance_config
from train import _cli, evaluate

CHANNELS = ("temperature@850", "vorticity@850", "vorticity@500")


@pytest.fixture(scope="module")
def distance_folder(levels_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("distance") / "levels"
    config = distance_config(out, channels=("t@850", "vo@850 hPa", "vorticity@500"))
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, data=(levels_file,)))
    folder = train_distance(config)
    assert folder is not None
    return folder


def test_the_card_says_which_fields_at_which_levels(distance_folder):
    card = json.loads((distance_folder / "card.json").read_text())
    assert card["channels"] == list(CHANNELS) and card["normalization"]["linear"] == ["temperature@850"]
    assert card["level"] == "850 hPa, 500 hPa"
    assert card["normalization"]["mean"][0] == pytest.approx(280.0, abs=3.0)
    assert card["architecture"]["encoder"]["channels"] == 3


def test_distances_and_lags_of_such_fields(distance_folder, levels_file):
    network = ad.load_distance(distance_folder)
    fields = ad.open_fields(levels_file, fields=network.card.channels).isel(time=slice(0, 6))
    matrix = network.matrix(fields)
    np.testing.assert_array_equal(np.diag(matrix), 0.0)
    np.testing.assert_allclose(matrix, matrix.T)
    series = network.distance(fields.isel(time=[0]), fields)
    np.testing.assert_allclose(series, matrix[0], rtol=1e-5)
    # The order of the variables does not matter, their names do.
    turned = fields[list(reversed(CHANNELS))]
    np.testing.assert_array_equal(network.matrix(turned), matrix)
    warmer = fields.assign({"temperature@850": fields["temperature@850"] + 5.0})
    assert float(network.distance(fields, warmer).min()) > 0.0
    lags = network.predict_lag(fields.isel(time=[0]), fields.isel(time=[2]))
    assert float(lags.probability.sum()) == pytest.approx(1.0)


def test_what_a_network_misses_is_a_sentence(distance_folder, levels_file):
    network = ad.load_distance(distance_folder)
    with pytest.raises(UserError, match=r"add temperature@850 .*fields=\('temperature@850'"):
        network.matrix(ad.open_fields(levels_file, level=850))
    with pytest.raises(UserError, match=r"temperature@700 cannot be read: Level 700 .* 500, 850 hPa"):
        ad.open_fields(levels_file, fields=("temperature@700",))
    config = distance_config(distance_folder.parent.parent / "none", channels=("specific_humidity@850",))
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, data=(levels_file,)))
    with pytest.raises(
        UserError, match=r"specific_humidity@850 cannot be read: .*change --channels or the data"
    ):
        train_distance(config)


def test_lags_are_evaluated_on_the_fields_of_the_network(distance_folder, levels_file, tmp_path):
    arguments = ["--data", str(levels_file), "--models", "bilinear", "--distance", str(distance_folder)]
    quick = [
        "--lag-pairs",
        "4",
        "--no-maps",
        "--no-series",
        "--cities-every-hours",
        "-1",
        "--replicates",
        "5",
    ]
    quick += ["--period", "2000-01-01", "2000-01-02", "--reference", "bilinear", "--no-progress"]
    assert evaluate.main([*arguments, *quick, "--block-days", "1", "--out", str(tmp_path)]) == 0
    found = open_evaluation(tmp_path / "evaluation.nc")
    assert [str(name) for name in found["scores"]["field"].values] == list(CHANNELS)
    assert 0.0 <= float(found["distance"]["accuracy"]) <= 1.0
    # The score of the temperature against arithmetic on the file itself.
    truth = ad.open_fields(levels_file, fields=("temperature@850",), time=slice("2000-01-01", "2000-01-02"))
    coarse = ad.coarsen(truth, factor=4)
    fine = ad.load_downscaler("bilinear", factor=4)(coarse)
    rows = np.cos(np.deg2rad(truth.latitude))
    error = float(np.sqrt((((fine - truth) ** 2) * rows).sum() / (rows.sum() * 96 * 16))["temperature@850"])
    values = found["scores"].to_dataset()["value"].sel(measure="rmse", field="temperature@850")
    assert float(values.squeeze()) == pytest.approx(error, rel=0.02)


def test_networks_of_other_fields_are_not_evaluated_together():
    def of(name, *channels):
        return SimpleNamespace(
            label=name, downscaler=SimpleNamespace(card=SimpleNamespace(channels=channels))
        )

    winds, plain = of("winds", "u@850", "v@850"), of("bicubic")
    assert evaluated_fields((), [plain], None) == ("vorticity", "divergence")
    assert evaluated_fields((), [plain, winds], None) == ("u@850", "v@850")
    assert evaluated_fields(("t@850",), [plain], None) == ("temperature@850",)
    with pytest.raises(UserError, match=r"found winds for u@850, v@850"):
        evaluated_fields((), [winds, of("heat", "temperature@850")], None)


def test_fields_is_another_name_of_the_flag_of_trainings_only():
    from atmodist_core.training.configuration import DISTANCE_PRESETS, DistanceConfig

    config = _cli.parse(DistanceConfig, DISTANCE_PRESETS, ["--fields", "t@850", "u@500"], "test")
    assert config.data.channels == ("temperature@850", "u@500")
    evaluated = _cli.parse(
        evaluate.EvaluateConfig, {"default": evaluate.EvaluateConfig()}, ["--fields", "t@850"], "test"
    )
    assert evaluated.fields == ("t@850",)
