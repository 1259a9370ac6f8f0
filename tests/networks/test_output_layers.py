"""The layers after a generator: the low-pass filter, the kept block means, and their reach."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.fields import coarsen
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.networks import Generator, GeneratorConfig, PhysicalOutput
from atmodist_core.networks.output_layers import (
    block_means,
    low_pass,
    low_pass_taps,
    smoothly_refined,
    with_block_means,
)
from tests.networks.mock_models import (
    CHANNELS,
    NORMALIZATION,
    TINY_GENERATOR,
    fields,
    globe,
    saved_downscaler,
    wavy_weights,
)

FILTERED = dataclasses.replace(TINY_GENERATOR, output_filter="low-pass")
CONSERVING = dataclasses.replace(FILTERED, conserve_block_mean=True)
OPTIONS = {
    "filter": FILTERED,
    "conserve": dataclasses.replace(TINY_GENERATOR, conserve_block_mean=True),
    "both": CONSERVING,
    "resize": dataclasses.replace(TINY_GENERATOR, upsampling="resize"),
    "residual": dataclasses.replace(TINY_GENERATOR, residual=True),
    "noise": dataclasses.replace(TINY_GENERATOR, noise_channels=2),
    "fine-noise": dataclasses.replace(TINY_GENERATOR, fine_noise_channels=2),
    "all": dataclasses.replace(
        CONSERVING, upsampling="resize", residual=True, noise_channels=1, fine_noise_channels=1
    ),
}


def response(wavenumber, cutoff=0.5):
    """Amplitude of the filter at a share of the Nyquist wavenumber, from its taps."""
    taps = low_pass_taps(cutoff)
    return float(np.sum(taps * np.cos(np.pi * wavenumber * (np.arange(taps.size) - taps.size // 2))))


def test_response_of_the_filter():
    assert response(0.0) == pytest.approx(1.0, abs=1e-12)
    assert response(0.5) == pytest.approx(0.5, abs=0.002)
    for share in np.linspace(0.0, 0.41, 30):
        assert abs(response(share) - 1.0) < 0.012
    for share in np.linspace(0.6, 1.0, 30):
        assert abs(response(share)) < 0.01
    taps = low_pass_taps(0.5)
    assert (np.abs(np.delete(taps[1::2], 7)) < 1e-12).all(), "every second tap but the middle one is zero"
    np.testing.assert_array_equal(taps, taps[::-1])


@pytest.mark.parametrize("cutoff", [0.4, 0.55, 0.7])
def test_the_cutoff_moves_the_response(cutoff):
    assert response(cutoff, cutoff) == pytest.approx(0.5, abs=0.01)
    assert abs(response(cutoff - 0.09, cutoff) - 1.0) < 0.02
    assert abs(response(cutoff + 0.1, cutoff)) < 0.015


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_waves_pass_as_the_response_says(axis, share):
    wave = torch.cos(torch.pi * share * torch.arange(96, dtype=torch.float64))
    field = wave.expand(1, 2, 8, 96) if axis == -1 else wave[:, None].expand(1, 2, 96, 8)
    inner = (..., slice(16, -16)) if axis == -1 else (..., slice(16, -16), slice(None))
    torch.testing.assert_close(
        low_pass(field, 0.5)[inner], response(share) * field[inner], rtol=0, atol=1e-12
    )


def test_a_checkerboard_of_the_network_is_gone():
    """The grid's own scale is 0.3 % of what it was; constants are kept also at the edges."""
    checks = (-1.0) ** (torch.arange(40)[:, None] + torch.arange(40)[None, :])
    assert float(low_pass(checks[None, None], 0.5)[..., 15:-15, 15:-15].abs().max()) < 0.003
    torch.testing.assert_close(low_pass(torch.ones(1, 1, 9, 11), 0.5), torch.ones(1, 1, 9, 11))


