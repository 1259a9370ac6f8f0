"""One judgement of a finished distance network on weather it has not seen, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware, choose_hardware, use_channels_last
from atmodist_core.inference.lag_probabilities import chance_scores, median_classes, ranked_classes
from atmodist_core.models.store import load_network
from atmodist_core.networks import DistanceNetwork
from atmodist_core.training.data.fields_in_memory import load_fields
from atmodist_core.training.data.patches import (
    BASELINE_STREAM,
    MATCHING_STREAM,
    VALIDATION_STREAM,
    PatchSampler,
    cut_pairs,
    lag_stride,
)
from atmodist_core.training.data.training_fields import TrainingFields
from atmodist_core.training.distance.difference_predictors import PairFeatures, difference_predictions
from atmodist_core.training.distance.distance_matching import LagDistances, lag_distances, saturation_lag
from atmodist_core.training.distance.pair_bootstrap import PairBootstrap, with_interval

_BATCH = 256
_SHORTEST_BLOCK_DAYS = 3


@dataclass(frozen=True)
class _Task:
    """The pretext task of a model on some weather."""

    fields: TrainingFields
    classes: int
    lag_step_hours: int
    patch_size: int
    stride: int
    seed: int

    def sampler(self, stream: int) -> PatchSampler:
        segments = [(member.start, member.stop) for member in self.fields.members]
        return PatchSampler(self.fields, segments, patch_size=self.patch_size, seed=self.seed, stream=stream)


def score_pretext_task(
    distance: str | Path,
    sources: Sequence[Path | str | xr.Dataset],
    *,
    pairs: int = 8192,
    lag_pairs: int = 256,
    seed: int = 1,
    block_days: int = 4,
    device: str = "auto",
    precision: str = "auto",
) -> dict[str, float]:
    """Scores of a finished distance network, beside those of simple predictors.

    The simple predictors are fitted on other pairs of the same weather, twice as many: an advantage that the
    network does not have.

    Parameters
    ----------
    distance
        Name or folder of a distance model; its card says patch size, classes and channels.
    sources
        One unbroken series each.
    pairs
        Random pairs, centres within 60 degrees of the equator, lags uniform over the classes.
    lag_pairs
        Random pairs at every lag for the distances over the lag.
    seed
        Seed of the pairs.
    block_days
        Length of the blocks of days that are resampled for the intervals, at least 3.
    device, precision
        As for training. The classification uses bfloat16 where there are units for it, the distances float32.

    Returns
    -------
    dict
        ``<who>_accuracy``, ``_top3``, ``_lag_error_hours`` (of the median of the predicted distribution) and
        ``_mode_lag_error_hours`` (of the most probable lag), for ``network``, ``rms``, ``rms_latitude`` and
        ``rms_network`` (see :func:`~atmodist_core.training.distance.difference_predictors.difference_predictions`) and
        ``rms_best``, the best of these on each score; ``chance_*``; ``accuracy_over_chance`` and
        ``lag_error_ratio`` and ``mode_lag_error_ratio`` (the network's over ``rms_best``'s; with ``_alone`` over
        that of ``rms``, which sees the differences and nothing else);
        ``saturation_hours_<metric>`` for ``mse``, every encoder layer and ``all`` (the scaled mean of the
        layers), ``saturation_ratio_<layer>`` to the MSE's. 95 % intervals: the same with ``_low`` and
        ``_high`` (left out where the data are shorter than three blocks). ``days``: days in all.

    Raises
    ------
    UserError
        The model is none for distances; the data are too short or their spacing does not fit; a block is
        shorter than three days.
    """
    if block_days < _SHORTEST_BLOCK_DAYS:
        raise UserError(
            f"Expected blocks of at least {_SHORTEST_BLOCK_DAYS} days, found {block_days}; weather of"
            " neighbouring days is alike, and shorter blocks make intervals too narrow."
        )
    card, module = load_network(distance)
    if card.kind != "distance" or card.normalization is None:
        raise UserError(f"Expected a distance model, found {card.name}, a {card.kind}; name another.")
    network = cast(DistanceNetwork, module)
    hardware = choose_hardware(device, precision)
    fields = load_fields(sources, channels=card.channels).normalize_in_place(card.normalization)
    settings = network.classifier.config
    task = _Task(
        fields.to(torch.device(hardware.device)),
        settings.classes,
        settings.lag_step_hours,
        settings.patch_size,
        lag_stride(fields.members, settings.lag_step_hours),
        seed,
    )
    network.to(hardware.device)
    use_channels_last(network)
    training, _, _ = _look_at_pairs(task, BASELINE_STREAM, 2 * pairs)
    held_out, times, probabilities = _look_at_pairs(task, VALIDATION_STREAM, pairs, network, hardware)
    predictions = {"network": probabilities} | difference_predictions(training, held_out, task.classes)
    bootstrap = PairBootstrap(task.fields.members, block_days)
    scores = {"pairs": float(pairs), "days": float(bootstrap.axis.size)}
    scores |= {f"chance_{k}": v for k, v in chance_scores(task.classes, task.lag_step_hours).items()}
    scores |= _classification_scores(
        predictions, held_out.labels, task.lag_step_hours, bootstrap.days(times), bootstrap
    )
    distances = lag_distances(
        network.encoder,
        task.fields,
        task.sampler(MATCHING_STREAM),
        classes=task.classes,
        stride=task.stride,
        patch_size=task.patch_size,
        pairs_per_lag=lag_pairs,
    )
    return scores | _saturation_scores(distances, task, bootstrap)


@torch.inference_mode()
def _look_at_pairs(
    task: _Task,
    stream: int,
    pairs: int,
    network: DistanceNetwork | None = None,
    hardware: Hardware | None = None,
) -> tuple[PairFeatures, NDArray[np.int64], NDArray[np.float64]]:
    """Features of pairs, the times of their earlier patches, and the network's probabilities (if any)."""
    sampler = task.sampler(stream)
    columns: dict[str, list[NDArray]] = {name: [] for name in ("rms", "size", "latitude", "label", "time")}
    answers: list[Tensor] = []
    middle = task.patch_size // 2
    for number in range(-(-pairs // _BATCH)):
        count = min(_BATCH, pairs - number * _BATCH)
        places = sampler.pairs(number, count, classes=task.classes, stride=task.stride)
        earlier, later, _ = cut_pairs(task.fields, places, task.patch_size, task.stride)
        both = 0.5 * (earlier.square() + later.square())
        columns["rms"].append((earlier - later).square().mean(dim=(2, 3)).sqrt().cpu().double().numpy())
        columns["size"].append(both.mean(dim=(2, 3)).sqrt().cpu().double().numpy())
        columns["latitude"].append(np.abs(task.fields.latitude[places.row + middle]))
        columns["label"].append(places.label)
        columns["time"].append(places.time)
        if network is not None and hardware is not None:
            reduced = hardware.precision == "bfloat16"
            with torch.autocast(hardware.device, torch.bfloat16, enabled=reduced):
                answers.append(network(earlier, later).float().softmax(dim=1).cpu())
    table = {name: np.concatenate(parts) for name, parts in columns.items()}
    features = PairFeatures(table["rms"], table["size"], table["latitude"], table["label"])
    probabilities = torch.cat(answers).double().numpy() if answers else np.zeros((0, task.classes))
    return features, table["time"], probabilities


def pair_outcomes(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], lag_step_hours: float
) -> dict[str, NDArray[np.float64]]:
    """What each pair contributes to every score.

    Parameters
    ----------
    probabilities
        Shape ``(pairs, classes)``.
    labels
        Shape ``(pairs,)``.
    lag_step_hours
        Time between two classes [h].

    Returns
    -------
    dict
        ``accuracy``, ``top3`` (0 or 1), ``lag_error_hours`` (of the distribution's median) and
        ``mode_lag_error_hours`` (of its highest probability), each ``(pairs,)``.
    """
    ranked = ranked_classes(probabilities)[:, :3]
    median = median_classes(probabilities)
    return {
        "accuracy": (ranked[:, 0] == labels).astype(np.float64),
        "top3": (ranked == labels[:, None]).any(axis=1).astype(np.float64),
        "lag_error_hours": np.abs(median - labels) * float(lag_step_hours),
        "mode_lag_error_hours": np.abs(ranked[:, 0] - labels) * float(lag_step_hours),
    }


def _classification_scores(
    predictions: dict[str, NDArray[np.float64]],
    labels: NDArray[np.int64],
    lag_step_hours: float,
    days: NDArray[np.int64],
    bootstrap: PairBootstrap,
) -> dict[str, float]:
    outcomes = {who: pair_outcomes(p, labels, lag_step_hours) for who, p in predictions.items()}
    scores: dict[str, float] = {}
    simple = [who for who in outcomes if who != "network"]
    for name in outcomes["network"]:
        sign = -1.0 if name.endswith("hours") else 1.0
        best = max(simple, key=lambda who: sign * outcomes[who][name].mean())
        means = {who: bootstrap.means(values[name], days) for who, values in outcomes.items()}
        for who in outcomes:
            scores |= with_interval(f"{who}_{name}", means[who])
        scores |= with_interval(f"rms_best_{name}", means[best])
        # Both errors against the best median: nothing made of the differences alone errs less.
        if name == "lag_error_hours":
            rival, alone = means[best], means["rms"]
        if name.endswith("hours"):
            ratio = name.replace("_hours", "_ratio")
            scores |= with_interval(ratio, means["network"] / rival)
            scores |= with_interval(f"{ratio}_alone", means["network"] / alone)
    chance = 1.0 / predictions["network"].shape[1]
    over = bootstrap.means(outcomes["network"]["accuracy"], days) / chance
    return scores | with_interval("accuracy_over_chance", over)


def _saturation_scores(distances: LagDistances, task: _Task, bootstrap: PairBootstrap) -> dict[str, float]:
    """Lags of 90 % saturation, and their ratios to that of the mean squared error."""
    lags_hours = task.lag_step_hours * np.arange(1.0, task.classes + 1.0)
    days = [bootstrap.days(row) for row in distances.times]
    values = dict(distances.values)
    scales = distances.curves(lags_hours).scales()
    values["all"] = np.mean([scale * values[layer] for layer, scale in scales.items()], axis=0)
    lags: dict[str, NDArray[np.float64]] = {}
    scores: dict[str, float] = {}
    for metric, table in values.items():
        curves = np.stack([bootstrap.means(row, of) for row, of in zip(table, days, strict=True)], axis=1)
        lags[metric] = np.array([saturation_lag(curve, lags_hours) for curve in curves])
        scores |= with_interval(f"saturation_hours_{metric}", lags[metric])
    for metric in values:
        if metric != "mse":
            scores |= with_interval(f"saturation_ratio_{metric}", lags[metric] / lags["mse"])
    return scores
