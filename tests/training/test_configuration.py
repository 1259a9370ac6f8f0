import dataclasses
import json

import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.training.configuration import (
    DISTANCE_PRESETS,
    GAN_PRESETS,
    DistanceConfig,
    EnsembleConfig,
    GanConfig,
    differences,
    from_dict,
    to_dict,
)


@pytest.mark.parametrize(
    "config", [*DISTANCE_PRESETS.values(), *GAN_PRESETS.values()], ids=lambda c: c.preset
)
def test_settings_survive_json(config):
    assert from_dict(type(config), json.loads(json.dumps(to_dict(config)))) == config


def test_unknown_keys_are_named():
    values = to_dict(DISTANCE_PRESETS["demo"]) | {"learning_rat": 1}
    with pytest.raises(UserError, match="unknown key 'learning_rat'"):
        from_dict(DistanceConfig, values)


def test_presets_know_their_names():
    for presets in (DISTANCE_PRESETS, GAN_PRESETS):
        assert {"smoke", "demo", "paper"} <= set(presets) <= {"smoke", "demo", "demo-8x", "demo-16x", "paper"}
        assert all(config.preset == name for name, config in presets.items())


def test_paper_preset_of_the_distance_has_every_published_number():
    c = DISTANCE_PRESETS["paper"]
    assert (c.data.patch_size, c.data.latitude_limit, c.data.mirror) == (160, 60.0, False)
    assert (c.classes, c.lag_step_hours, c.batch_size) == (23, 3, 128)
    assert (c.optimizer, c.momentum, c.learning_rate, c.clip_norm) == ("sgd", 0.9, 0.1, 5.0)
    assert (c.subset_epochs, c.subset_batches, c.epochs) == (20, 2000, 60)
    assert (c.schedule, c.plateau_factor, c.plateau_patience) == ("plateau", 0.1, 8)
    assert c.minimum_learning_rate == 1e-5
    assert c.weight_decay == 2e-4  # Keras' l2(1e-4): the gradient of 1e-4 w^2 is 2e-4 w
    assert c.batches_per_epoch == 58_440 * 20 // c.batch_size
    assert c.keep == "best"


def test_paper_preset_of_the_gan_has_every_published_number():
    c = GAN_PRESETS["paper"]
    assert (c.data.patch_size, c.batch_size, c.factor, c.pool_normalized) == (96, 64, 4, True)
    assert (c.filters, c.residual_blocks) == (64, 16)
    assert (c.pretraining_epochs, c.pretraining_schedule, c.pretraining_learning_rate) == (
        5,
        "constant",
        1e-4,
    )
    assert (c.epochs, c.learning_rate, c.final_epochs, c.final_learning_rate) == (15, 1e-4, 5, 1e-5)
    assert (c.adversarial_weight, c.balance, c.balance_low, c.balance_high) == (0.001, "extra", 0.46, 0.6)
    assert (c.content, c.distance_layer, c.content_weight) == ("atmodist", ("stage4",), 1.0)
    assert (c.mse_weight, c.l1_weight, c.spectrum_weight, c.distribution_weight) == (0.0, 0.0, 0.0, 0.0)
    # what the authors did not have stays away
    assert (c.adversarial_form, c.r1_weight, c.spectral_norm, c.instance_noise) == (
        "sigmoid",
        0.0,
        False,
        0.0,
    )
    assert (c.upsampling, c.residual, c.output_filter, c.conserve_block_mean) == (
        "subpixel",
        False,
        "none",
        False,
    )
    assert (c.noise_channels, c.ema_decay, c.clip_norm, c.schedule) == (0, 0.0, 0.0, "steps")


def test_demo_gans_differ_in_nothing_but_the_content():
    c = GAN_PRESETS["demo"]
    assert (c.content_weight, c.mse_weight, c.adversarial_weight, c.distance_layer) == (
        0.9,
        0.1,
        0.004,
        ("stage2",),
    )
    assert c.content_weight + c.mse_weight == 1.0  # with --content mse the whole is the plain MSE
    other = dataclasses.replace(c, content="atmodist")
    assert differences(to_dict(c), to_dict(other)) == ["--content (mse -> atmodist)"]


def test_differences_name_flags_and_pass_over_what_does_not_change_weights():
    old = GAN_PRESETS["demo"]
    new = dataclasses.replace(
        old,
        batch_size=7,
        data=dataclasses.replace(old.data, mirror=False),
        run=dataclasses.replace(old.run, resume=True, threads=2, checkpoint_minutes=1.0),
    )
    assert differences(to_dict(old), to_dict(new)) == ["--batch-size (32 -> 7)", "--mirror (True -> False)"]


@pytest.mark.parametrize("kind", [DistanceConfig, GanConfig, EnsembleConfig])
def test_no_flag_means_two_things(kind):
    from train._cli import flags_of

    assert len(set(flags_of(kind))) == len(flags_of(kind))
