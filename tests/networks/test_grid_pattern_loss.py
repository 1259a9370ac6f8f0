"""The loss of the pattern of the coarse grid: against the measure, known patterns, and what it must not see."""

import numpy as np
import pytest
import torch

from atmodist_core.evaluation.statistics import pattern as measure
from atmodist_core.networks.losses.grid_pattern import GridPatternLoss, folded_moments
from tests.networks.mock_models import NORMALIZATION


def patches(seed=0, scale=1e-3, size=32, count=64):
    random = torch.Generator().manual_seed(seed)
    return scale * torch.randn(count, 2, size, size, generator=random)


def test_it_vanishes_for_the_truth_and_does_not_see_amplitude():
    truth, other = patches(), patches(seed=1)
    loss = GridPatternLoss(NORMALIZATION, 4)
    assert float(loss(truth, truth)) == 0.0
    assert float(loss(other, truth)) < 0.005  # sampling alone
    assert float(loss(2 * other, truth)) < 0.01


def test_a_constant_pattern_costs_its_variance_over_the_positions():
    """A value at one of 16 positions, in normalised fields so small that the signed logarithm is linear."""
    truth, pattern = patches(), torch.zeros(32, 32)
    pattern[1::4, 2::4] = 1e-3
    part = measure.grid_scale_part(pattern.numpy()[None])[0, 8:12, 8:12]
    level = float(folded_moments(truth, 4)[1].mean())
    expected = float(np.var(part)) / level
    found = float(GridPatternLoss(NORMALIZATION, 4)(truth + pattern, truth))
    # The mean square differs by position as well: by part² over the level with the pattern.
    square = part**2 / level
    modulated = float(np.var((1 + square) / (1 + square.mean())))
    assert found == pytest.approx(expected + modulated, rel=0.05)


def test_moments_are_those_of_the_measure():
    fields = patches(count=1, size=40)
    inner = folded_moments(fields, 4)
    values = fields[0].double().numpy()
    part = measure.grid_scale_part(values)[:, 4:-4, 4:-4]
    for found, wanted in zip(inner, (part, part**2), strict=True):
        np.testing.assert_allclose(
            found, measure.fold_on_cells(wanted, np.ones(32), 4), rtol=1e-4, atol=1e-12
        )


def test_descent_removes_a_modulated_pattern():
    truth = patches(count=16)
    gain = torch.ones(4, 4)
    gain[1, 2] = 2.0
    gain.requires_grad_()
    loss, noise = GridPatternLoss(NORMALIZATION, 4), patches(seed=2, count=16)
    descent = torch.optim.Adam([gain], lr=0.05)
    values = []
    for _ in range(80):
        descent.zero_grad()
        value = loss(noise * gain.repeat(8, 8), truth)
        value.backward()
        descent.step()
        values.append(float(value.detach()))
    assert values[-1] < 0.1 * values[0]
    assert float(gain.detach().std() / gain.detach().mean()) < 0.15
