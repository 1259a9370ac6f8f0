"""Content losses of the generator: which encoder, which layers, at what scale."""

import dataclasses

import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.distance.distance_training import train_distance
from atmodist_core.training.gan.content import RenormalizedLoss, build_content_loss
from atmodist_core.training.gan.gan_trainer import GanTrainer
from tests.training.mock_weather import distance_config, gan_config, replaced

CPU = Hardware("cpu", "float32")


def gan_trainer(weather, out, **changes):
    config = gan_config(out, **changes)
    return GanTrainer(config, load_training_data(config.data, sources=[weather]), CPU)


def step_numbers(trainer, steps):
    return [{k: float(v) for k, v in trainer.step(step).items()} for step in steps]


@pytest.fixture(scope="module")
def distance_model(weather, tmp_path_factory):
    out = tmp_path_factory.mktemp("distance")
    return train_distance(distance_config(out, epochs=1, batches_per_epoch=2), [weather])


def test_atmodist_content_is_scaled_weighted_and_frozen(weather, tmp_path, distance_model):
    changes = {"content": "atmodist", "distance": str(distance_model), "pretraining_epochs": 0}
    trainer = gan_trainer(weather, tmp_path, **changes)
    frozen = {k: v.clone() for k, v in trainer.content.state_dict().items()}
    numbers = {k: float(v) for k, v in trainer.step(0).items()}
    expected = 0.9 * numbers["content"] + 0.1 * numbers["mse"] + 0.004 * numbers["adversarial"]
    assert numbers["loss"] == pytest.approx(expected, rel=1e-5)
    assert trainer.about_content["distance_layer"] == "stage2"
    assert all(torch.equal(frozen[k], v) for k, v in trainer.content.state_dict().items())


def test_both_contents_begin_from_the_same_networks_and_patches(weather, tmp_path, distance_model):
    changes = {"content": "atmodist", "distance": str(distance_model), "pretraining_epochs": 0}
    one, two = gan_trainer(weather, tmp_path, pretraining_epochs=0), gan_trainer(weather, tmp_path, **changes)
    for name in ("generator", "discriminator"):
        a, b = getattr(one, name).state_dict(), getattr(two, name).state_dict()
        assert all(torch.equal(a[k], b[k]) for k in a)
    # before any update both see the same mean squared error and adversary
    first, second = one.step(0), two.step(0)
    assert float(first["mse"]) == float(second["mse"])
    assert float(first["discriminator_loss"]) == float(second["discriminator_loss"])


def test_a_content_network_of_another_normalisation_is_bridged(weather, tmp_path, distance_model):
    config = gan_config(tmp_path, content="atmodist", distance=str(distance_model))
    data = load_training_data(config.data, sources=[weather])
    direct, _ = build_content_loss(config, data.normalization, 3.75)
    other = dataclasses.replace(data.normalization, std=tuple(3.0 * s for s in data.normalization.std))
    bridged, _ = build_content_loss(config, other, 3.75)
    assert isinstance(bridged, RenormalizedLoss)
    physical = 2e-5 * torch.randn(2, 2, 2, 16, 16)
    expected = direct(*(data.normalization.normalize(x) for x in physical))
    found = bridged(*(other.normalize(x) for x in physical))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_unfit_distance_models_are_refused(weather, tmp_path, distance_model):
    config = gan_config(tmp_path, content="atmodist", distance=str(distance_model))
    normalization = load_training_data(config.data, sources=[weather]).normalization
    cases = [
        ({"distance_layer": ("stage2", "stage9")}, 3.75, "stage9"),
        ({"channels": ("divergence", "vorticity")}, 3.75, "channels divergence, vorticity"),
        ({}, 1.0, "spacing of 1 degrees after --distance, found .* for 3.75"),
    ]
    for changes, spacing, words in cases:
        with pytest.raises(UserError, match=words):
            build_content_loss(replaced(config, changes), normalization, spacing)
    _, about = build_content_loss(replaced(config, {"other_spacing": True}), normalization, 1.0)
    assert about["distance_model_spacing_deg"] == 3.75


def test_several_layers_are_averaged_each_with_its_scale(weather, tmp_path, distance_model):
    changes = {"content": "atmodist", "distance": str(distance_model), "pretraining_epochs": 0}
    layers = ("stage1", "stage4")
    single = []
    for chosen in ((layer,) for layer in layers):
        trainer = gan_trainer(weather, tmp_path, distance_layer=chosen, **changes)
        single.append(step_numbers(trainer, [0])[0]["content"])
        assert trainer.about_content["distance_layer"] == chosen[0]
    both = gan_trainer(weather, tmp_path, distance_layer=layers, **changes)
    assert step_numbers(both, [0])[0]["content"] == pytest.approx(sum(single) / 2, rel=1e-5)
    assert both.about_content["distance_layer"] == list(layers)
    assert len(both.about_content["distance_scale"]) == 2


def test_an_untrained_encoder_is_scaled_to_the_mean_squared_error(weather, tmp_path):
    """A control: its seed alone settles it, and at long lags it has the size of the MSE."""
    changes = {"content": "random-encoder", "distance_layer": ("stage1",), "matching_pairs": 8}
    one, two = (gan_trainer(weather, tmp_path, **changes) for _ in range(2))
    assert one.about_content == two.about_content
    other = gan_trainer(weather, tmp_path, random_encoder_seed=1, **changes)
    assert other.about_content["distance_scale"] != one.about_content["distance_scale"]
    data, sampler = one.data, one.sampler
    from atmodist_core.training.data.patches import cut_pairs

    places = sampler.pairs(0, 32, classes=23, stride=1, label=20)
    earlier, later, _ = cut_pairs(data.training_fields, places, 16, 1)
    a, b = data.normalization.normalize(earlier), data.normalization.normalize(later)
    assert float(one.content(a, b)) == pytest.approx(float((a - b).square().mean()), rel=0.3)
    assert not any(p.requires_grad for p in one.content.parameters())


def test_a_distance_is_no_autoencoder(weather, tmp_path, distance_model):
    config = gan_config(tmp_path, content="autoencoder", autoencoder=str(distance_model))
    data = load_training_data(config.data, sources=[weather])
    with pytest.raises(UserError, match="kind 'autoencoder' after --autoencoder, found the distance"):
        build_content_loss(config, data.normalization, 3.75)
