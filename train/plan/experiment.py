"""What a plan of trainings consists of, and the settings that experiments of several plans share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Command = Literal["distance", "autoencoder", "gan", "ensemble", "flow"]


@dataclass(frozen=True)
class Experiment:
    """One training."""

    name: str  # of the run and of its model
    command: Command  # in train/; flow is train/ensemble.py --flow
    question: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # that differ from the plan's common ones
    # setting that takes a model to the experiment that gives it
    needs: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    optional: bool = False  # run only with --optional or when named


@dataclass(frozen=True)
class Plan:
    """Experiments that belong together, each after those it needs."""

    preset: str  # of the commands
    experiments: tuple[Experiment, ...]
    # by command: settings of all its experiments
    common: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # by --preset of train/experiments.py and command: settings that suit a kind of machine
    hardware: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)


START, START_1 = {"start_from": "sr-4x-mse"}, {"start_from": "sr-4x-mse-seed1"}
DISTANCE, DISTANCE_1 = {"distance": "atmodist-23"}, {"distance": "atmodist-23-seed1"}
ATMODIST = {"content": "atmodist", "distance_layer": ("stage2",), "content_weight": 0.9, "mse_weight": 0.1}
NO_ADVERSARY: dict[str, Any] = {"adversarial_weight": 0.0}
ADVERSARIAL_PHASE: dict[str, Any] = {
    "epochs": 5,
    "final_epochs": 0,
    "schedule": "cosine",
    "learning_rate": 2e-4,
    "final_learning_rate": 1e-5,
    "adversarial_form": "hinge",
    "adversarial_weight": 0.03,
    "balance": "none",
    "r1_weight": 100.0,
    "discriminator_filters": (16, 16, 32, 32, 64, 64, 128, 128),
    "discriminator_dense": 256,
    "ema_decay": 0.995,
    "clip_norm": 5.0,
}
"""What every generator goes through after the common start; budgets are equal because they stand here once."""

PRETRAINING_ONLY = {
    "content": "mse",
    "pretraining_epochs": 10,
    "pretraining_learning_rate": 5e-4,
    "epochs": 0,
    "final_epochs": 0,
}
