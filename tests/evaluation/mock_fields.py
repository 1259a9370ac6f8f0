"""Small made-up atmospheres with known statistics."""

import numpy as np
import torch
import xarray as xr

from atmodist_core.harmonics import get_transform

LATITUDE = {"units": "degrees_north", "standard_name": "latitude"}
LONGITUDE = {"units": "degrees_east", "standard_name": "longitude"}


def dataset(fields, latitude, longitude, times=None, **attributes):
    """Canonical dataset of arrays (time, latitude, longitude) [s-1], three hours apart."""
    count = next(iter(fields.values())).shape[0]
    if times is None:
        times = np.datetime64("2001-01-01T00", "ns") + np.arange(count) * np.timedelta64(3, "h")
    return xr.Dataset(
        {
            name: (("time", "latitude", "longitude"), values, {"units": "s-1", "long_name": name})
            for name, values in fields.items()
        },
        coords={
            "time": times,
            "latitude": ("latitude", latitude, LATITUDE),
            "longitude": ("longitude", longitude, LONGITUDE),
        },
        attrs={"source": "made up", "notes": "", **attributes},
    )


def red_coefficients(truncation, shape=(), slope=-3.0, seed=0):
    """Random coefficients whose power per degree falls as l^slope; complex128 (..., L + 1, L + 1)."""
    generator = torch.Generator().manual_seed(seed)
    size = (*shape, truncation + 1, truncation + 1)
    real, imaginary = (torch.randn(size, generator=generator, dtype=torch.float64) for _ in range(2))
    degree = torch.arange(truncation + 1, dtype=torch.float64)
    amplitude = torch.zeros(truncation + 1, dtype=torch.float64)
    amplitude[1:] = (degree[1:] ** slope / (2 * degree[1:] + 1)).sqrt()
    imaginary[..., 0] = 0
    coefficients = torch.complex(real, imaginary) * amplitude[:, None]
    return torch.tril(coefficients)


def globe(rows=48, grid="cell-centred", truncation=None, times=1, slope=-1.0, seed=0):
    """Vorticity and divergence of the order of 1e-5 s-1 with a red spectrum up to ``truncation``."""
    columns = 2 * (rows - rows % 2)
    truncation = truncation or rows // 2 - 1
    transform = get_transform(rows, columns, truncation, grid, dtype=torch.float64)
    fields = {}
    for number, (name, scale) in enumerate((("vorticity", 3e-5), ("divergence", 1e-5))):
        coefficients = red_coefficients(truncation, (times,), slope, seed=2 * seed + number)
        fields[name] = (scale * transform.synthesis(coefficients)).numpy().astype(np.float32)
    return dataset(fields, transform.latitudes, transform.longitudes, grid=grid)


def area(rows=40, columns=60, spacing=(0.5, 0.5), north=60.0, west=10.0, times=1, seed=0, smooth=0.0):
    """Random vorticity and divergence [s-1] on a limited area, smoothed over ``smooth`` points."""
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(seed)
    fields = {}
    for name, scale in (("vorticity", 3e-5), ("divergence", 1e-5)):
        values = random.standard_normal((times, rows, columns))
        if smooth:
            values = gaussian_filter(values, (0, smooth, smooth))
            values = values / values.std()
        fields[name] = (scale * values).astype(np.float32)
    latitude = north - spacing[0] * np.arange(rows)
    longitude = west + spacing[1] * np.arange(columns)
    return dataset(fields, latitude, longitude, grid="limited-area")
