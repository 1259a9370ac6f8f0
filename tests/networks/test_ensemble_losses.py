"""Proper scores as losses: equal to independent implementations, and best for the true distribution."""

import itertools

import numpy as np
import pytest
import scoringrules
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.networks import Encoder
from atmodist_core.networks.losses.activation_energy import ActivationEnergyLoss
from atmodist_core.networks.losses.content import AtmoDistLoss
from atmodist_core.networks.losses.crps import CrpsLoss
from atmodist_core.networks.losses.ensemble_score import ensemble_score
from atmodist_core.networks.losses.patch_energy import PatchEnergyLoss
from tests.networks.mock_models import TINY_ENCODER, wavy_weights


def drawn(count, seed=0, size=16):
    random = torch.Generator().manual_seed(seed)
    members = torch.randn(count, 3, 2, size, size, generator=random)
    return members, torch.randn(3, 2, size, size, generator=random)


def encoder_loss(fair_share=0.95, layers=("stage1", "stage2"), scales=(0.25, 4.0)):
    content = AtmoDistLoss(wavy_weights(Encoder(TINY_ENCODER)), layers, scales)
    return ActivationEnergyLoss(content, fair_share)


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("share", [0.0, 0.95, 1.0])
def test_crps_is_that_of_scoringrules(count, share):
    members, truth = drawn(count)
    fair, plain = (
        scoringrules.crps_ensemble(
            truth.numpy(), members.numpy(), m_axis=0, estimator=name, backend="numpy"
        ).mean()
        for name in ("fair", "nrg")
    )
    assert float(CrpsLoss(share)(members, truth)) == pytest.approx(
        share * fair + (1 - share) * plain, rel=1e-5
    )


@pytest.mark.parametrize("count", [2, 5])
def test_almost_fair_is_the_formula_of_lang_et_al(count):
    """Sum over pairs of |x_j - y| + |x_k - y| - (1 - e) |x_j - x_k|, with e = (1 - share) / M."""
    members, truth = drawn(count)
    weight = 1 - 0.05 / count
    pairs = [
        (a - truth).abs() + (b - truth).abs() - weight * (a - b).abs()
        for a, b in itertools.permutations(members, 2)
    ]
    wanted = float(torch.stack(pairs).sum(dim=0).mean()) / (2 * count * (count - 1))
    assert float(CrpsLoss()(members, truth)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("count", [2, 4])
def test_patch_energy_is_that_of_scoringrules(count):
    members, truth = drawn(count)

    def vectors(fields):
        cut = fields.unfold(-2, 4, 4).unfold(-2, 4, 4)  # (..., channel, row, column, 4, 4)
        cut = cut.movedim(-5, -3)
        return (cut.flatten(-3) / np.sqrt(2 * 16)).numpy()

    plain = scoringrules.es_ensemble(
        vectors(truth), vectors(members), m_axis=0, v_axis=-1, backend="numpy"
    ).mean()
    assert float(PatchEnergyLoss(4, 0.0)(members, truth)) == pytest.approx(plain, rel=1e-5)


def test_activation_energy_by_brute_force():
    members, truth = drawn(3, size=32)
    loss = encoder_loss(1.0)
    encoder, total = loss.content.encoder, 0.0
    for layer, scale in (("stage1", 0.25), ("stage2", 4.0)):
        with torch.no_grad():
            x = [encoder.features(m, (layer,))[layer].double().numpy() for m in members]
            y = encoder.features(truth, (layer,))[layer].double().numpy()

        def norm(a, b):
            return np.sqrt(((a - b) ** 2).mean(axis=1)).mean()

        score = (
            np.mean([norm(m, y) for m in x])
            - np.mean([norm(a, b) for a, b in itertools.combinations(x, 2)]) / 2
        )
        total += np.sqrt(scale) * score / 2
    assert float(loss(members, truth)) == pytest.approx(total, rel=1e-4)


LOSSES = {"crps": CrpsLoss(1.0), "patches": PatchEnergyLoss(4, 1.0), "activations": encoder_loss(1.0)}


@pytest.mark.parametrize("name", LOSSES)
def test_the_true_distribution_scores_best(name):
    """Weather with a random sign: members of the right spread beat the mean, half and double the spread."""
    random = torch.Generator().manual_seed(0)
    truth = torch.randn(256, 2, 16, 16, generator=random)
    members = torch.randn(2, 256, 2, 16, 16, generator=random)
    with torch.no_grad():
        scores = {s: float(LOSSES[name](s * members, truth)) for s in (0.0, 0.5, 0.8, 1.0, 1.25, 2.0)}
    assert min(scores, key=scores.get) == 1.0, scores


@pytest.mark.parametrize("name", ["patches", "activations"])
def test_scores_of_vectors_see_dependence_that_the_crps_does_not(name):
    """Truth: smooth stripes. Members with the same values at every point, but independent from point to point."""
    random = torch.Generator().manual_seed(0)
    sign = torch.randn(3, 4096, 1, 1, 1, generator=random).expand(-1, -1, 2, 8, 8)
    truth, right = sign[0], sign[1:]
    wrong = torch.randn(2, 4096, 2, 8, 8, generator=random)
    with torch.no_grad():
        crps = [float(CrpsLoss(1.0)(members, truth)) for members in (right, wrong)]
        vector = [float(LOSSES[name](members, truth)) for members in (right, wrong)]
    assert crps[0] == pytest.approx(crps[1], rel=0.05)
    assert vector[0] < 0.9 * vector[1]


@pytest.mark.parametrize("name", LOSSES)
def test_descent_finds_the_spread(name):
    """Truth y = s * noise with s = 0.7; a generator with one weight learns it, and one score is no MSE: that gives 0."""
    weight = torch.tensor(0.1, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.03)
    random = torch.Generator().manual_seed(1)
    for _ in range(80):
        truth = 0.7 * torch.randn(16, 2, 16, 16, generator=random)
        members = weight * torch.randn(2, 16, 2, 16, 16, generator=random)
        optimizer.zero_grad()
        LOSSES[name](members, truth).backward()
        optimizer.step()
    assert float(weight.detach().abs()) == pytest.approx(0.7, rel=0.15)


def test_equal_members_have_finite_slopes():
    """A generator that starts without weights for noise gives equal members."""
    fields, truth = drawn(1)
    for loss in LOSSES.values():
        members = fields.expand(2, -1, -1, -1, -1).clone().requires_grad_(True)
        loss(members, truth).backward()
        assert members.grad.isfinite().all() and members.grad.abs().max() > 0


def test_one_member_is_refused():
    members, truth = drawn(1)
    with pytest.raises(UserError, match="at least 2 members for a score of an ensemble, found 1"):
        ensemble_score(lambda a, b: a - b, members, truth)


def test_the_encoder_gets_no_gradient_and_stays_as_it_is():
    loss = encoder_loss().train()
    assert not loss.content.encoder.training
    members, truth = drawn(2, size=32)
    loss(members.requires_grad_(True), truth).backward()
    assert all(p.grad is None for p in loss.content.encoder.parameters())
