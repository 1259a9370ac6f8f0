"""Synthetic fields for smoke runs and tests: red noise on the sphere with an eastward drift.

Each coefficient is a first-order autoregressive process whose memory falls with its total wavenumber, carried
eastward by a solid rotation. Two slices are therefore the less alike the further apart they are, which is all
that the pretext task needs. There are no dynamics.
"""

import numpy as np
import torch
import xarray as xr

_HOURS_PER_DEGREE_OF_ROTATION = 1.0
_STEP_HOURS = 3
_MEMORY_HOURS = 40.0
"""Of total wavenumber 4."""
_STD = {"vorticity": 3e-5, "divergence": 1.5e-5}


def synthetic_fields(times: int = 160, *, latitude_count: int = 60) -> xr.Dataset:
    """Return three-hourly red-noise vorticity and divergence [s-1] as a canonical dataset.

    The cell-centred grid has twice as many columns as rows, and a truncation of half the rows.
    """
    from atmodist_core.harmonics import get_transform

    truncation = latitude_count // 2 - 1
    transform = get_transform(latitude_count, 2 * latitude_count, truncation, "cell-centred")
    random = np.random.default_rng([0, latitude_count])
    degree = np.arange(truncation + 1.0)
    amplitude = np.where(degree > 0, (1.0 + degree / 6.0) ** -1.5, 0.0)[:, None] * np.tri(truncation + 1)
    memory = np.exp(-_STEP_HOURS / (_MEMORY_HOURS * np.sqrt(4.0 / np.maximum(degree, 1.0))))[:, None]
    turn = np.exp(-1j * np.deg2rad(_STEP_HOURS / _HOURS_PER_DEGREE_OF_ROTATION) * np.arange(truncation + 1))
    fields = {}
    for name, std in _STD.items():
        state = amplitude * _noise(random, truncation)
        slices = np.empty((times, truncation + 1, truncation + 1), dtype=np.complex64)
        for index in range(times):
            slices[index] = state
            state = memory * turn * state + np.sqrt(1.0 - memory**2) * amplitude * _noise(random, truncation)
        values = transform.synthesis(torch.from_numpy(slices)).numpy()
        values = np.sinh(values / values.std())  # heavy tails, as the atmosphere has
        fields[name] = (("time", "latitude", "longitude"), (values * (std / values.std())).astype(np.float32))
    spacing = 180.0 / latitude_count
    time = np.datetime64("2000-01-01", "ns") + np.arange(times) * np.timedelta64(_STEP_HOURS, "h")
    dataset = xr.Dataset(
        fields,
        coords={
            "time": time.astype("datetime64[ns]"),
            "latitude": 90.0 - spacing * (np.arange(latitude_count) + 0.5),
            "longitude": spacing * np.arange(2 * latitude_count),
        },
        attrs={
            "source": "synthetic red noise",
            "level": "none",
            "derived_from": "noise",
            "grid": "cell-centred",
        },
    )
    for name in fields:
        dataset[name].attrs["units"] = "s-1"
    return dataset


def _noise(random: np.random.Generator, truncation: int) -> np.ndarray:
    """Complex white noise, real at order 0, of shape ``(truncation + 1, truncation + 1)`` [degree, order]."""
    shape = (truncation + 1, truncation + 1)
    noise = (random.standard_normal(shape) + 1j * random.standard_normal(shape)) / np.sqrt(2.0)
    noise[:, 0] = noise[:, 0].real * np.sqrt(2.0)
    return noise
