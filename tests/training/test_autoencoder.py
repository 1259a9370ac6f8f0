"""The autoencoder: its training, its model folder, and its encoder as a content loss."""

import dataclasses
import json
import subprocess
import sys

import pytest
import torch

from atmodist_core import list_models
from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.models.card import read_card
from atmodist_core.models.store import load_network
from atmodist_core.networks import (
    Autoencoder,
    Decoder,
    DecoderConfig,
    Encoder,
    EncoderConfig,
    parameter_count,
)
from atmodist_core.networks.losses.content import AtmoDistLoss
from atmodist_core.training.autoencoder.autoencoder_trainer import build_autoencoder
from atmodist_core.training.autoencoder.autoencoder_training import AutoencoderTrainer, train_autoencoder
from atmodist_core.training.configuration import AUTOENCODER_PRESETS, AutoencoderConfig, RunConfig
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.gan.content import build_content_loss
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import DATA, gan_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after


def autoencoder_config(out, **changes):
    run = RunConfig(out=out, device="cpu", precision="float32", threads=1, log_interval=1, progress=False)
    config = AutoencoderConfig(
        preset="smoke",
        data=dataclasses.replace(DATA, patch_size=32),
        run=run,
        batch_size=4,
        epochs=2,
        batches_per_epoch=2,
        validation_patches=6,
        matching_pairs=2,
        lags=5,
    )
    return replaced(config, changes)


@pytest.fixture(scope="module")
def model(weather, tmp_path_factory):
    out = tmp_path_factory.mktemp("autoencoder") / "run"
    return train_autoencoder(autoencoder_config(out, export_type="bfloat16"), [weather])


@pytest.mark.parametrize("size", [32, 40, 33])
def test_shape_of_the_reconstruction(size):
    encoder = Encoder(EncoderConfig(stem_filters=4, stage_filters=(4, 6, 8, 10), blocks_per_stage=1))
    network = Autoencoder(encoder, Decoder(DecoderConfig(encoder_channels=10, filters=16))).eval()
    assert network(torch.randn(1, 2, size, size)).shape == (1, 2, size, size)


def test_the_encoder_is_the_published_one_and_the_decoder_is_light():
    network = build_autoencoder(AUTOENCODER_PRESETS["paper"])
    assert parameter_count(network.encoder) == 2_271_920
    assert parameter_count(network.decoder) < 0.2 * 2_271_920
    assert parameter_count(network) * 2 < 12e6 / 2  # half precision


def test_a_constant_pattern_is_learned(weather, tmp_path):
    """One time only, over and over: the reconstruction error falls."""
    config = autoencoder_config(tmp_path, epochs=1, batches_per_epoch=25, learning_rate=3e-3, mirror=False)
    trainer = AutoencoderTrainer(
        config, load_training_data(config.data, sources=[weather]).normalized(), Hardware("cpu", "float32")
    )
    trainer.sampler.patches = lambda step, batch, draw=trainer.sampler.patches: draw(0, batch)
    loss = [float(trainer.step(step)["loss"]) for step in range(25)]
    assert loss[-1] < 0.7 * min(loss[:3])


def test_what_is_saved(model):
    card = read_card(model)
    assert card.kind == "autoencoder" and set(card.architecture) == {"encoder", "decoder"}
    assert set(card.distance_scale) == {"stage1", "stage2", "stage3", "stage4"}
    assert {"held_out_mse", "held_out_explained_variance", "saturation_hours_stage2"} <= set(card.scores)
    assert (model / "curves.csv").is_file() and (model / "distance_curves.csv").is_file()
    _, network = load_network(model)
    assert isinstance(network, Autoencoder)
    assert all(p.dtype == torch.float32 for p in network.parameters())  # widened again
    assert (model / "model.safetensors").stat().st_size < 2.2 * card.parameters
    assert [c.name for c in list_models([model.parent], problems=[])] == ["run"]


def test_half_precision_is_a_rounding_of_the_weights(model):
    checkpoint = model.parent / "checkpoint.safetensors"
    from safetensors.torch import load_file

    exact = load_file(checkpoint)["network.encoder.stem.weight"]
    _, network = load_network(model)
    assert torch.equal(network.encoder.stem.weight, exact.bfloat16().float())


def test_its_encoder_makes_a_content_loss(weather, tmp_path, model):
    config = gan_config(
        tmp_path / "gan", content="autoencoder", autoencoder=str(model), distance_layer=("stage1",)
    )
    data = load_training_data(config.data, sources=[weather])
    loss, about = build_content_loss(config, read_card(model).normalization, 3.75)
    assert isinstance(loss, AtmoDistLoss)
    assert (
        about["distance_model"] == "run"
        and about["distance_scale"] == read_card(model).distance_scale["stage1"]
    )
    card = json.loads((train_gan(config, [weather]) / "card.json").read_text())
    assert card["loss"]["content"] == "autoencoder" and card["normalization"] == data.normalization.to_dict()
    with pytest.raises(UserError, match="kind 'distance' after --distance, found the autoencoder"):
        build_content_loss(
            replaced(config, {"content": "atmodist", "distance": str(model)}), data.normalization, 3.75
        )


def test_stopped_and_resumed(weather, tmp_path, monkeypatch):
    whole, broken = (autoencoder_config(tmp_path / n) for n in ("whole", "broken"))
    train_autoencoder(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, AutoencoderTrainer, 3)
        assert train_autoencoder(broken, [weather]) is None
    train_autoencoder(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lags": 60}, "60 classes"),
        ({"batch_size": 0}, "positive --batch-size"),
        ({"weight_decay": -1.0}, "--weight-decay of 0 or more"),
    ],
)
def test_mistakes(weather, tmp_path, changes, words):
    with pytest.raises(UserError, match=words):
        train_autoencoder(autoencoder_config(tmp_path, **changes), [weather])


@pytest.mark.slow
def test_the_smoke_preset_of_the_command(repository, tmp_path):
    script = [
        sys.executable,
        str(repository / "train" / "autoencoder.py"),
        "--preset",
        "smoke",
        "--threads",
        "1",
    ]
    ended = subprocess.run(
        [*script, "--out", "runs/a"], capture_output=True, text=True, timeout=1800, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "runs" / "a" / "model" / "card.json").is_file()
