"""Clips: several times at a place, all pairs of them."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.training.data import clips, patches
from atmodist_core.training.data.fields_in_memory import load_fields
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.distance.distance_start import build_distance_network, places_per_step
from atmodist_core.training.distance.distance_training import DistanceTrainer
from tests.training.mock_weather import counting_weather, distance_config

SIZE = 6


@pytest.fixture(scope="module")
def fields():
    return load_fields([counting_weather(times=60), counting_weather(times=30)], storage="float32")


def sampler(fields, **changes):
    segments = [(0, 60), (60, 90)]
    return patches.PatchSampler(fields, segments, patch_size=SIZE, seed=3, **changes)


def test_two_times_are_the_pairs_of_the_sampler_to_the_bit(fields):
    drawn = clips.draw_clips(sampler(fields), 7, 40, classes=9, stride=2, times=2)
    pairs = sampler(fields).pairs(7, 40, classes=9, stride=2)
    for one, two in zip(drawn.places, pairs, strict=True):
        assert np.array_equal(one, two)
    assert np.array_equal(drawn.labels, pairs.label)
    earlier, later, label = patches.cut_pairs(fields, pairs, SIZE, 2)
    patch, labels = clips.cut_clips(fields, drawn, SIZE, 2)
    assert torch.equal(patch, torch.cat((earlier, later))) and torch.equal(labels, label)


@pytest.mark.parametrize(("classes", "times"), [(9, 3), (23, 4), (23, 6), (5, 6), (31, 8)])
def test_lags_occur_as_often_as_the_weights_assume(classes, times):
    weather = load_fields([counting_weather(times=40, rows=8, columns=8)], storage="float32")
    drawer = patches.PatchSampler(weather, [(0, 40)], patch_size=2)
    drawn = clips.draw_clips(drawer, 0, 20_000, classes=classes, stride=1, times=times)
    assert (np.diff(drawn.offsets, axis=1) > 0).all() and (drawn.offsets[:, 0] == 0).all()
    assert drawn.offsets.max() == classes
    counts = np.bincount(drawn.labels, minlength=classes)
    expected = clips.lag_frequencies(classes, times)
    assert expected.sum() == pytest.approx(1.0)
    # clips are independent, the pairs of one are not: at most their number times the binomial variance
    pairs = times * (times - 1) / 2
    spread = np.sqrt(expected / 20_000 / pairs) * np.sqrt(pairs)
    assert np.all(np.abs(counts / counts.sum() - expected) < 4.5 * spread)
    # the weighted frequencies are uniform: exactly in expectation
    assert expected * clips.lag_weights(classes, times) * classes == pytest.approx(np.ones(classes))


def test_every_pair_is_labelled_with_the_time_between_its_patches(fields):
    drawn = clips.draw_clips(sampler(fields), 3, 10, classes=7, stride=3, times=4)
    patch, labels = clips.cut_clips(fields, drawn, SIZE, 3)
    # the values of this weather count: one slice is rows * columns further
    slices = (patch[:, 0, 0, 0] / (18 * 36)).floor().reshape(4, 10)
    for number, (earlier, later) in enumerate(clips.ordered_pairs(4)):
        lag = (slices[later] - slices[earlier]) / 3
        assert torch.equal(lag.long() - 1, labels[number * 10 : number * 10 + 10])
    last = drawn.places.time + drawn.offsets[:, -1] * 3
    # no clip crosses from one member to the next
    assert np.array_equal(drawn.places.time >= 60, last >= 60)


def test_clips_depend_on_seed_stream_and_step_and_on_nothing_else(fields):
    def draw(step, **changes):
        return clips.draw_clips(sampler(fields, **changes), step, 30, classes=9, stride=1, times=4)

    again = draw(5)
    assert np.array_equal(draw(5).offsets, again.offsets)
    assert not np.array_equal(draw(6).offsets, again.offsets)
    assert not np.array_equal(draw(5, stream=1).offsets, again.offsets)
    halves = [again.part(rank, 2) for rank in (0, 1)]
    assert np.array_equal(halves[0].offsets, again.offsets[::2])
    assert np.array_equal(halves[1].places.row, again.places.row[1::2])


def test_the_classifier_sees_every_pair_as_if_it_were_alone(tmp_path):
    network = build_distance_network(distance_config(tmp_path)).eval()
    patch = torch.randn(3 * 2, 2, 40, 40)
    logits = clips.ClipNetwork(network)(patch, 3)
    times = patch.reshape(3, 2, 2, 40, 40)
    alone = torch.cat([network(times[a], times[b]) for a, b in clips.ordered_pairs(3)])
    torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-5)


def test_the_loss_of_a_step_is_weighted_by_lag(weather, tmp_path):
    config = distance_config(tmp_path, times_per_place=4, batch_size=6)
    data = load_training_data(config.data, sources=[weather]).normalized()
    trainer = DistanceTrainer(config, data, Hardware("cpu", "float32"))
    reference = clips.ClipNetwork(build_distance_network(config).to(memory_format=torch.channels_last))
    drawn = clips.draw_clips(trainer.sampler, 0, 3, classes=5, stride=1, times=4)
    patch, labels = clips.cut_clips(trainer.data.training_fields, drawn, 40, 1)
    assert (
        len(patch) == 12 and len(labels) == 18
    )  # twice the batch size encoded, three pairs a patch and more
    each = functional.cross_entropy(reference(patch, 4), labels, reduction="none").detach()
    expected = (
        sum(float(loss) / (5 * clips.lag_frequencies(5, 4)[k]) for loss, k in zip(each, labels, strict=True))
        / 18
    )
    assert float(trainer.step(0)["loss"]) == pytest.approx(expected, rel=1e-5)


def test_numbers_that_do_not_fit_are_refused(weather, tmp_path, fields):
    with pytest.raises(UserError, match="--times-per-place from 2 to 10"):
        clips.draw_clips(sampler(fields), 0, 4, classes=9, stride=1, times=11)
    config = distance_config(tmp_path, times_per_place=7)
    with pytest.raises(UserError, match="--times-per-place from 2 to 6"):
        DistanceTrainer(
            config, load_training_data(config.data, sources=[weather]), Hardware("cpu", "float32")
        )
    with pytest.raises(UserError, match="2 processes share evenly, found 5"):
        places_per_step(distance_config(tmp_path, batch_size=5), 2, 2)
