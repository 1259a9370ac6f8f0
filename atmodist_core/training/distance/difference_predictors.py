"""The best that plain differences of two patches can say about the time between them.

What the distance network has to beat: predictors that see no more of two patches than the root-mean-square of
their difference in each field. To be fair to them they are also told the latitude, and how strong the
fields are (a difference means less where the weather is wild). Each gives a probability to every lag, as the
network does.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from atmodist_core.training.data.held_out import neighbour_counts

_HIDDEN, _EPOCHS, _BATCH = 48, 60, 256


@dataclass(frozen=True)
class PairFeatures:
    """What simple predictors see of pairs of patches.

    Attributes
    ----------
    difference
        Root-mean-square difference of the normalised fields, shape ``(pairs, channels)``.
    strength
        Root-mean-square of both patches' normalised fields, shape ``(pairs, channels)``.
    latitude
        Distance of the centre from the equator [degrees], shape ``(pairs,)``.
    labels
        Class (lag - 1), shape ``(pairs,)``.
    """

    difference: NDArray[np.float64]
    strength: NDArray[np.float64]
    latitude: NDArray[np.float64]
    labels: NDArray[np.int64]

    def columns(self, *, latitude: bool = False, strength: bool = False) -> NDArray[np.float64]:
        """Logarithms of the differences, with more columns as asked for, shape ``(pairs, columns)``."""
        parts = [np.log(self.difference + 1e-6)]
        if strength:
            parts.append(np.log(self.strength + 1e-6))
        if latitude:
            parts.append(self.latitude[:, None])
        return np.concatenate(parts, axis=1)


def difference_predictions(
    training: PairFeatures, held_out: PairFeatures, classes: int
) -> dict[str, NDArray[np.float64]]:
    """Probabilities of every lag from several predictors, fitted on training pairs.

    Parameters
    ----------
    training, held_out
        Features of pairs to fit on and of pairs to predict.
    classes
        Number of lags.

    Returns
    -------
    dict
        Shape ``(held-out pairs, classes)`` each. ``rms``: the 100 nearest training pairs in the RMS
        differences; ``rms_latitude``: with the latitude as well; ``rms_network``: a small neural network of
        the differences, the latitude and the strengths.
    """
    found = {}
    for name, latitude in (("rms", False), ("rms_latitude", True)):
        x, queries = (f.columns(latitude=latitude) for f in (training, held_out))
        found[name] = neighbour_counts(x, training.labels, queries, classes)
    x, queries = (f.columns(latitude=True, strength=True) for f in (training, held_out))
    found["rms_network"] = _perceptron(x, training.labels, queries, classes)
    return {name: p / p.sum(axis=1, keepdims=True) for name, p in found.items()}


def _perceptron(
    x: NDArray[np.float64], labels: NDArray[np.int64], queries: NDArray[np.float64], classes: int
) -> NDArray[np.float64]:
    """Probabilities from a network of two hidden layers, stopped where a tenth of the pairs it did not see
    are predicted best.
    """
    centre, spread = x.mean(axis=0), x.std(axis=0) + 1e-12
    inputs, asked = (torch.from_numpy((part - centre) / spread).float() for part in (x, queries))
    wanted = torch.from_numpy(labels)
    split = max(1, len(inputs) // 10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Linear(x.shape[1], _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(),
            nn.Linear(_HIDDEN, classes),
        )  # fmt: skip
        optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _EPOCHS)
        best, answer = np.inf, network(asked).softmax(dim=1).detach()
        for _ in range(_EPOCHS):
            for batch in (torch.randperm(len(inputs) - split) + split).split(_BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(network(inputs[batch]), wanted[batch]).backward()
                optimizer.step()
            schedule.step()
            with torch.no_grad():
                loss = float(functional.cross_entropy(network(inputs[:split]), wanted[:split]))
                if loss < best:
                    best, answer = loss, network(asked).softmax(dim=1)
    return answer.double().numpy()
