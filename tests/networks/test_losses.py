"""Content losses, adversarial losses and the scale of a distance."""

import math

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.networks import Encoder
from atmodist_core.networks.losses.content import (
    CONTENT_LOSSES,
    AtmoDistLoss,
    MeanAbsoluteErrorLoss,
    MeanSquaredErrorLoss,
    mean_squared_activation_difference,
)
from atmodist_core.networks.losses.distance_scale import distance_scale
from tests.networks.mock_models import TINY_ENCODER, wavy_weights


@pytest.fixture
def encoder():
    return wavy_weights(Encoder(TINY_ENCODER))


@pytest.fixture
def pair():
    return torch.randn(3, 2, 32, 32), torch.randn(3, 2, 32, 32)


def test_pointwise_losses_by_hand():
    a, b = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0, -1.0]]]])
    # differences 2 and 3: (4 + 9) / 2 = 6.5, (2 + 3) / 2 = 2.5
    assert float(MeanSquaredErrorLoss()(a, b)) == 6.5
    assert float(MeanAbsoluteErrorLoss()(a, b)) == 2.5


def test_the_registry_holds_the_losses():
    assert {
        "mse": MeanSquaredErrorLoss,
        "l1": MeanAbsoluteErrorLoss,
        "atmodist": AtmoDistLoss,
    } == CONTENT_LOSSES


def test_activation_difference_by_hand():
    a = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]]])
    # squares 1, 4, 0, 16 over 4 activations
    assert mean_squared_activation_difference(a, torch.zeros_like(a)).tolist() == [5.25]


def test_atmodist_is_the_scaled_difference_of_activations(encoder, pair):
    a, b = pair
    loss = AtmoDistLoss(encoder, ("stage2", "stage4"), scales=(2.0, 0.5)).train()
    encoder.eval()
    with torch.no_grad():
        parts = [
            scale
            * (encoder.features(a, (layer,))[layer] - encoder.features(b, (layer,))[layer]).square().mean()
            for layer, scale in (("stage2", 2.0), ("stage4", 0.5))
        ]
    assert float(loss(a, b)) == pytest.approx(float(sum(parts)) / 2, rel=1e-5)
    assert float(loss(a, a)) == 0.0
    assert float(loss(a, b)) == pytest.approx(float(loss(b, a)), rel=1e-5)


def test_atmodist_trains_the_prediction_and_never_the_encoder(encoder, pair):
    prediction, target = (x.requires_grad_() for x in pair)
    loss = AtmoDistLoss(encoder).train()
    statistics = loss.encoder.stem_norm.running_mean.clone()
    loss(prediction, target).backward()
    assert float(prediction.grad.abs().max()) > 0
    assert target.grad is None
    assert all(not p.requires_grad and p.grad is None for p in loss.parameters())
    assert not any(m.training for m in loss.encoder.modules())
    assert torch.equal(statistics, loss.encoder.stem_norm.running_mean)
    # The caller's encoder is left as it was.
    assert all(p.requires_grad for p in encoder.parameters()) and encoder.training


def test_the_gradient_of_atmodist_is_right(encoder):
    loss = AtmoDistLoss(encoder, ("stage1",)).double()
    target = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    prediction = torch.randn(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    loss(prediction, target).backward()
    direction, step = torch.randn_like(target), 1e-3
    with torch.no_grad():
        ends = [float(loss(prediction + side * step * direction, target)) for side in (1, -1)]
    # The loss is accumulated in float32 and the network has kinks, hence one per cent.
    slope = (ends[0] - ends[1]) / (2 * step)
    assert slope == pytest.approx(float((prediction.grad * direction).sum()), rel=1e-2)


def test_losses_are_float32_under_autocast(encoder, pair):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for loss in (MeanSquaredErrorLoss(), MeanAbsoluteErrorLoss(), AtmoDistLoss(encoder)):
            assert loss(pair[0].bfloat16(), pair[1].bfloat16()).dtype == torch.float32


def test_distance_scale_by_hand():
    """Upper half of leads 1..4 is 3, 4: s = (2*5 + 4*7) / (2^2 + 4^2) = 38 / 20 = 1.9."""
    assert distance_scale([9.0, 9.0, 2.0, 4.0], [1.0, 1.0, 5.0, 7.0], [1, 2, 3, 4]) == pytest.approx(1.9)
    assert distance_scale([4.0, 9.0, 2.0, 9.0], [7.0, 1.0, 5.0, 1.0], [12, 3, 9, 6]) == pytest.approx(1.9)


def test_distance_scale_takes_12_to_23_of_23_leads():
    leads = np.arange(1, 24)
    distance = np.where(leads >= 12, 1.0, 1e6)
    assert distance_scale(distance, 3.0 * np.ones(23), leads) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda e: AtmoDistLoss(e, ()),
        lambda e: AtmoDistLoss(e, "stage2"),
        lambda e: AtmoDistLoss(e, ("stage9",)),
        lambda e: AtmoDistLoss(e, ("stage1", "stage2"), scales=(1.0,)),
        lambda e: distance_scale([1.0], [1.0, 2.0], [1]),
        lambda e: distance_scale([0.0, 0.0], [1.0, 2.0], [1, 2]),
        lambda e: distance_scale([1.0, math.nan], [1.0, 2.0], [1, 2]),
        lambda e: distance_scale([], [], []),
    ],
)
def test_mistakes_are_sentences(encoder, call):
    with pytest.raises(UserError, match=r"^Expected .*found .*: "):
        call(encoder)
