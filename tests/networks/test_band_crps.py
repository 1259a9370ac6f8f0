import numpy as np
import pytest
import scoringrules
import torch

from atmodist_core.networks.losses.band_crps import BandCrpsLoss, difference_bands


def test_bands_and_the_rest_add_up_to_the_field():
    field = torch.randn(2, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    fine, middle = difference_bands(field)
    taps = np.array([0.25, 0.5, 0.25])
    once = torch.from_numpy(np.apply_along_axis(np.convolve, -1, field.numpy(), taps, "valid"))
    once = torch.from_numpy(np.apply_along_axis(np.convolve, -2, once.numpy(), taps, "valid"))
    torch.testing.assert_close(fine, field[..., 1:-1, 1:-1] - once, check_dtype=False, atol=1e-6, rtol=0)
    apart = np.array([0.25, 0, 0.5, 0, 0.25])
    twice = np.apply_along_axis(np.convolve, -1, once.numpy(), apart, "valid")
    twice = torch.from_numpy(np.apply_along_axis(np.convolve, -2, twice, apart, "valid"))
    torch.testing.assert_close(middle, once[..., 2:-2, 2:-2] - twice, check_dtype=False, atol=1e-6, rtol=0)


def test_the_finest_band_is_that_of_the_shortest_waves():
    column = torch.arange(32.0)
    for wave, lost in ((2.0, 1.0), (4.0, 0.5), (16.0, 1 - np.cos(np.pi / 16) ** 2)):
        # Every wave but the shortest has a phase; its amplitude is what counts.
        field = torch.cos(2 * torch.pi * column / wave).repeat(32, 1)[None, None]
        fine = difference_bands(field)[0]
        torch.testing.assert_close(fine, lost * field[..., 1:-1, 1:-1], atol=1e-5, rtol=0)


def test_score_equals_an_independent_library():
    random = torch.Generator().manual_seed(1)
    members, truth = (
        torch.randn(3, 2, 2, 16, 16, generator=random),
        torch.randn(2, 2, 16, 16, generator=random),
    )
    expected = []
    for member_band, band in zip(difference_bands(members), difference_bands(truth), strict=True):
        scale = band.square().mean(dim=(0, 2, 3), keepdim=True).sqrt()
        crps = scoringrules.crps_ensemble(
            (band / scale).numpy(), (member_band / scale).numpy(), m_axis=0, estimator="fair"
        )
        expected.append(crps.mean())
    assert float(BandCrpsLoss(fair_share=1.0)(members, truth)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_true_spread_of_the_small_scales_scores_best():
    """Small scales of a hundredth of the power: members without them, with the right, and with too much of them."""
    random = torch.Generator().manual_seed(2)

    scores = {}
    for size in (0.02, 0.1, 0.4):
        large = torch.randn(64, 1, 1, 1, generator=random)
        truth = large + 0.1 * torch.randn(64, 1, 12, 12, generator=random)
        members = large + size * torch.randn(4, 64, 1, 12, 12, generator=random)
        scores[size] = float(BandCrpsLoss(fair_share=1.0)(members, truth))
    assert scores[0.1] < 0.95 * scores[0.02] and scores[0.1] < 0.95 * scores[0.4]
