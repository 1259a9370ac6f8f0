"""The plan of all trainings behind docs/models.md and docs/experiments.md: one table, run by train/experiments.py.

Settings are the fields of the configurations (``atmodist_core/training/*_configuration.py``); what an experiment
does not name is as in its preset, and what one plan has in common is written once. Budgets are equal because
they are written in one place: nothing but the named settings differs between two generators.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Command = Literal["distance", "autoencoder", "gan"]


@dataclass(frozen=True)
class Experiment:
    """One training.

    Attributes
    ----------
    name
        Of the run and of its model.
    command
        Which of ``train/distance.py``, ``train/autoencoder.py`` and ``train/gan.py`` runs it.
    question
        What it is for, in a few words.
    settings
        Settings that differ from the plan's common ones, by name.
    needs
        Settings that take the model of another experiment: name of the setting to name of the experiment.
    seed
        Of weights and patches.
    optional
        Run only with ``--optional`` or when named.
    """

    name: str
    command: Command
    question: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    optional: bool = False


@dataclass(frozen=True)
class Plan:
    """Experiments that belong together.

    Attributes
    ----------
    preset
        Preset of the commands.
    common
        By command: settings of all its experiments.
    hardware
        By ``--preset`` of train/experiments.py and command: settings that suit a kind of machine.
    experiments
        Each after those it needs.
    """

    preset: str
    experiments: tuple[Experiment, ...]
    common: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hardware: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)


START, START_1 = {"start_from": "sr-4x-mse"}, {"start_from": "sr-4x-mse-seed1"}
DISTANCE, DISTANCE_1 = {"distance": "atmodist-23"}, {"distance": "atmodist-23-seed1"}
ATMODIST = {"content": "atmodist", "distance_layer": ("stage2",), "content_weight": 0.9, "mse_weight": 0.1}
NO_ADVERSARY: dict[str, Any] = {"adversarial_weight": 0.0}
PRETRAINING_ONLY = {"content": "mse", "epochs": 0, "final_epochs": 0}


def _atmodist(
    name: str, question: str, *, seed: int = 0, optional: bool = False, **settings: Any
) -> Experiment:
    """An AtmoDist GAN from the common start that differs from the first one in these settings."""
    start, distance = ((START, DISTANCE), (START_1, DISTANCE_1))[seed]
    return Experiment(name, "gan", question, ATMODIST | settings, start | distance, seed, optional)


def _mse(name: str, question: str, *, seed: int = 0, **settings: Any) -> Experiment:
    """A generator with the MSE as content, from the common start."""
    return Experiment(name, "gan", question, {"content": "mse"} | settings, (START, START_1)[seed], seed)


_DEMO = (
    Experiment("atmodist-23", "distance", "the distance network"),
    Experiment("atmodist-23-seed1", "distance", "the distance network, second seed", seed=1),
    Experiment("atmodist-15", "distance", "15 classes (45 h)", {"classes": 15}, optional=True),
    Experiment("atmodist-31", "distance", "31 classes (93 h)", {"classes": 31}, optional=True),
    Experiment("autoencoder", "autoencoder", "an encoder that learned from reconstruction, not from time"),
    Experiment("sr-4x-mse", "gan", "pre-training: the common start", PRETRAINING_ONLY),
    Experiment("sr-4x-mse-seed1", "gan", "the common start, second seed", PRETRAINING_ONLY, seed=1),
    _mse("sr-4x-mse-long", "MSE alone, the budget of the GANs", **NO_ADVERSARY),
    _mse("srgan-4x-mse", "MSE GAN"),
    _mse("srgan-4x-mse-seed1", "MSE GAN, second seed", seed=1),
    _mse("srgan-4x-mse-adversarial-0.001", "MSE GAN, weak adversary", adversarial_weight=0.001),
    _mse("srgan-4x-mse-adversarial-0.016", "MSE GAN, strong adversary", adversarial_weight=0.016),
    _atmodist("srgan-4x-atmodist", "AtmoDist GAN"),
    _atmodist("srgan-4x-atmodist-seed1", "AtmoDist GAN, second seed", seed=1),
    _atmodist("sr-4x-atmodist", "AtmoDist without adversary", **NO_ADVERSARY),
    Experiment(
        "srgan-4x-random-encoder",
        "gan",
        "control: an encoder that learned nothing",
        ATMODIST | {"content": "random-encoder"},
        START,
    ),
    Experiment(
        "srgan-4x-autoencoder",
        "gan",
        "control: features of the autoencoder",
        ATMODIST | {"content": "autoencoder"},
        START | {"autoencoder": "autoencoder"},
    ),
    _atmodist("srgan-4x-atmodist-stage1", "end of stage 1", distance_layer=("stage1",)),
    _atmodist("srgan-4x-atmodist-stage3", "end of stage 3", distance_layer=("stage3",)),
    _atmodist("srgan-4x-atmodist-stage4", "end of the encoder", distance_layer=("stage4",)),
    _atmodist(
        "srgan-4x-atmodist-stages", "stages 1 to 3 together", distance_layer=("stage1", "stage2", "stage3")
    ),
    _atmodist(
        "srgan-4x-atmodist-paper",
        "the paper's recipe: end of the encoder, no MSE, adversary 0.001",
        distance_layer=("stage4",),
        content_weight=1.0,
        mse_weight=0.0,
        adversarial_weight=0.001,
    ),
    _atmodist(
        "srgan-4x-atmodist-block-mean", "way to try: the block mean is conserved", conserve_block_mean=True
    ),
    _atmodist("srgan-4x-atmodist-distribution", "way to try: a distribution term", distribution_weight=0.1),
    _atmodist("srgan-4x-atmodist-spectrum", "way to try: a spectrum term", spectrum_weight=0.1),
    _atmodist(
        "srgan-4x-atmodist-half-band", "way to try: half-band output filter", output_filter="half-band"
    ),
    _atmodist("srgan-4x-atmodist-noise", "way to try: noise as input", noise_channels=1),
)

_SMOKE = (
    Experiment("atmodist-23", "distance", "the distance network"),
    Experiment("autoencoder", "autoencoder", "an encoder that learned from reconstruction"),
    Experiment("sr-4x-mse", "gan", "pre-training: the common start", PRETRAINING_ONLY),
    _mse("srgan-4x-mse", "MSE GAN"),
    _atmodist("srgan-4x-atmodist", "AtmoDist GAN"),
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
        hardware={
            "cpu": {},
            # A GPU is idle on the batches that suit a CPU: as many steps, of more samples each.
            "gpu": {
                "distance": {"batch_size": 512},
                "autoencoder": {"batch_size": 512},
                "gan": {"batch_size": 64},
            },
        },
    ),
    "smoke": Plan("smoke", _SMOKE, hardware={"cpu": {}, "gpu": {}}),
}
"""Plans by name."""
