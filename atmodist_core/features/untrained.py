"""The control of every statement on what a network has learned: the same network with random weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import xarray as xr

from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.networks import DistanceNetwork, Encoder, LagClassifier
from atmodist_core.networks.layers import measured_statistics


def untrained(distance: AtmoDist, fields: xr.Dataset, *, seed: int = 0) -> AtmoDist:
    """Return a distance of the same architecture and normalisation with random weights.

    Its batch normalisation has the statistics of the fields, as a trained network's has: without them, the shortcuts would
    drown the blocks.

    Parameters
    ----------
    distance : AtmoDist
        The trained network.
    fields : xarray.Dataset
        Canonical; a few times suffice.
    seed : int
        Of the weights.

    Returns
    -------
    AtmoDist
        Without scales: its distances are comparable among themselves only.
    """
    arrays = FieldArrays.of(fields, distance.card.channels, distance.name)
    network, device = distance.inference.network, distance.inference.device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(distance.inference.config)
        fresh = DistanceNetwork(encoder, LagClassifier(network.classifier.config))
    normalization = distance.inference.normalization
    with torch.no_grad(), measured_statistics(encoder):
        for time in range(arrays.time_count):
            field = normalization.normalize(arrays.read_filled(time)[0])
            encoder(torch.from_numpy(np.ascontiguousarray(field))[None])
    card = dataclasses.replace(distance.card, name=f"untrained-seed-{seed}", distance_scale={}, scores={})
    return AtmoDist(card, fresh, device, "float32")
