"""The plan of all trainings behind docs/models.md and docs/experiments.md: one table, run by train/experiments.py.

Settings are the fields of the configurations (``atmodist_core/training/*_configuration.py``); what an experiment
does not name is as in its preset, and what one plan has in common is written once. Budgets are equal because
they are written in one place: nothing but the named settings differs between two generators.
"""

from collections.abc import Mapping
from typing import Any

from train.plan.experiment import (
    ADVERSARIAL_PHASE,
    ATMODIST,
    DISTANCE,
    DISTANCE_1,
    NO_ADVERSARY,
    PRETRAINING_ONLY,
    START,
    START_1,
    Experiment,
    Plan,
)
from train.plan.rival_plan import RIVALS, RIVALS_SHORT

SMALL = {"patch_size": 64, "batch_size": 128, "epochs": 12, "batches_per_epoch": 250, "learning_rate": 0.1}
LARGE = {
    "patch_size": 160,
    "batch_size": 32,
    "epochs": 8,
    "batches_per_epoch": 300,
    "learning_rate": 0.04,
    "warmup_fraction": 0.1,
    "validation_pairs": 512,
    "final_pairs": 4096,
}
"""Larger patches hold more information on the lag but cost more; an encoder trained on small ones learns fast on them."""
PAIRS = {"times_per_place": 2}
SMALL_START, SMALL_START_1 = {"start_from": "atmodist-23-small"}, {"start_from": "atmodist-23-small-seed1"}


def _generator(
    name: str, question: str, settings: Mapping[str, Any], needs: Mapping[str, str], seed: int = 0
) -> Experiment:
    """A generator that starts from the common pre-training."""
    start = (START, START_1)[seed]
    return Experiment(name, "gan", question, {**ADVERSARIAL_PHASE, **settings}, {**start, **needs}, seed)


def _atmodist(name: str, question: str, *, seed: int = 0, **settings: Any) -> Experiment:
    """An AtmoDist GAN from the common start that differs from the first one in these settings."""
    return _generator(name, question, ATMODIST | settings, (DISTANCE, DISTANCE_1)[seed], seed)


def _mse(name: str, question: str, *, seed: int = 0, **settings: Any) -> Experiment:
    """A generator with the MSE as content, from the common start."""
    return _generator(name, question, {"content": "mse"} | settings, {}, seed)


