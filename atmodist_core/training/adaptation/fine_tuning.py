"""Training for a given time: the schedule follows the clock, and the best weights on held-out patches are kept."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.training.adaptation.validation_scores import (
    Generate,
    ValidationScores,
    objective,
    validation_scores,
)
from atmodist_core.training.gan.downscaling_trainer import DownscalingTrainer
from atmodist_core.training.loop.checkpoints import (
    BEST_NAME,
    CHECKPOINT_NAME,
    has_checkpoint,
    read_checkpoint,
    write_checkpoint,
)

_VALIDATIONS = 8
"""Of the weights in the time of a model."""
_MANY_STEPS = 10**7
_LEAST_STEPS_TO_EXTRAPOLATE = 3


@dataclass
class FineTuning:
    """The course of one model's training: steps, seconds spent, and the best weights."""

    step: int = 0
    spent: float = 0.0
    start: ValidationScores | None = None
    best: ValidationScores | None = None
    best_objective: float = math.inf
    best_step: int = 0
    kept_start: bool = (
        False  # the shipped weights, with their own normalisation and output layers, were the best
    )

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FineTuning":
        """From a checkpoint."""
        scores = {name: values[name] and ValidationScores(**values[name]) for name in ("start", "best")}
        return cls(**(values | scores))


def fine_tune(
    trainer: DownscalingTrainer,
    role: str,
    seconds: float,
    folder: Path,
    *,
    end: float = 1.0,
    shipped: Generate | None = None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> FineTuning | None:
    """Train until the seconds are spent, those of earlier runs in the folder included; leave the best weights in the trainer.

    The learning rate falls with the time that has passed. Before the first step and eight times in the course the weights
    are scored on held-out patches, and so is the shipped model: the result is never worse than that there.

    Parameters
    ----------
    trainer : DownscalingTrainer
        Before its first step.
    role : str
        ``atmodist``, ``ensemble`` or ``mse``.
    seconds : float
        Time for training and validation together.
    folder : path
        Of the checkpoints.
    end : float
        Effective truncation of the data.
    shipped : callable, optional
        Makes patches with the shipped model; by default the trainer's weights before the first step are those.
    stop, say : callable
        Asked after every step whether to stop; told what is going on.

    Returns
    -------
    FineTuning or None
        The course; None if it was stopped, after a checkpoint.
    """
    began = time.monotonic()
    course, best = FineTuning(), trainer.evaluated_generator.state_dict()
    if has_checkpoint(folder):
        tensors, state = read_checkpoint(folder / CHECKPOINT_NAME)
        trainer.restore(tensors, state["trainer"])
        course = FineTuning.from_dict(state["course"])
        best = read_checkpoint(folder / BEST_NAME)[0]
    earlier = course.spent

    def spent() -> float:
        return earlier + time.monotonic() - began

    def validate() -> None:
        nonlocal best
        scores = validation_scores(trainer, end)
        course.start = course.start or scores
        found = objective(role, scores, course.start)
        if found < course.best_objective:
            course.kept_start = False
            course.best, course.best_objective, course.best_step = scores, found, course.step
            best = _copied(trainer.evaluated_generator.state_dict())
            write_checkpoint(folder / BEST_NAME, best, {"step": course.step}, keep_previous=False)
        say(
            f"{role}, step {course.step}: log error of power {scores.log_power:.3f}, error"
            f" {scores.error / course.start.error:.3f} of the start's"
        )

    def save() -> None:
        course.spent = spent()
        state = {"trainer": trainer.state(), "course": course.to_dict()}
        write_checkpoint(folder / CHECKPOINT_NAME, trainer.tensors(), state)

    if course.start is None:
        folder.mkdir(parents=True, exist_ok=True)
        if shipped is not None:
            course.start = course.best = validation_scores(trainer, end, shipped)
            course.best_objective, course.kept_start = objective(role, course.start, course.start), True
            write_checkpoint(folder / BEST_NAME, best, {"step": 0}, keep_previous=False)
        validate()
    of_validation = spent() - earlier if course.step == 0 else seconds / 40
    between = max(seconds / _VALIDATIONS, 4 * of_validation)
    due = spent() + between
    of_step = 0.0
    # The last validation needs its time as well.
    while (now := spent()) + of_step + of_validation < seconds:
        share = now / seconds
        many = course.step >= _LEAST_STEPS_TO_EXTRAPOLATE and share > 0.05
        trainer.total_steps = max(course.step + 2, round(course.step / share)) if many else _MANY_STEPS
        numbers = trainer.step(course.step)
        course.step += 1
        of_step = max(of_step * 0.9, spent() - now)
        if not math.isfinite(float(numbers["loss"])):
            raise UserError(
                f"Expected a finite loss in the adaptation, found it diverged at step {course.step}; check the data for"
                " extreme values."
            )
        if stop():
            save()
            return None
        if spent() >= due and spent() + 2 * of_validation < seconds:
            validate()
            save()
            due = spent() + between
    if course.step:
        validate()
    save()
    trainer.evaluated_generator.load_state_dict(best)
    return course


def _copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a file of an adaptation; a UserError where it is damaged."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"Expected the JSON file of an adaptation, found a broken one at {path.name}; start again in another --out."
        ) from error
    return values
