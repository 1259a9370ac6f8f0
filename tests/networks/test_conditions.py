"""Generators that are told how sharp their fields should be."""

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.sharpness import attribute_name
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.models.card import read_card
from atmodist_core.models.fit import DataTraits, data_differences, fit_of
from atmodist_core.networks import Generator
from atmodist_core.training.data.synthetic import synthetic_fields
from tests.networks.mock_models import CHANNELS, TINY_GENERATOR, card, globe, saved_downscaler

CONDITIONED = dataclasses.replace(
    TINY_GENERATOR, residual=True, noise_channels=1, condition_channels=4, conserve_block_mean=True
)
USUAL = {"vorticity": (0.2, 0.5), "divergence": (0.4, 1.0)}


def stated(coarse, numbers):
    for name, pair in numbers.items():
        coarse[name].attrs[attribute_name(4, of_source=True)] = list(pair)
    return coarse


@pytest.fixture(scope="module")
def downscaler(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "told"
    return load_downscaler(saved_downscaler(folder, CONDITIONED, name="told", sharpness=USUAL))


def plain(seed=0):
    coarse = globe()
    for name in CHANNELS:
        coarse[name].attrs = {"units": "s-1"}
    return coarse


def test_the_network_sees_what_is_stated_else_what_the_card_says(downscaler):
    usual = downscaler(plain())
    xr.testing.assert_equal(downscaler(stated(plain(), USUAL)), usual)
    smooth = downscaler(stated(plain(), {name: (-0.5, -1.5) for name in CHANNELS}))
    assert float(abs(smooth - usual).vorticity.max()) > 1e-3 * float(usual.vorticity.std())
    assert "the training data, as none is stated" in usual.attrs["notes"]
    assert "vorticity -0.50 and -1.50" in smooth.attrs["notes"]


def test_what_is_told_is_an_input_of_the_network(downscaler):
    """The result equals that of the bare network with constant channels after the noise."""
    network = Generator(CONDITIONED)
    torch.manual_seed(0)
    network = Generator(CONDITIONED).eval()
    fields = torch.randn(1, 2, 8, 8)
    noise, told = torch.randn(1, 1, 8, 8), torch.tensor([0.2, 0.5, 0.4, 1.0])
    whole = network(torch.cat((fields, noise, told.reshape(1, 4, 1, 1).expand(1, 4, 8, 8)), dim=1))
    kernel = network.head.weight[:, 3:].sum(dim=(-2, -1)) @ told
    inner = network.head(torch.cat((fields, noise, torch.zeros(1, 4, 8, 8)), dim=1)) + kernel.reshape(
        1, -1, 1, 1
    )
    direct = network.head(torch.cat((fields, noise, told.reshape(1, 4, 1, 1).expand(1, 4, 8, 8)), dim=1))
    # Away from the zeros around the patch.
    torch.testing.assert_close(inner[..., 4:-4, 4:-4], direct[..., 4:-4, 4:-4], rtol=1e-4, atol=1e-5)
    assert whole.shape == (1, 2, 32, 32)


def test_tiles_make_no_difference(downscaler):
    coarse = stated(plain(), {name: (-0.3, -0.9) for name in CHANNELS})
    whole, tiled = downscaler(coarse, seed=2), downscaler(coarse, seed=2, tile=5)
    for name in CHANNELS:
        np.testing.assert_allclose(tiled[name], whole[name], rtol=0, atol=2e-6 * float(whole[name].std()))


def test_a_card_without_the_numbers_is_refused(tmp_path):
    with pytest.raises(UserError, match="sharpness"):
        saved_downscaler(tmp_path / "none", CONDITIONED, name="none")
    with pytest.raises(UserError, match="two numbers"):
        card(sharpness={"vorticity": (1.0,)})
    assert (
        read_card(saved_downscaler(tmp_path / "a", CONDITIONED, name="a", sharpness=USUAL)).sharpness == USUAL
    )


def test_a_model_that_is_told_fits_archives_of_any_sharpness():
    def traits(low, high):
        return DataTraits(CHANNELS, 2.5, None, "", {}, (), None, dict.fromkeys(CHANNELS, (low, high)))

    fixed = card(sharpness=USUAL)
    told = card(sharpness=USUAL, architecture={"generator": {"condition_channels": 4}})
    near, far = traits(0.3, 0.7), traits(-0.6, -1.5)
    assert fit_of(told, far)[0] == fit_of(told, near)[0]
    assert fit_of(fixed, far)[0] > fit_of(fixed, near)[0] + 1.0
    assert "small scales 4.8 times as strong" in fit_of(fixed, far)[1]
    assert [text for _, text in data_differences(near, far)] == ["small scales 4.7 times as strong"]
    assert data_differences(near, traits(0.2, 0.6)) == []
    assert DataTraits.from_dict(far.to_dict()) == far


def test_fields_to_be_like_come_first(downscaler):
    fine = synthetic_fields(1, latitude_count=48)
    told = downscaler(stated(plain(), USUAL), like=fine)
    assert "the fields that they are to be like" in told.attrs["notes"]
    assert not told.equals(downscaler(stated(plain(), USUAL)))
    with pytest.raises(UserError, match="16 x 16 points"):
        downscaler(plain(), like=fine.isel(latitude=slice(0, 5)))
