"""Losses of statistics: zero for equal statistics, gradients that lead there."""

import pytest
import torch

from atmodist_core.networks.losses.statistics import DistributionLoss, SpectrumLoss, ring_power
from tests.networks.mock_models import NORMALIZATION


def patches(seed=0, scale=1.0, size=32):
    random = torch.Generator().manual_seed(seed)
    return scale * torch.randn(6, 2, size, size, generator=random)


def test_both_vanish_for_the_truth_itself():
    truth = patches()
    assert float(SpectrumLoss(NORMALIZATION, 4)(truth, truth)) == 0.0
    assert float(DistributionLoss(NORMALIZATION)(truth, truth)) == 0.0


def test_rings_hold_the_waves_between_both_nyquists():
    x = torch.arange(48.0)
    powers = {}
    for wave, ring in ((3, None), (7, 0), (13, 4), (23, 11)):  # of 24; rings are .0625 wide from .25 on
        field = torch.sin(2 * torch.pi * wave * x / 48).expand(1, 1, 48, 48)
        powers[wave] = ring_power(field, 4)[0]
        if ring is not None:
            assert int(powers[wave].argmax()) == ring
    assert float(powers[3].max()) < 1e-3 * float(powers[7].max())  # the coarse grid holds it


def test_a_spectrum_too_weak_by_a_factor_costs_its_squared_logarithm():
    """Small amplitudes, for which the signed logarithm is linear, around its own zero."""
    truth = patches(scale=1e-3) - torch.tensor(NORMALIZATION.mean_y).view(1, -1, 1, 1) / torch.tensor(
        NORMALIZATION.std_y
    ).view(1, -1, 1, 1)
    middle = truth.mean(dim=(0, 2, 3), keepdim=True)
    weak = middle + 0.5 * (truth - middle)
    found = float(SpectrumLoss(NORMALIZATION, 4)(weak, truth))
    assert found == pytest.approx(float(torch.log(torch.tensor(0.25)) ** 2), rel=0.02)


def test_the_distribution_does_not_ask_where_values_are():
    truth = patches()
    moved = truth.roll((5, 7), dims=(-2, -1))[torch.randperm(6)]
    loss = DistributionLoss(NORMALIZATION, pools=(1,))
    assert float(loss(moved, truth)) == pytest.approx(0.0, abs=1e-6)
    assert float(loss(patches(scale=0.8), truth)) > 0.01
    # Pooled values see a difference that single points do not: shuffled points have no neighbours.
    smooth = torch.nn.functional.interpolate(patches(size=8), size=(32, 32), mode="nearest")
    shuffled = smooth.flatten(2)[..., torch.randperm(1024)].view_as(smooth)
    assert float(DistributionLoss(NORMALIZATION, pools=(1,))(shuffled, smooth)) < 1e-6
    assert float(DistributionLoss(NORMALIZATION, pools=(3,))(shuffled, smooth)) > 0.05


@pytest.mark.parametrize("loss", [SpectrumLoss(NORMALIZATION, 4), DistributionLoss(NORMALIZATION)])
def test_descent_brings_the_statistics_back(loss):
    truth, weak = patches(), patches(1, 0.6).requires_grad_(True)
    optimizer = torch.optim.Adam([weak], lr=0.02)
    first = float(loss(weak.detach(), truth))
    for _ in range(40):
        optimizer.zero_grad()
        loss(weak, truth).backward()
        optimizer.step()
    assert float(loss(weak.detach(), truth)) < 0.3 * first
