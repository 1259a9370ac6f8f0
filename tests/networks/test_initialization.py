"""How weights start: truncated He normal, Xavier, and no checkerboard."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from atmodist_core.networks import Encoder, Generator
from atmodist_core.networks.initialization import he_normal_, subpixel_xavier_
from tests.networks.mock_models import TINY_GENERATOR


def test_he_normal_is_truncated_and_keeps_its_variance():
    weight = he_normal_(torch.empty(128, 64, 3, 3))
    std = np.sqrt(2 / (64 * 9))
    # 73,728 draws: the standard error of their standard deviation is 0.3 %.
    assert float(weight.std()) == pytest.approx(std, rel=0.01)
    assert abs(float(weight.mean())) < 0.02 * std
    assert float(weight.abs().max()) <= 2 * std / 0.8796256610342398 + 1e-6


def test_all_kernels_of_the_encoder_are_he_normal():
    for name, weight in Encoder().named_parameters():
        if weight.ndim == 4:
            fan_in = weight[0].numel()
            assert float(weight.detach().std()) == pytest.approx(np.sqrt(2 / fan_in), rel=0.1), name


def test_generator_starts_with_xavier_and_no_bias():
    generator = Generator()
    kernel = generator.blocks[3].conv1.weight.detach()
    # Uniform within sqrt(6 / (fan_in + fan_out)), with fans of 64 channels times 9 points.
    limit = np.sqrt(6 / (2 * 64 * 9))
    assert float(kernel.abs().max()) <= limit
    assert float(kernel.std()) == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert all((p == 0).all() for name, p in generator.named_parameters() if name.endswith("bias"))


def test_pixel_shuffle_starts_without_checkerboard():
    weight = subpixel_xavier_(torch.empty(12, 5, 3, 3), 2)
    shuffled = functional.pixel_shuffle(functional.conv2d(torch.randn(1, 5, 9, 9), weight), 2)
    cells = shuffled.unfold(2, 2, 2).unfold(3, 2, 2)
    assert torch.equal(cells, cells[..., :1, :1].expand_as(cells))
    assert shuffled.std() > 0.1


def test_an_untrained_generator_keeps_constant_fields_constant():
    """Away from the edges a constant field must come out constant: every fine cell has the same weights."""
    with torch.no_grad():
        fine = Generator(TINY_GENERATOR)(torch.ones(1, 2, 40, 40))
    inner = fine[0, :, 60:100, 60:100].flatten(1)
    assert float((inner.max(1).values - inner.min(1).values).max()) < 1e-5 * float(inner.abs().max())
