"""Effective truncation: fields whose truncation is known, on the globe, in areas, and with gaps."""

import numpy as np
import pytest
import torch
import xarray as xr

import atmodist_core as ad
from atmodist_core.fields.effective_truncation import effective_truncation, with_effective_truncation
from atmodist_core.harmonics import SphericalHarmonicTransform

ROWS, COLUMNS = 192, 384


def _weather(truncation: int, slope: float = -1.0) -> xr.Dataset:
    """Random fields on 192 x 384 points whose power per degree is a power law up to a truncation."""
    rng = np.random.default_rng(truncation)
    degree = np.arange(truncation + 1)
    amplitude = np.where(degree > 0, np.maximum(degree, 1.0) ** (slope / 2), 0.0) / np.sqrt(2 * degree + 1)
    shape = (2, 2, truncation + 1, truncation + 1)
    drawn = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    drawn = np.tril(drawn) * amplitude[:, None]
    drawn[..., 0] = drawn[..., 0].real
    transform = SphericalHarmonicTransform(ROWS, COLUMNS, truncation, "cell-centred", dtype=torch.float64)
    values = transform.synthesis(torch.from_numpy(drawn)).numpy() * 1e-5
    latitude = 90.0 - 180.0 / ROWS * (np.arange(ROWS) + 0.5)
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {"vorticity": (dims, values[0]), "divergence": (dims, values[1])},
        {"latitude": latitude, "longitude": np.arange(COLUMNS) * 360.0 / COLUMNS, "time": np.arange(2)},
    )


@pytest.mark.parametrize("slope", [-2.0, -1.0, 0.0])
@pytest.mark.parametrize("truncation", [48, 64, 96, 128, 170])
def test_known_truncations_of_the_globe(truncation, slope):
    found = effective_truncation(_weather(truncation, slope))
    assert found == pytest.approx(truncation / ROWS, rel=0.1)


@pytest.mark.parametrize("truncation", [64, 96])
def test_areas_and_gaps_give_the_same(truncation):
    area = _weather(truncation).isel(latitude=slice(50, 130), longitude=slice(30, 150))
    assert effective_truncation(area) == pytest.approx(truncation / ROWS, rel=0.1)
    holes = area.copy(deep=True)
    holes["vorticity"][:, :30, :40] = np.nan
    assert effective_truncation(holes) == pytest.approx(truncation / ROWS, rel=0.1)


def test_fields_that_use_all_scales_are_not_truncated():
    dims = ("time", "latitude", "longitude")
    noise = np.random.default_rng(0).standard_normal((1, 60, 80))
    area = xr.Dataset(
        {"vorticity": (dims, noise)},
        {"time": [0], "latitude": 60 - 0.5 * np.arange(60), "longitude": 0.5 * np.arange(80)},
    )
    assert effective_truncation(area) == 1.0
    assert effective_truncation(area.isel(latitude=slice(0, 12))) is None


def test_the_demo_is_truncated_at_179():
    demo = ad.open_demo().isel(time=slice(0, 9))
    assert effective_truncation(demo) == pytest.approx(179 / 360, rel=0.1)


def test_the_attribute_is_kept_and_follows_block_means():
    fields = with_effective_truncation(_weather(96))
    assert fields.attrs["effective_truncation"] == pytest.approx(0.5, rel=0.1)
    coarse = ad.coarsen(fields, 4)
    assert coarse.attrs["effective_truncation"] == 4 * fields.attrs["effective_truncation"]
    assert "effective_truncation" not in ad.coarsen(_weather(96), 4).attrs
    assert effective_truncation(fields.assign_attrs(effective_truncation=0.3)) == 0.3


@pytest.mark.parametrize(
    ("files", "expected", "tolerance"),
    [
        (["gfs_1deg_10m_wind_3hourly_2018-10-06.nc"], 1.0, 0.1),
        (["weather/hrrr_12km_10m_hourly_conus_2026-08-02_to_08-11.nc"], 1.0, 0.1),
        # 41 x 41 points: finite differences hide the last tenth of the scales, where T639 ends.
        (
            ["era5_0p25_hourly_europe_2020-01-01_u.nc", "era5_0p25_hourly_europe_2020-01-01_v.nc"],
            639 / 720,
            0.13,
        ),
    ],
)
def test_real_files(real_data, files, expected, tolerance):
    dataset = ad.open_fields([real_data / name for name in files])
    assert effective_truncation(dataset) == pytest.approx(expected, rel=tolerance)
