"""The plan of the rivals of AtmoDist: losses, pretext tasks, flow matching, and larger factors; see docs/rivals.md."""

import dataclasses
from typing import Any

from train.plan.experiment import (
    ADVERSARIAL_PHASE,
    ATMODIST,
    DISTANCE,
    NO_ADVERSARY,
    PRETRAINING_ONLY,
    START,
    Experiment,
    Plan,
)

LOSSES: dict[str, tuple[str, float]] = {
    "amse": ("power and phase of every scale apart", 0.5),
    "facl": ("Fourier amplitudes and correlation in alternation", 2.0),
    "sliced-wasserstein": ("the same patterns as often", 3.0),
    "gram": ("Gram matrices of AtmoDist activations", 7.0),
}
"""Question, and weight beside the CRPS: each term begins with about the value of the AtmoDist term of weight 1."""
CONTENT_SHARE = 0.45
"""Of that weight, as content of a single field: each then begins with about the value of 0.9 x AtmoDist."""

PRETEXTS = {
    "lag": "lag classes: AtmoDist",
    "ordered": "lags as ordered classes",
    "triplet": "a nearer time is nearer",
    "contrast": "the same place a few hours apart against others",
    "inpainting": "deleted blocks",
    "split-brain": "each field from the other",
    "reconstruction": "the field itself",
    "random": "random weights",
}
PIXEL: dict[str, Any] = {"feature_weight": 0.0}


def _losses() -> list[Experiment]:
    """One generator for each loss: with noise beside the CRPS, and as content with and without an adversary."""
    atmodist = ADVERSARIAL_PHASE | ATMODIST
    made = [
        Experiment("ensemble-4x-pixel", "ensemble", "CRPS alone", PIXEL, START),
        Experiment("ensemble-4x-atmodist", "ensemble", "CRPS and AtmoDist", {}, START | DISTANCE),
        Experiment("flow-4x", "flow", "flow matching on the residual of the mean", {}, START),
        Experiment("srgan-4x-mse", "gan", "MSE GAN", ADVERSARIAL_PHASE | {"content": "mse"}, START),
        Experiment("srgan-4x-atmodist", "gan", "AtmoDist GAN", atmodist, START | DISTANCE),
        Experiment("sr-4x-atmodist", "gan", "no adversary", atmodist | NO_ADVERSARY, START | DISTANCE),
    ]
    for name, (question, weight) in LOSSES.items():
        encoder = DISTANCE if name == "gram" else {}
        term = {f"{name.replace('-', '_')}_weight": weight}
        made.append(Experiment(f"ensemble-4x-{name}", "ensemble", question, PIXEL | term, START | encoder))
        share = {"content_weight": round(CONTENT_SHARE * weight, 3), "mse_weight": 0.1}
        content = {**ADVERSARIAL_PHASE, "content": name, **share}
        made.append(Experiment(f"srgan-4x-{name}", "gan", question, content, START | encoder))
        made.append(Experiment(f"sr-4x-{name}", "gan", question, content | NO_ADVERSARY, START | encoder))
    return made


def _pretexts() -> list[Experiment]:
    """The same encoder by each task, then as the distance of an ensemble generator and of a GAN."""
    made = []
    for name, question in PRETEXTS.items():
        encoder = f"encoder-{name}"
        needs = START | {"distance": encoder}
        made += [
            Experiment(encoder, "distance", question, {"pretext": name}),
            Experiment(f"ensemble-4x-{encoder}", "ensemble", question, {}, needs),
            Experiment(f"srgan-4x-{encoder}", "gan", question, {**ADVERSARIAL_PHASE, **ATMODIST}, needs),
        ]
    return made


def _factors() -> list[Experiment]:
    """8x and 16x: a start, then as for 4x; patches of 8 x 8 coarse points."""
    made = []
    for factor in (8, 16):
        size = {"factor": factor, "patch_size": 8 * factor}
        start = {"start_from": f"sr-{factor}x-mse"}
        content = {**ADVERSARIAL_PHASE, **size}
        made += [
            Experiment(f"sr-{factor}x-mse", "gan", "the start", PRETRAINING_ONLY | size),
            Experiment(f"srgan-{factor}x-mse", "gan", "MSE GAN", content | {"content": "mse"}, start),
            Experiment(
                f"srgan-{factor}x-atmodist", "gan", "AtmoDist GAN", content | ATMODIST, start | DISTANCE
            ),
            Experiment(f"ensemble-{factor}x-pixel", "ensemble", "CRPS alone", PIXEL | size, start),
            Experiment(
                f"ensemble-{factor}x-atmodist", "ensemble", "CRPS and AtmoDist", size, start | DISTANCE
            ),
            Experiment(f"flow-{factor}x", "flow", "flow matching", size, start),
        ]
    return made


_OUTPUT = {"residual": True, "output_filter": "low-pass", "filter_cutoff": 0.55, "conserve_block_mean": True}
_GAN = {"patch_size": 64, "batch_size": 16, "batches_per_epoch": 250, "validation_patches": 128, **_OUTPUT}
_EXPERIMENTS = (
    Experiment("atmodist-23", "distance", "the distance network", {"times_per_place": 6}),
    Experiment("sr-4x-mse", "gan", "pre-training: the common start", PRETRAINING_ONLY),
    *_losses(),
    *_pretexts(),
    *_factors(),
)

RIVALS = Plan(
    "demo",
    _EXPERIMENTS,
    common={"gan": _GAN, "ensemble": _OUTPUT, "flow": _OUTPUT},
    hardware={
        "cpu": {},
        "gpu": {"gan": {"batch_size": 64}, "ensemble": {"batch_size": 32}, "flow": {"batch_size": 64}},
    },
)

_SHORT: dict[str, Any] = {"patch_size": 48, "epochs": 1, "batches_per_epoch": 200, "validation_patches": 32}

_SHORT_ENCODER = {"patch_size": 64, "batch_size": 64, "epochs": 1, "batches_per_epoch": 150}


def _short(experiment: Experiment) -> Experiment:
    """The same with a budget of two minutes on one core; an ensemble draws each patch twice, so it has half as many."""
    budget = {**_SHORT, "batch_size": 4 if experiment.command == "ensemble" else 8}
    return dataclasses.replace(experiment, settings={**experiment.settings, **budget})


RIVALS_SHORT = Plan(
    "demo",
    (
        *_EXPERIMENTS[:2],
        *(
            _short(e)
            for e in _EXPERIMENTS[2:]
            if e.command in ("ensemble", "flow", "gan") and "-4x-" in f"{e.name}-"
        ),
        *(
            dataclasses.replace(e, settings={**_SHORT_ENCODER, **e.settings})
            for e in _EXPERIMENTS[2:]
            if e.command == "distance"
        ),
    ),
    common={"gan": _GAN, "ensemble": _OUTPUT, "flow": _OUTPUT},
)
