"""A distance network whose answers are known, and weather that it reads the time from."""

import numpy as np
import torch
import xarray as xr
from torch import nn

from atmodist_core.inference.atmodist import AtmoDist
from atmodist_core.networks import EncoderConfig, LagClassifierConfig
from tests.networks.mock_models import CHANNELS, NORMALIZATION, card

SIZE = 11
"""Odd, so that patches are centred on grid points and never on the edge of a box."""

STEP_HOURS = 3
PER_HOUR = 0.008
"""Growth of the vorticity with time, in standard deviations."""

ANSWERS = np.array(
    [
        [0.6, 0.1, 0.1, 0.1, 0.1],
        [0.2, 0.5, 0.1, 0.1, 0.1],
        [0.05, 0.3, 0.25, 0.2, 0.2],  # wrong: class 1; the true one second; median class 2
        [0.1, 0.1, 0.2, 0.5, 0.1],
        [0.3, 0.25, 0.2, 0.15, 0.1],  # wrong: class 0; the true one last; median class 1
    ]
)
"""Of classes 0 to 4, lags of 3 to 15 h."""


class _Encoder(nn.Module):
    """Hands the normalised fields on; its stem, which is folded for inference, takes no part."""

    config = EncoderConfig()

    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

    def forward(self, x):
        return x


class _Classifier(nn.Module):
    """Reads the lag from the change of the vorticity, and answers with a given row of probabilities.

    Where the divergence in the middle of the patch is large, it takes the lag for another, two classes on.
    """

    def __init__(self, answers):
        super().__init__()
        self.config = LagClassifierConfig(
            classes=len(answers), lag_step_hours=STEP_HOURS, patch_size=SIZE, encoder_channels=2
        )
        self.answers = torch.from_numpy(np.asarray(answers, dtype=np.float64).copy())

    def forward(self, a, b):
        deviation = torch.tensor(NORMALIZATION.std)[:, None, None]
        a, b = (NORMALIZATION.denormalize(x) / deviation for x in (a, b))
        lag = (b - a)[:, 0].mean(dim=(1, 2)) / (PER_HOUR * STEP_HOURS)
        label = lag.round().long() - 1
        assert ((lag - label - 1).abs() < 0.01).all()  # both patches are of one place, and in order
        misled = a[:, 1, SIZE // 2, SIZE // 2] > 6
        return self.answers[torch.where(misled, label + 2, label) % self.config.classes].log()


class _Network(nn.Module):
    def __init__(self, answers):
        super().__init__()
        self.encoder, self.classifier = _Encoder(), _Classifier(answers)


def known_distance(answers):
    """Network that answers pairs of class k with the probabilities ``answers[k]``."""
    scale = {"stage4": 0.5}
    model = card("known", "distance", grid_spacing_deg=5.0, distance_scale=scale)
    return AtmoDist(model, _Network(answers), torch.device("cpu"), "float32")


def clockwork(times=60, first="2001-01-01", misleading=None, rows=36, columns=72, step_hours=3):
    """Globe of 5 degrees whose vorticity tells the time; divergence is large in ``misleading``.

    ``misleading`` is south, north, west, east [degrees].
    """
    latitude = 90 - 5 * (np.arange(rows) + 0.5)
    longitude = 5 * (np.arange(columns) + 0.5)
    hours = step_hours * np.arange(times)
    pattern = np.cos(np.deg2rad(latitude))[:, None] * np.sin(np.deg2rad(2 * longitude))[None, :]
    # Around zero: the logarithm is steepest there, and the card's standard deviations stay nearly true.
    vorticity = pattern + PER_HOUR * (hours - hours.mean())[:, None, None]
    divergence = np.repeat(0.7 * pattern[None], times, axis=0)
    if misleading is not None:
        south, north, west, east = misleading
        inside = ((latitude > south) & (latitude < north))[:, None] & (
            (longitude > west) & (longitude < east)
        )
        divergence[:, inside] = 8.0
    values = np.stack([vorticity, divergence]) * np.array(NORMALIZATION.std)[:, None, None, None]
    return xr.Dataset(
        {
            name: (("time", "latitude", "longitude"), field.astype(np.float32), {"units": "s-1"})
            for name, field in zip(CHANNELS, values, strict=True)
        },
        {
            "time": np.datetime64(first, "ns") + hours * np.timedelta64(1, "h"),
            "latitude": latitude,
            "longitude": longitude,
        },
    )