@pytest.mark.parametrize(
    ("factor", "cutoff"), [(2, None), (4, None), (4, 0.5), (4, 0.55), (8, None), (8, 0.5)]
)
def test_smooth_refinement_keeps_block_means(factor, cutoff):
    torch.manual_seed(0)
    coarse = torch.randn(2, 1, 24, 25, dtype=torch.float64)
    fine = smoothly_refined(coarse, factor, cutoff)
    even = torch.ones(1, 24 * factor, dtype=torch.float64)
    error = block_means(fine, even, factor) - coarse
    assert float(error[..., 6:-6, 6:-6].abs().max()) < 1e-3
    if cutoff is not None and factor == 4:
        inner = (..., slice(24, -24), slice(24, -24))
        assert (
            float((low_pass(fine, cutoff) - fine)[inner].std() / fine.std()) < 0.02
        )  # within the filter's scales


@pytest.mark.parametrize("cutoff", [None, 0.5, 0.55])
def test_the_correction_is_exact_and_smooth(cutoff):
    torch.manual_seed(0)
    coarse = torch.randn(2, 2, 12, 12)
    fine = torch.randn(2, 2, 48, 48)
    area = torch.cos(torch.deg2rad(torch.linspace(70.0, 46.5, 48)))[None].expand(2, -1)
    kept = with_block_means(fine, coarse, area, 4, cutoff)
    torch.testing.assert_close(block_means(kept, area, 4), coarse, rtol=0, atol=2e-6)
    again = with_block_means(kept, coarse, area, 4, cutoff)
    torch.testing.assert_close(again, kept, rtol=0, atol=5e-6)
    # Steps between neighbours of one block and of two are not far apart: what was added shows no blocks.
    steps = (kept - fine).diff(dim=-1).square().mean(dim=(0, 1, 2))
    across = steps[3::4].mean()
    within = torch.stack([steps[k::4].mean() for k in (0, 1, 2)]).mean()
    assert float(across / within) < 4.0  # blocks alone would give infinity


def test_the_layers_learn_through_their_gradient():
    torch.manual_seed(0)
    output = PhysicalOutput(CONSERVING, NORMALIZATION)
    coarse, area = torch.randn(1, 2, 5, 5), torch.ones(1, 20)
    fine = torch.randn(1, 2, 20, 20, requires_grad=True)
    result = output(fine, coarse, area)
    direction = torch.randn_like(fine)
    (slope,) = torch.autograd.grad((result * torch.linspace(-1, 1, 20)).sum(), fine)
    step = 1e-2
    with torch.no_grad():
        ends = [
            (output(fine + s * direction, coarse, area) * torch.linspace(-1, 1, 20)).sum()
            for s in (step, -step)
        ]
    assert float((ends[0] - ends[1]) / (2 * step)) == pytest.approx(
        float((slope * direction).sum()), rel=0.02
    )
    plain = PhysicalOutput(TINY_GENERATOR, NORMALIZATION)
    assert plain(fine, coarse, area) is fine


