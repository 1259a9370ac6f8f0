"""Scores of generated patches, against fields made so that the answer is known."""

import pytest
import torch

from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.training.gan.downscaling_scores import DownscalingScores, fine_scale_power
from tests.networks.mock_models import CHANNELS, NORMALIZATION


def scored(generated, truth):
    scores = DownscalingScores(CHANNELS, 4, NORMALIZATION)
    for part in (slice(0, 3), slice(3, None)):  # in unequal batches
        scores.add(generated[part], truth[part])
    return scores.result()


def white(seed=0, size=32):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(8, 2, size, size, generator=random)


def test_power_beyond_the_coarse_nyquist():
    truth = white()
    generated = truth.clone()
    generated[:, 1] *= 0.5
    result = scored(generated, truth)
    assert result["power_ratio_vorticity"] == pytest.approx(1.0)
    assert result["power_ratio_divergence"] == pytest.approx(0.25)
    assert result["mse"] == pytest.approx(0.5 * 0.25 * float(truth[:, 1].square().mean()), rel=1e-5)

    # a wave that the coarse grid holds has (but for the window's skirts) no power there, a fine one has
    x = torch.arange(64.0)
    waves = [torch.sin(2 * torch.pi * k * x / 64).expand(1, 1, 64, 64) for k in (4, 20)]
    long_wave, short_wave = (float(fine_scale_power(w, 4)) for w in waves)
    assert long_wave < 1e-5 * short_wave


def as_normalized(z):
    """Standardised physical fields as networks see them."""
    std = torch.tensor(NORMALIZATION.std).view(1, -1, 1, 1)
    mean = torch.tensor(NORMALIZATION.mean).view(1, -1, 1, 1)
    return NORMALIZATION.normalize(z * std + mean)


def test_standardised_fields_are_the_physical_ones_without_units():
    z = white()
    torch.testing.assert_close(standardized(as_normalized(z), NORMALIZATION), z, rtol=1e-4, atol=1e-5)


def test_spurious_power_is_what_the_truth_lacks_beyond_half_the_nyquist():
    x = torch.arange(64.0)
    held = torch.sin(2 * torch.pi * 12 * x / 64).expand(8, 2, 64, 64)  # .375 of Nyquist
    invented = torch.sin(2 * torch.pi * 26 * x / 64).expand(8, 2, 64, 64)  # .81
    result = scored(as_normalized(held + 0.3 * invented), as_normalized(held))
    assert result["spurious_power_vorticity"] == pytest.approx(0.09, rel=0.02)
    assert abs(scored(as_normalized(held), as_normalized(held))["spurious_power_vorticity"]) < 1e-9


def test_tails():
    """Twice the physical anomaly: quantiles twice as large, kurtosis as before; a cube of it: heavier."""
    z = white(1, 64)
    result = scored(as_normalized(2.0 * z), as_normalized(z))
    for name in CHANNELS:
        assert result[f"low_quantile_ratio_{name}"] == pytest.approx(2.0, rel=0.01)
        assert result[f"high_quantile_ratio_{name}"] == pytest.approx(2.0, rel=0.01)
        assert result[f"kurtosis_ratio_{name}"] == pytest.approx(1.0, rel=1e-3)
    heavier = scored(as_normalized(z + 0.1 * z**3), as_normalized(z))
    assert heavier["kurtosis_ratio_vorticity"] > 1.5
    values = (z + 0.1 * z**3)[:, 0]
    expected = values.flatten().double().quantile(0.999) / z[:, 0].flatten().double().quantile(0.999)
    assert heavier["high_quantile_ratio_vorticity"] == pytest.approx(float(expected), rel=0.02)
