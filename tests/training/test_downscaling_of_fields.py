"""Generators of wind and temperature at levels: conserved block means, attributes, members, scores of every field."""

import dataclasses

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.training.ensemble.ensemble_training import train_ensemble
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import ensemble_config, gan_config
from train import evaluate

CHANNELS = ("u@850", "v@850", "u@500", "temperature@850")


def of_file(config, path):
    return dataclasses.replace(config, data=dataclasses.replace(config.data, data=(path,), channels=CHANNELS))


@pytest.fixture(scope="module")
def downscaler_folder(levels_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("gan") / "winds"
    changes = {"content": "mse", "residual": True, "conserve_block_mean": True, "output_filter": "low-pass"}
    return train_gan(of_file(gan_config(out, **changes), levels_file))


def test_fine_fields_of_any_channels(downscaler_folder, levels_file):
    fine_truth = ad.open_fields(levels_file, fields=CHANNELS).isel(time=[0]).load()
    coarse = ad.coarsen(fine_truth, factor=4)
    downscaler = ad.load_downscaler(downscaler_folder)
    assert downscaler.card.normalization.linear == CHANNELS
    fine = downscaler(coarse)
    assert list(fine) == list(CHANNELS) and fine["u@850"].shape == fine_truth["u@850"].shape
    for name in CHANNELS:
        for key in ("units", "standard_name", "level"):
            assert fine[name].attrs[key] == fine_truth[name].attrs[key]
    # Block means, weighted by area here and not by the network's own function.
    rows = np.cos(np.deg2rad(fine.latitude.values))[:, None]
    for name in CHANNELS:
        values = (fine[name].values[0] * rows).reshape(12, 4, 24, 4).sum(axis=(1, 3))
        means = values / (np.broadcast_to(rows, (48, 96)).reshape(12, 4, 24, 4).sum(axis=(1, 3)))
        spread = float(fine_truth[name].std())
        np.testing.assert_allclose(means, coarse[name].values[0], atol=2e-3 * spread)
    assert float(fine["temperature@850"].min()) > 250.0 and float(fine["temperature@850"].max()) < 310.0


def test_scores_of_every_field(downscaler_folder, levels_file, tmp_path):
    arguments = [
        "--data",
        str(levels_file),
        "--models",
        "bicubic",
        f"winds={downscaler_folder}",
        "--reference",
        "bicubic",
    ]
    quick = [
        "--period",
        "2000-01-01",
        "--no-series",
        "--cities-every-hours",
        "-1",
        "--replicates",
        "0",
        "--no-progress",
    ]
    assert evaluate.main([*arguments, *quick, "--every-hours", "12", "--out", str(tmp_path)]) == 0
    found = open_evaluation(tmp_path / "evaluation.nc")
    values = found["scores"].to_dataset()["value"]
    assert [str(name) for name in values["field"].values] == list(CHANNELS)
    assert bool(np.isfinite(values.sel(measure=["band_power_ratio", "rmse", "wasserstein"])).all())


def test_members_of_any_channels(levels_file, tmp_path):
    folder = train_ensemble(of_file(ensemble_config(tmp_path / "members"), levels_file))
    coarse = ad.coarsen(ad.open_fields(levels_file, fields=CHANNELS).isel(time=[0]), factor=4)
    members = ad.load_downscaler(folder)(coarse, members=2, seed=1)
    assert members["temperature@850"].dims == ("member", "time", "latitude", "longitude")
    assert float(np.abs(members["u@500"].diff("member")).max()) > 0.0
    truth = ad.open_fields(levels_file, fields=CHANNELS).isel(time=[0])
    scores = ad.evaluation.crps(members, truth)
    assert set(CHANNELS) <= set(scores)


def test_an_amplitude_of_a_temperature_is_refused(levels_file, tmp_path):
    config = gan_config(tmp_path / "amplitude", content="mse", amplitude="coarse-field")
    with pytest.raises(UserError, match=r"found temperature@850; leave --amplitude out"):
        train_gan(of_file(config, levels_file))