@pytest.mark.parametrize("name", OPTIONS)
def test_receptive_radius_is_no_smaller_than_the_gradient(name):
    config = OPTIONS[name]
    generator = wavy_weights(Generator(config))
    output = PhysicalOutput(config, NORMALIZATION)
    radius = int(np.ceil(config.receptive_radius))
    rows = 2 * radius + 9
    coarse = torch.zeros(1, 2, rows, 1, requires_grad=True)
    noise = torch.zeros(1, config.noise_channels, rows, 1)
    fine_noise = [
        torch.zeros(1, config.fine_noise_channels, n * rows, n) for n in (2, 4) if config.fine_noise_channels
    ]
    generated = generator(torch.cat((coarse, noise), dim=1), *fine_noise)
    fine = output(generated, coarse, torch.ones(1, 4 * rows))
    fine[:, :, 4 * (radius + 4) : 4 * (radius + 5)].sum().backward()
    touched = coarse.grad[0, :, :, 0].abs().sum(0).nonzero()[:, 0]
    assert 4 <= touched.min() <= 4 + radius / 2 and radius * 1.5 + 4 <= touched.max() <= 2 * radius + 4


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    base = tmp_path_factory.mktemp("models")

    def load(name, **options):
        folder = base / name
        if not folder.exists():
            saved_downscaler(folder, OPTIONS[name], name=name)
        return load_downscaler(folder, **options)

    return load


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("make", [globe, lambda: fields(60.0 - 10.0 * np.arange(11), 10.0 * np.arange(13))])
def test_tiles_and_strips_equal_one_piece(load, monkeypatch, name, make):
    downscaler, coarse = load(name), make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        whole = downscaler(coarse, tile=1000)
        pieces = [downscaler(coarse, tile=12)]
        monkeypatch.setattr("atmodist_core.inference.generator_inference.WORKING_MEMORY", 60 * 60 * 6 * 4 * 4)
        pieces.append(downscaler(coarse))
    for found in pieces:
        for field in CHANNELS:
            spread = float(whole[field].std())
            # Rounding of float32. Where every fine point goes through convolutions, their kernels go by the shape of what they are given: up to
            # 3e-6 on the processors tried. Surroundings that lack a cell make 4e-5 and more where the layers see it.
            bound = (6e-6 if name in ("resize", "all") else 2e-6) * spread
            np.testing.assert_allclose(found[field].values, whole[field].values, rtol=0, atol=bound)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["conserve", "both", "all"])
def test_coarsening_the_result_gives_the_input(load, name, precision):
    downscaler = load(name, precision=precision)
    coarse = globe(times=2)
    back = coarsen(downscaler(coarse), 4)
    for field in CHANNELS:
        np.testing.assert_allclose(
            back[field].values, coarse[field].values, rtol=0, atol=1e-5 * float(coarse[field].std())
        )


def test_without_the_layer_the_means_differ(load):
    coarse = globe()
    back = coarsen(load("filter")(coarse), 4)
    error = back["vorticity"].values - coarse["vorticity"].values
    assert error.std() > 1e-2 * float(coarse["vorticity"].std())


def test_seeds_give_members_and_moments_their_own_noise(load):
    downscaler, coarse = load("noise"), globe(times=2)
    one, again, other = (downscaler(coarse, seed=seed)["vorticity"].values for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01 * one.std()
    later = downscaler(coarse.isel(time=[1]))["vorticity"].values
    np.testing.assert_array_equal(later[0], one[1])
    assert downscaler(coarse, seed=3).attrs["downscaling_seed"] == 3
    assert "downscaling_seed" not in load("filter")(coarse).attrs
    with pytest.raises(UserError, match="seed of 0 or more, found -1"):
        downscaler(coarse, seed=-1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"output_filter": "half"}, "output_filter of GeneratorConfig to be none or low-pass"),
        ({"upsampling": "nearest"}, "upsampling of GeneratorConfig to be subpixel or resize"),
        ({"noise_channels": -1}, "noise_channels of GeneratorConfig from 0 to"),
        ({"fine_noise_channels": -1}, "fine_noise_channels of GeneratorConfig from 0 to"),
        ({"output_filter": "low-pass", "factor": 2}, r"filter_cutoff of GeneratorConfig between 0\.5 "),
        ({"output_filter": "low-pass", "filter_cutoff": 1.0}, "and 1, found 1: choose the truncation"),
    ],
)
def test_unfit_configurations_are_refused(changes, words):
    with pytest.raises(UserError, match=words):
        GeneratorConfig(**changes)


def test_a_resizing_generator_starts_without_a_pattern_of_the_grid():
    """Constant input away from the edges: the published upsampling may repeat with the grid, this one cannot."""
    generator = wavy_weights(Generator(dataclasses.replace(OPTIONS["resize"], blocks=1)))
    with torch.no_grad():
        fine = generator(torch.ones(1, 2, 40, 40))[..., 60:100, 60:100]
    assert float((fine.std(dim=(2, 3)) / fine.abs().mean(dim=(2, 3))).max()) < 1e-5
