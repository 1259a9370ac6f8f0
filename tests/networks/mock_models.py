"""Small untrained models and made-up fields for the tests of networks, distances and downscalers."""

import numpy as np
import torch
import xarray as xr

from atmodist_core.models.card import ModelCard
from atmodist_core.models.store import save_distance, save_downscaler, save_gap_filler
from atmodist_core.networks import (
    DistanceNetwork,
    Encoder,
    EncoderConfig,
    Generator,
    GeneratorConfig,
    LagClassifier,
    LagClassifierConfig,
)
from atmodist_core.networks.gap_network import GapNetwork, GapNetworkConfig
from atmodist_core.networks.normalization import SignedLogNormalization

CHANNELS = ("vorticity", "divergence")
NORMALIZATION = SignedLogNormalization(
    channels=CHANNELS,
    mean=(1e-7, 2e-8),
    std=(5e-5, 3e-5),
    alpha=0.2,
    mean_y=(1e-3, 5e-4),
    std_y=(0.16, 0.155),
)
TINY_GENERATOR = GeneratorConfig(filters=4, blocks=2)
TINY_ENCODER = EncoderConfig(stem_filters=4, stage_filters=(4, 6, 8, 10), blocks_per_stage=1)


def tiny_distance_network(patch_size=32, classes=5):
    classifier = LagClassifierConfig(classes=classes, patch_size=patch_size, encoder_channels=10, filters=6)
    return DistanceNetwork(Encoder(TINY_ENCODER), LagClassifier(classifier))


def wavy_weights(network):
    """Weights by formula: golden outputs then do not hang on the random numbers of a torch version."""
    with torch.no_grad():
        for number, (name, tensor) in enumerate(network.state_dict().items()):
            if tensor.is_floating_point():
                wave = torch.sin(0.7 * torch.arange(tensor.numel(), dtype=torch.float64) + number)
                scale = 1 + 0.2 * wave if name.endswith("running_var") else 0.3 * wave
                tensor.copy_(scale.reshape(tensor.shape).float())
    return network


def card(name="tiny", kind="downscaler", **values):
    defaults = {
        "architecture": {},
        "channels": CHANNELS,
        "normalization": NORMALIZATION,
        "grid_spacing_deg": 2.5,
        "factor": 4 if kind == "downscaler" else 1,
    }
    return ModelCard(name=name, kind=kind, **{**defaults, **values})


def saved_downscaler(folder, config=TINY_GENERATOR, **values):
    torch.manual_seed(0)
    network = Generator(config)
    save_downscaler(folder, network, card(factor=config.factor, **values))
    return folder


def saved_distance(folder, patch_size=32, **values):
    torch.manual_seed(0)
    network = tiny_distance_network(patch_size)
    values = {"distance_scale": {"stage2": 0.5, "stage4": 2.0}, "grid_spacing_deg": 10.0, **values}
    save_distance(folder, network, card("tiny-distance", "distance", **values))
    return folder


def fields(latitude, longitude, times=1, seed=0):
    """Canonical noise with the standard deviations of NORMALIZATION, three hours apart [s-1]."""
    random = np.random.default_rng(seed)
    shape = (times, len(latitude), len(longitude))
    return xr.Dataset(
        {
            name: (
                ("time", "latitude", "longitude"),
                (std * random.standard_normal(shape)).astype(np.float32),
                {"units": "s-1"},
            )
            for name, std in zip(CHANNELS, NORMALIZATION.std, strict=True)
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(times) * np.timedelta64(3, "h"),
            "latitude": latitude,
            "longitude": longitude,
        },
        {"source": "made up", "level": "sigma 0.883", "notes": "Made for a test."},
    )


def globe(rows=18, columns=36, times=1, seed=0, first_longitude=None):
    """Cell-centred globe: by default 10 degrees apart, as the tiny models were `trained` for."""
    spacing = 180.0 / rows
    width = 360.0 / columns
    start = 0.5 * width if first_longitude is None else first_longitude
    return fields(
        90.0 - spacing * (np.arange(rows) + 0.5), start + width * np.arange(columns), times=times, seed=seed
    )


def area(rows=12, columns=16, times=1, seed=0):
    """A limited area, 10 degrees apart."""
    return fields(55.0 - 10.0 * np.arange(rows), 100.0 + 10.0 * np.arange(columns), times=times, seed=seed)


TINY_GAPS = GapNetworkConfig(filters=4, dilations=(1, 2))


def saved_gap_filler(folder, config=TINY_GAPS, **values):
    torch.manual_seed(0)
    network = GapNetwork(config)
    save_gap_filler(folder, network, card("tiny-gaps", "gap filler", **values))
    return folder
