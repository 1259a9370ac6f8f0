"""What the trainer of the distance does in a step."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware, choose_hardware, has_bfloat16_units
from atmodist_core.networks import parameter_count
from atmodist_core.training.data.patches import VALIDATION_STREAM
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.distance.distance_start import build_distance_network
from atmodist_core.training.distance.distance_training import DistanceTrainer, train_distance
from tests.training.mock_weather import as_dataset, distance_config

CPU = Hardware("cpu", "float32")


def distance_trainer(weather, out, **changes):
    config = distance_config(out, **changes)
    return DistanceTrainer(config, load_training_data(config.data, sources=[weather]).normalized(), CPU)


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
    from atmodist_core.training.data.patches import cut_pairs

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


def test_diverged_training_stops_with_a_sentence(weather, tmp_path):
    with pytest.raises(UserError, match=r"diverged before step .*; lower --learning-rate"):
        train_distance(distance_config(tmp_path, learning_rate=1e9, schedule="constant"), [weather])


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
