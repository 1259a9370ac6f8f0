"""What the two trainers do in a step."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from atmodist_core.errors import UserError
from atmodist_core.networks import parameter_count
from atmodist_core.training.content import RenormalizedLoss, build_content_loss
from atmodist_core.training.distance_training import DistanceTrainer, build_distance_network, train_distance
from atmodist_core.training.gan_training import GanTrainer, coarse_and_fine
from atmodist_core.training.hardware import Hardware, choose_hardware, has_bfloat16_units
from atmodist_core.training.patches import VALIDATION_STREAM
from atmodist_core.training.training_data import load_training_data
from tests.training.mock_weather import as_dataset, distance_config, gan_config, replaced

CPU = Hardware("cpu", "float32")


def distance_trainer(weather, out, **changes):
    config = distance_config(out, **changes)
    return DistanceTrainer(config, load_training_data(config.data, sources=[weather]).normalized(), CPU)


def gan_trainer(weather, out, **changes):
    config = gan_config(out, **changes)
    return GanTrainer(config, load_training_data(config.data, sources=[weather]), CPU)


def test_an_easy_task_is_learned(tmp_path):
    """Lags of one and two slices, in weather to which every slice adds a constant: soon told apart."""
    random = np.random.default_rng(0)
    noise = random.standard_normal((2, 60, 48, 96)).astype(np.float32)
    steps = np.arange(60, dtype=np.float32)[:, None, None] % 7
    weather = as_dataset(*(noise * 0.3 + steps))
    trainer = distance_trainer(
        weather,
        tmp_path,
        classes=2,
        batch_size=16,
        batches_per_epoch=30,
        epochs=1,
        learning_rate=0.02,
        mirror=False,
    )
    accuracy = [float(trainer.step(step)["accuracy"]) for step in range(30)]
    # by chance 160 answers are right with .5 +- .04
    assert sum(accuracy[-10:]) / 10 > 0.7


def test_kernels_decay_and_nothing_else(weather, tmp_path):
    trainer = distance_trainer(weather, tmp_path, weight_decay=0.25)
    decaying = {
        name
        for name, parameter in trainer.network.named_parameters()
        for group in trainer.optimizer.param_groups
        if group["weight_decay"] == 0.25 and any(parameter is p for p in group["params"])
    }
    expected = {n for n, p in trainer.network.named_parameters() if p.ndim > 1}
    assert decaying == expected and "encoder.stem.bias" not in decaying


def test_a_step_is_clipped_sgd_with_decay(weather, tmp_path):
    """One step by hand: gradient of the cross-entropy, clipped, plus decay times weight, times the rate."""
    from atmodist_core.training.patches import cut_pairs

    trainer = distance_trainer(weather, tmp_path, clip_norm=0.5, schedule="constant", weight_decay=0.1)
    reference = build_distance_network(trainer.config).to(memory_format=torch.channels_last)
    places = trainer.sampler.pairs(0, 4, classes=5, stride=1)
    a, b, label = cut_pairs(trainer.data.training_fields, places, 40, 1)
    functional.cross_entropy(reference(a, b), label).backward()
    norm = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in reference.parameters()]))
    numbers = trainer.step(0)
    assert float(numbers["gradient_norm"]) == pytest.approx(float(norm), rel=1e-4)
    before = build_distance_network(trainer.config).encoder.stem.weight
    gradient = reference.encoder.stem.weight.grad * (0.5 / norm) + 0.1 * before
    expected = before - 0.1 * gradient
    torch.testing.assert_close(trainer.network.encoder.stem.weight, expected, rtol=1e-4, atol=1e-6)


def test_first_epochs_repeat_a_fixed_subset(weather, tmp_path):
    trainer = distance_trainer(
        weather, tmp_path, epochs=4, subset_epochs=2, subset_batches=3, batches_per_epoch=5
    )
    assert trainer.total_steps == 2 * 3 + 2 * 5
    assert [trainer.epoch_of(s) for s in range(16)] == [0] * 3 + [1] * 3 + [2] * 5 + [3] * 5
    assert [trainer.sample_step(s) for s in range(9)] == [0, 1, 2, 0, 1, 2, 6, 7, 8]


def test_held_out_pairs_are_the_same_at_every_call_and_never_mirrored(weather, tmp_path):
    trainer = distance_trainer(weather, tmp_path)
    one, two = (trainer.predict_held_out(8) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    places = trainer.make_sampler(VALIDATION_STREAM).pairs(0, 50, classes=5, stride=1)
    start = trainer.data.held_out[0][0]
    assert not places.mirrored.any() and places.time.min() >= start
    assert trainer.network.training  # back to training after the evaluation


def test_generator_pre_training_is_plain_mse(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path)
    before = {k: v.clone() for k, v in trainer.discriminator.state_dict().items()}
    places = trainer.sampler.patches(0, 4)
    coarse, fine = coarse_and_fine(trainer.data, places, trainer.config, training=True)
    assert coarse.shape == (4, 2, 4, 4) and fine.shape == (4, 2, 16, 16)
    expected = (trainer.generator(coarse).detach() - fine).square().mean()
    numbers = trainer.step(0)
    assert float(numbers["loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert all(torch.equal(before[k], v) for k, v in trainer.discriminator.state_dict().items())


def test_coarse_input_is_the_mean_of_the_physical_field_or_of_the_normalised_one(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path)
    data, config = trainer.data, trainer.config
    places = trainer.sampler.patches(0, 4)
    coarse, fine = coarse_and_fine(data, places, config, training=True)
    physical = data.normalization.denormalize(fine)
    back = data.normalization.denormalize(coarse)
    plain_mean = functional.avg_pool2d(physical, 4)
    # area weights change a four-row mean by little at these latitudes
    assert float((back - plain_mean).std() / plain_mean.std()) < 0.1
    pooled, _ = coarse_and_fine(
        data, places, dataclasses.replace(config, pool_normalized=True), training=True
    )
    torch.testing.assert_close(pooled, functional.avg_pool2d(fine, 4))
    assert not torch.allclose(pooled, coarse, atol=1e-3)


@pytest.mark.parametrize(
    ("balance", "low", "high", "generator_steps", "discriminator_steps"),
    [
        ("extra", 0.0, 1e9, 1, 1),
        ("extra", 1e9, 1e9, 2, 1),
        ("extra", 0.0, 0.0, 1, 2),
        ("skip", 1e9, 1e9, 1, 0),
        ("skip", 0.0, 0.0, 1, 2),
    ],
)
def test_generator_and_discriminator_are_kept_in_balance(
    weather, tmp_path, monkeypatch, balance, low, high, generator_steps, discriminator_steps
):
    thresholds = {"balance": balance, "balance_low": low, "balance_high": high}
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0, **thresholds)
    counts = {"generator": 0, "discriminator": 0}
    for name in counts:
        optimizer = getattr(trainer, f"{name}_optimizer")

        def counted(*args, original=optimizer.step, name=name):
            counts[name] += 1
            return original(*args)

        monkeypatch.setattr(optimizer, "step", counted)
    numbers = trainer.step(0)
    assert counts == {"generator": generator_steps, "discriminator": discriminator_steps}
    assert float(numbers["generator_steps"]) == generator_steps
    assert float(numbers["discriminator_steps"]) == discriminator_steps


def test_the_discriminator_s_loss_is_a_mean_to_which_the_thresholds_refer(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0)
    with torch.no_grad():
        for parameter in trainer.discriminator.parameters():
            parameter.zero_()  # cannot tell: log 2 on each side
    assert float(trainer.step(0)["discriminator_loss"]) == pytest.approx(0.6931, abs=1e-4)


def test_the_adversary_s_gradients_do_not_leak(weather, tmp_path):
    """A generator step leaves the discriminator alone, and the other way round."""
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0)
    places = trainer.sampler.patches(0, 4)
    coarse, fine = coarse_and_fine(trainer.data, places, trainer.config, training=True)
    discriminator = {k: v.clone() for k, v in trainer.discriminator.state_dict().items()}
    trainer._generator_step(coarse, fine, None)
    assert all(torch.equal(discriminator[k], v) for k, v in trainer.discriminator.state_dict().items())
    generator = {k: v.clone() for k, v in trainer.generator.state_dict().items()}
    trainer._discriminator_step(fine, trainer.generator(coarse).detach())
    assert all(torch.equal(generator[k], v) for k, v in trainer.generator.state_dict().items())
    assert not torch.equal(discriminator["dense2.weight"], trainer.discriminator.dense2.weight)


def test_learning_rates_of_the_three_phases(weather, tmp_path):
    trainer = gan_trainer(
        weather,
        tmp_path,
        pretraining_schedule="constant",
        pretraining_learning_rate=3e-4,
        epochs=2,
        final_epochs=1,
    )
    assert [trainer.learning_rate(s) for s in range(8)] == [3e-4] * 2 + [1e-4] * 4 + [1e-5] * 2


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
        ({"distance_layer": "stage9"}, 3.75, "stage9"),
        ({"channels": ("divergence", "vorticity")}, 3.75, "channels divergence, vorticity"),
        ({}, 1.0, "spacing of 1 degrees, found .* for 3.75 degrees"),
    ]
    for changes, spacing, words in cases:
        with pytest.raises(UserError, match=words):
            build_content_loss(replaced(config, changes), normalization, spacing)


def test_diverged_training_stops_with_a_sentence(weather, tmp_path):
    with pytest.raises(UserError, match=r"diverged before step .*; lower --learning-rate"):
        train_distance(distance_config(tmp_path, learning_rate=1e30, schedule="constant"), [weather])


def test_hardware_choice():
    hardware = choose_hardware("cpu", "auto", 1)
    assert hardware.precision == ("bfloat16" if has_bfloat16_units("cpu") else "float32")
    assert torch.get_num_threads() == 1
    assert "1 thread" in hardware.describe()
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="found --device cuda"):
            choose_hardware("cuda")


def test_networks_have_the_published_sizes():
    from atmodist_core.training.configuration import DISTANCE_PRESETS

    assert parameter_count(build_distance_network(DISTANCE_PRESETS["paper"])) == 2_271_920 + 469_632