_DEMO = (
    Experiment("atmodist-23-small", "distance", "first on patches of 64 points", SMALL),
    Experiment("atmodist-23", "distance", "the distance network", LARGE, SMALL_START),
    Experiment("atmodist-23-small-seed1", "distance", "first on patches of 64 points", SMALL, seed=1),
    Experiment("atmodist-23-seed1", "distance", "second seed", LARGE, SMALL_START_1, seed=1),
    Experiment("atmodist-15", "distance", "15 classes (45 h)", SMALL | {"classes": 15}, optional=True),
    Experiment("atmodist-31", "distance", "31 classes (93 h)", SMALL | {"classes": 31}, optional=True),
    Experiment(
        "atmodist-23-pairs", "distance", "one pair a place, as published", SMALL | PAIRS, optional=True
    ),
    Experiment("autoencoder", "autoencoder", "an encoder that learned from reconstruction, not from time"),
    Experiment("sr-4x-mse", "gan", "pre-training: the common start", PRETRAINING_ONLY),
    Experiment("sr-4x-mse-seed1", "gan", "the common start, second seed", PRETRAINING_ONLY, seed=1),
    _mse("sr-4x-mse-long", "MSE alone, the budget of the GANs", **NO_ADVERSARY),
    _mse("srgan-4x-mse", "MSE GAN"),
    _mse("srgan-4x-mse-seed1", "MSE GAN, second seed", seed=1),
    _mse("srgan-4x-mse-adversarial-0.01", "MSE GAN, weak adversary", adversarial_weight=0.01),
    _mse("srgan-4x-mse-adversarial-0.1", "MSE GAN, strong adversary", adversarial_weight=0.1),
    _atmodist("srgan-4x-atmodist", "AtmoDist GAN"),
    _atmodist("srgan-4x-atmodist-seed1", "AtmoDist GAN, second seed", seed=1),
    _atmodist("sr-4x-atmodist", "AtmoDist without adversary", **NO_ADVERSARY),
    _generator(
        "srgan-4x-random-encoder",
        "control: an encoder that learned nothing",
        ATMODIST | {"content": "random-encoder"},
        {},
    ),
    _generator(
        "srgan-4x-autoencoder",
        "control: features of the autoencoder",
        ATMODIST | {"content": "autoencoder"},
        {"autoencoder": "autoencoder"},
    ),
    _atmodist("srgan-4x-atmodist-stage1", "end of stage 1", distance_layer=("stage1",)),
    _atmodist("srgan-4x-atmodist-stage3", "end of stage 3", distance_layer=("stage3",)),
    _atmodist("srgan-4x-atmodist-stage4", "end of the encoder", distance_layer=("stage4",)),
    _atmodist(
        "srgan-4x-atmodist-stages", "stages 1 to 3 together", distance_layer=("stage1", "stage2", "stage3")
    ),
    _atmodist(
        "srgan-4x-atmodist-paper",
        "the paper's recipe: end of the encoder, no MSE, its adversary and rules",
        distance_layer=("stage4",),
        content_weight=1.0,
        mse_weight=0.0,
        adversarial_weight=0.001,
        adversarial_form="sigmoid",
        balance="extra",
        r1_weight=0.0,
    ),
    _atmodist("srgan-4x-atmodist-distribution", "way to try: a distribution term", distribution_weight=0.1),
    _atmodist("srgan-4x-atmodist-spectrum", "way to try: a spectrum term", spectrum_weight=0.1),
    _mse("srgan-4x-mse-spectrum", "control: the MSE GAN with the spectrum term", spectrum_weight=0.1),
    _atmodist("srgan-4x-atmodist-spectrum-0.3", "way to try: a stronger one", spectrum_weight=0.3),
    _atmodist("srgan-4x-atmodist-spectrum-seed1", "spectrum term, second seed", seed=1, spectrum_weight=0.1),
    _atmodist(
        "srgan-4x-atmodist-statistics",
        "way to try: spectrum and distribution terms together",
        spectrum_weight=0.1,
        distribution_weight=0.1,
    ),
    _atmodist("srgan-4x-atmodist-noise", "way to try: noise as input", noise_channels=1),
    _atmodist("srgan-4x-atmodist-free-mean", "the block mean is left free", conserve_block_mean=False),
    _atmodist("srgan-4x-atmodist-early-filter", "filter at the truncation, not beyond it", filter_cutoff=0.5),
)

_SMOKE = (
    Experiment("atmodist-23", "distance", "the distance network"),
    Experiment("autoencoder", "autoencoder", "an encoder that learned from reconstruction"),
    Experiment("sr-4x-mse", "gan", "pre-training: the common start", PRETRAINING_ONLY),
    Experiment("srgan-4x-mse", "gan", "MSE GAN", {"content": "mse"}, START),
    Experiment("srgan-4x-atmodist", "gan", "AtmoDist GAN", ATMODIST, START | DISTANCE),
    Experiment(
        "srgan-4x-autoencoder",
        "gan",
        "control: features of the autoencoder",
        ATMODIST | {"content": "autoencoder"},
        START | {"autoencoder": "autoencoder"},
        optional=True,
    ),
)

PLANS: dict[str, Plan] = {
    "demo": Plan(
        "demo",
        _DEMO,
        common={
            "distance": {"times_per_place": 6},
            "gan": {
                "patch_size": 64,
                "batch_size": 16,
                "batches_per_epoch": 250,
                "validation_patches": 128,
                "residual": True,
                "output_filter": "low-pass",
                "filter_cutoff": 0.55,
                "conserve_block_mean": True,
            },
        },
        hardware={
            "cpu": {},
            # A GPU is idle on the batches that suit a CPU: as many steps, of more samples each.
            "gpu": {"autoencoder": {"batch_size": 512}, "gan": {"batch_size": 64}},
        },
    ),
    "rivals": RIVALS,
    "rivals-short": RIVALS_SHORT,
    "smoke": Plan("smoke", _SMOKE, hardware={"cpu": {}, "gpu": {}}),
}
"""Plans by name."""
