"""Losses of the two players, the R1 penalty, and noise from a key."""

import math

import pytest
import torch
from torch import nn

from atmodist_core.networks import Discriminator, DiscriminatorConfig
from atmodist_core.training.gan.adversarial import (
    ADVERSARIAL_FORMS,
    PatchNoise,
    r1_penalty,
    use_spectral_norm,
)


@pytest.mark.parametrize(
    ("name", "value"), [("sigmoid", math.log(2)), ("hinge", 1.0), ("relativistic", math.log(2))]
)
def test_a_discriminator_that_cannot_tell(name, value):
    assert float(
        ADVERSARIAL_FORMS[name]().discriminator(torch.zeros(4, 1), torch.zeros(4, 1))
    ) == pytest.approx(value)


def test_the_sigmoid_form_by_hand():
    form = ADVERSARIAL_FORMS["sigmoid"]()
    real, fake = torch.tensor([[2.0], [0.0]]), torch.tensor([[-1.0], [0.0]])
    soft = (math.log1p(math.exp(-2)) + math.log(2)) / 2  # mean of -log sigmoid(x) on real
    fooled = (math.log1p(math.exp(-1)) + math.log(2)) / 2  # mean of -log(1 - sigmoid(x)) on generated
    assert float(form.discriminator(real, fake)) == pytest.approx(0.5 * (soft + fooled))
    assert float(form.generator(fake, None)) == pytest.approx((math.log1p(math.exp(1)) + math.log(2)) / 2)


@pytest.mark.parametrize("name", ADVERSARIAL_FORMS)
def test_signs_of_both_losses(name):
    """The discriminator raises real logits and lowers generated ones; the generator raises its own, always."""
    form = ADVERSARIAL_FORMS[name]()
    real, generated = torch.tensor([[0.3]], requires_grad=True), torch.tensor([[-0.2]], requires_grad=True)
    by_real, by_generated = torch.autograd.grad(form.discriminator(real, generated), (real, generated))
    assert by_real < 0 < by_generated
    for logit in (-30.0, 0.0):  # also where the discriminator is sure: the loss does not saturate
        generated = torch.tensor([[logit]], requires_grad=True)
        (slope,) = torch.autograd.grad(form.generator(generated, real.detach()), generated)
        assert float(slope) < -0.3


def test_the_hinge_leaves_alone_what_is_told_apart():
    form = ADVERSARIAL_FORMS["hinge"]()
    assert float(form.discriminator(torch.tensor([[1.5]]), torch.tensor([[-1.5]]))) == 0.0
    assert float(form.discriminator(torch.tensor([[0.5]]), torch.tensor([[-1.0]]))) == pytest.approx(0.25)


class Quadratic(nn.Module):
    """D(x) = a |x|^2, whose squared gradient is 4 a^2 |x|^2."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.a * x.square().sum(dim=(1, 2, 3))[:, None]


def test_r1_against_the_formula():
    network, real = Quadratic(), torch.randn(5, 2, 4, 4)
    penalty = r1_penalty(network, real)
    squares = real.square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(penalty, 4 * 0.49 * squares)
    penalty.backward()
    torch.testing.assert_close(network.a.grad, 8 * 0.7 * squares)
    assert not real.requires_grad


def test_r1_against_differences():
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(patch_size=8, filters=(4, 4), dense_units=6)).double()
    real = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    network.float()
    penalty = float(r1_penalty(network, real).detach())
    network.double()
    slope, step = torch.zeros(real.numel(), dtype=torch.float64), 1e-5
    with torch.no_grad():
        for place in range(real.numel()):
            shift = torch.zeros(real.numel(), dtype=torch.float64)
            shift[place] = step
            shift = shift.view_as(real)
            slope[place] = (network(real + shift) - network(real - shift)).item() / (2 * step)
    assert penalty == pytest.approx(float(slope.square().sum()), rel=1e-3)


def test_noise_of_several_processes_is_that_of_one():
    device = torch.device("cpu")
    whole = PatchNoise(7, 6, device).draw(6, (2, 3, 3), 5, 1)
    parts = [PatchNoise(7, 6, device, rank, 2).draw(3, (2, 3, 3), 5, 1) for rank in range(2)]
    assert torch.equal(whole[0::2], parts[0]) and torch.equal(whole[1::2], parts[1])
    assert not torch.equal(whole, PatchNoise(7, 6, device).draw(6, (2, 3, 3), 6, 1))
    assert not torch.equal(whole, PatchNoise(8, 6, device).draw(6, (2, 3, 3), 5, 1))
    assert float(PatchNoise(0, 64, device).draw(64, (2, 16, 16), 0, 0).std()) == pytest.approx(1.0, abs=0.02)


def test_spectral_norm_of_all_layers():
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(patch_size=16, filters=(8, 8), dense_units=8))
    with torch.no_grad():
        network.dense1.weight.mul_(50.0)
    use_spectral_norm(network)
    for _ in range(30):
        network(torch.randn(1, 2, 16, 16))
    for layer in (*network.convolutions, network.dense1, network.dense2):
        weight = layer.weight.detach().flatten(1)
        assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1.0, abs=0.02)
