"""Scores of the pretext task on held-out pairs, and of baselines from plain differences."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from atmodist_core.evaluation.lags.lag_predictors import neighbour_counts
from atmodist_core.inference.lag_probabilities import median_classes, ranked_classes
from atmodist_core.training.data.patches import PatchSampler, cut_pairs
from atmodist_core.training.data.training_fields import TrainingFields


def pretext_scores(logits: Tensor, labels: Tensor, lag_step_hours: float) -> dict[str, float]:
    """Scores of lags predicted by logits ``(pairs, classes)``; class k is a lag of ``(k + 1) * lag_step_hours``.

    They are ``loss`` (cross-entropy, nats), ``accuracy``, ``top3``, ``lag_error_hours`` (mean absolute error
    of the most probable lag [h]) and ``median_lag_error_hours`` (of the predicted distribution's median).

    Examples
    --------
    >>> logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]))
    >>> scores = pretext_scores(logits, torch.tensor([0, 1]), 3.0)
    >>> scores["accuracy"], scores["top3"], scores["lag_error_hours"]
    (0.5, 1.0, 1.5)
    """
    logits = logits.float()
    best = logits.topk(min(3, logits.shape[1]), dim=1).indices
    median = (logits.softmax(dim=1).cumsum(dim=1) >= 0.5).int().argmax(dim=1)

    def error(predicted: Tensor) -> float:
        return float((predicted - labels).abs().float().mean()) * lag_step_hours

    return {
        "loss": float(functional.cross_entropy(logits, labels)),
        "accuracy": float((best[:, 0] == labels).float().mean()),
        "top3": float((best == labels[:, None]).any(dim=1).float().mean()),
        "lag_error_hours": error(best[:, 0]),
        "median_lag_error_hours": error(median),
    }


def confusion_matrix(logits: Tensor, labels: Tensor) -> NDArray[np.int64]:
    """Counts of predicted (columns) against true classes (rows), shape ``(classes, classes)``."""
    classes = logits.shape[1]
    flat = labels.cpu() * classes + logits.argmax(dim=1).cpu()
    return torch.bincount(flat, minlength=classes**2).reshape(classes, classes).numpy()


def pair_batches(
    fields: TrainingFields,
    sampler: PatchSampler,
    *,
    pairs: int,
    batch_size: int,
    patch_size: int,
    classes: int,
    stride: int,
    label: int | None = None,
    first_step: int = 0,
    part: tuple[int, int] = (0, 1),
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The same pairs at every call: batches (earlier, later, label) of a stream of their own.

    ``part=(rank, ranks)`` gives every ``ranks``-th batch, the share of one process.
    """
    for number in range(part[0], -(-pairs // batch_size), part[1]):
        count = min(batch_size, pairs - number * batch_size)
        places = sampler.pairs(first_step + number, count, classes=classes, stride=stride, label=label)
        yield cut_pairs(fields, places, patch_size, stride)


def difference_features(
    batches: Iterator[tuple[Tensor, Tensor, Tensor]],
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Root-mean-square difference of normalised patches, ``(pairs, channels)``, and labels ``(pairs,)``."""
    features, labels = [], []
    for earlier, later, label in batches:
        features.append((earlier - later).square().mean(dim=(2, 3)).sqrt().cpu().double().numpy())
        labels.append(label.cpu().numpy())
    return np.concatenate(features), np.concatenate(labels)


def difference_baselines(
    training: tuple[NDArray[Any], NDArray[np.int64]],
    held_out: tuple[NDArray[Any], NDArray[np.int64]],
    classes: int,
    lag_step_hours: float,
) -> dict[str, float]:
    """Score lags predicted from RMS differences alone: fitted on training pairs, evaluated on held-out pairs.

    ``least_squares_*``: lag linear in the differences, fitted by least squares, rounded to a class.
    ``rms_*``: the best possible predictor from the differences, estimated from the lags of the 100 nearest
    training pairs; the accuracy takes their most frequent lag, the error their median.
    """
    (x, labels), (x_held, labels_held) = training, held_out
    design = np.column_stack([np.ones(len(x)), x])
    weights, *_ = np.linalg.lstsq(design, labels.astype(np.float64), rcond=None)
    guess = np.clip(np.rint(np.column_stack([np.ones(len(x_held)), x_held]) @ weights), 0, classes - 1)
    counts = neighbour_counts(x, labels, x_held, classes)
    ranked = ranked_classes(counts)[:, :3]
    median = median_classes(counts)
    return {
        "least_squares_accuracy": float((guess == labels_held).mean()),
        "least_squares_lag_error_hours": float(np.abs(guess - labels_held).mean() * lag_step_hours),
        "rms_accuracy": float((ranked[:, 0] == labels_held).mean()),
        "rms_top3": float((ranked == labels_held[:, None]).any(axis=1).mean()),
        "rms_lag_error_hours": float(np.abs(median - labels_held).mean() * lag_step_hours),
    }


def prefixed(prefix: str, scores: dict[str, float]) -> dict[str, float]:
    """Return scores under longer names, such as ``held_out_loss``."""
    return {f"{prefix}{name}": value for name, value in scores.items()}
