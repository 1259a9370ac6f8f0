"""What plain differences of two patches say about the time between them: what a distance network has to beat.

The predictors see the root-mean-square difference of two patches in each field, and no more; or also the latitude; or
also how strong the fields are (a difference means less where the weather is wild). Each gives a probability to every
lag, as the network does. They are fitted on the other half of the period, in alternating spans of ten days.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

PREDICTORS = {
    "rms": "the 100 nearest pairs in the root-mean-square differences",
    "rms_latitude": "the 100 nearest pairs in the differences and the latitude",
    "rms_network": "a small neural network of the differences, the latitude and the strengths",
}
SPAN_DAYS = 10
LEAST_PAIRS = 400
"""With fewer pairs in either half nothing is fitted."""

MOST_PAIRS = 20_000
"""More are not needed to fit a predictor; evenly spaced ones are taken."""

_NEIGHBOURS = 100
_HIDDEN, _EPOCHS, _BATCH = 48, 60, 256


def pair_features(table: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """Return what each predictor sees of every pair of a table, shape ``(pairs, columns)`` by its name."""

    def columns(prefix: str) -> NDArray[np.float64]:
        names = sorted(str(name) for name in table.data_vars if str(name).startswith(prefix))
        return np.log(np.stack([table[name].values.ravel() for name in names], axis=1) + 1e-6)

    difference, strength = columns("rms_difference_"), columns("rms_strength_")
    latitude = np.abs(table["latitude"].values).reshape(-1, 1)
    return {
        "rms": difference,
        "rms_latitude": np.concatenate([difference, latitude], axis=1),
        "rms_network": np.concatenate([difference, strength, latitude], axis=1),
    }


def predictions(
    tables: Sequence[xr.Dataset], labels: NDArray[np.int64], classes: int
) -> dict[str, NDArray[np.float64]]:
    """Return the probability of every lag by predictor, each shape ``(pairs, classes)``; empty with too few pairs.

    ``labels`` are the classes of the true lags of every pair, in the order of the tables of all members.
    """
    tables = [table for table in tables if table.sizes["time"]]
    days = [table["time"].values.astype("datetime64[D]").astype(np.int64) // SPAN_DAYS for table in tables]
    pairs = [table.sizes["pair"] for table in tables]
    half = np.concatenate([np.repeat(day % 2, count) for day, count in zip(days, pairs, strict=True)])
    if min(np.bincount(half, minlength=2)) < LEAST_PAIRS:
        return {}
    features = [pair_features(table) for table in tables]
    found = {}
    for name in PREDICTORS:
        x = np.concatenate([each[name] for each in features])
        predict = _perceptron if name == "rms_network" else neighbour_counts
        probabilities = np.empty((len(x), classes))
        for asked in (0, 1):
            known = np.flatnonzero(half != asked)
            known = known[:: -(-known.size // MOST_PAIRS)]
            probabilities[half == asked] = predict(x[known], labels[known], x[half == asked], classes)
        found[name] = probabilities / probabilities.sum(axis=1, keepdims=True)
    return found


def neighbour_counts(
    x: NDArray[np.floating], labels: NDArray[np.int64], queries: NDArray[np.floating], classes: int
) -> NDArray[np.float64]:
    """Count how often each class occurs among the nearest known pairs, shape ``(queries, classes)``.

    A faint smoothing over neighbouring classes breaks ties of the most frequent one in favour of a crowd.
    """
    from scipy.spatial import cKDTree

    spread = x.std(axis=0) + 1e-12
    neighbours = min(_NEIGHBOURS, len(x))
    _, index = cKDTree(x / spread).query(queries / spread, k=neighbours)
    near = labels[np.asarray(index).reshape(len(queries), neighbours)]
    counts = np.zeros((len(queries), classes))
    np.add.at(counts, (np.arange(len(queries))[:, None], near), 1.0)
    padded = np.pad(counts, ((0, 0), (1, 1)), mode="edge")
    return counts + 0.5 * (padded[:, :-2] + padded[:, 2:])


def _perceptron(
    x: NDArray[np.float64], labels: NDArray[np.int64], queries: NDArray[np.float64], classes: int
) -> NDArray[np.float64]:
    """Probabilities from a network of two hidden layers, stopped where an unseen tenth of the pairs is predicted best."""
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
