"""Trainings that smooth some of their patches and tell the generator how sharp they are."""

import dataclasses

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.fields import coarsen
from atmodist_core.fields.sharpness import sharpness
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.data.sharpness import Smoothing, TrainingSharpness, smoothed
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.ensemble.ensemble_training import train_ensemble
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import ensemble_config, gan_config

TOLD = {"condition": "sharpness", "smoothing_share": 0.5}


def test_a_smoothing_is_its_response_and_keeps_the_amplitude_of_block_means():
    """One wave, far from the edges, is multiplied by the response; a stretch makes it longer across."""
    size, factor = 64, 4
    y, x = np.mgrid[:size, :size]
    area = torch.ones(2, size)
    waves = np.stack([np.cos(np.pi * 0.5 * x), np.cos(np.pi * 0.5 * x)])
    low = np.cos(2 * np.pi * y / 32)
    fields = torch.from_numpy(np.stack([waves, np.broadcast_to(low, waves.shape)], axis=1)).float()
    smoothing = Smoothing(1.2, 2.0)
    found = smoothed(fields, area, np.array([1.0, 0.6]), smoothing, factor)
    before, after = (
        block_means(f[:, 1:], area, factor).square().mean(dim=(-2, -1)).sqrt() for f in (fields, found)
    )
    torch.testing.assert_close(before, after, rtol=1e-5, atol=0)
    middle = (slice(24, 40), slice(24, 40))
    both = fields[:, :1] + fields[:, 1:]
    plain = smoothed(both, area, np.array([1.0, 0.6]), Smoothing(0.0, 1.0), factor)
    torch.testing.assert_close(plain, both, rtol=0, atol=1e-5)
    # The low wave lost little and was scaled back, and the short one with it.
    kept = smoothed(both, area, np.array([1.0, 0.6]), smoothing, factor)
    scale = float(smoothing.response(np.array(2 / 32)))
    for number, stretch in enumerate((1.0, 0.6)):
        wanted = (
            float(smoothing.response(np.array(0.5 * stretch))) / scale * both.new_tensor(waves[0])[middle]
            + both.new_tensor(low)[middle]
        )
        assert float((kept[number, 0][middle] - wanted).abs().max()) < 0.02


def test_the_draw_depends_on_seed_and_step_alone():
    drawn = [Smoothing.drawn(0.5, 3, step) for step in range(200)]
    assert drawn == [Smoothing.drawn(0.5, 3, step) for step in range(200)]
    assert 70 < sum(each is not None for each in drawn) < 130
    assert Smoothing.drawn(0.0, 3, 1) is None


def test_numbers_are_those_of_the_member_and_of_its_smoothed_fields(weather):
    config = gan_config("unused").data
    data = load_training_data(dataclasses.replace(config, storage="float32"), sources=[weather])
    known = TrainingSharpness.of(data.training_fields, 2)
    wanted = sharpness(weather, 2, times=6)
    np.testing.assert_allclose(known.at(np.array([0, 5])), [np.ravel(list(wanted.values()))] * 2, atol=2e-4)
    weaker = known.at(np.array([0]), Smoothing(2.0, 1.5))
    assert (weaker < known.at(np.array([0])) - 0.1).all()


@pytest.mark.parametrize("kind", ["gan", "ensemble"])
def test_a_model_is_trained_resumed_and_told(kind, weather, tmp_path):
    config, train = (gan_config, train_gan) if kind == "gan" else (ensemble_config, train_ensemble)
    folder = train(config(tmp_path / "run", residual=True, conserve_block_mean=True, **TOLD), [weather])
    model = load_downscaler(folder)
    assert model.card.architecture["generator"]["condition_channels"] == 4
    assert set(model.card.sharpness) == {"vorticity", "divergence"}
    coarse = coarsen(weather.isel(time=[0]), 4)
    back = coarsen(model(coarse), 4)
    assert float(abs(back - coarse).vorticity.max()) < 1e-3 * float(coarse.vorticity.std())
    # Further training takes the start's condition.
    again = config(
        tmp_path / "again", residual=True, conserve_block_mean=True, start_from=str(folder), **TOLD
    )
    assert train(again, [weather]) is not None


def test_wrong_settings_get_a_sentence(weather, tmp_path):
    for changes, words in (
        ({"smoothing_share": 1.5}, "--smoothing-share from 0 to 1"),
        (TOLD | {"pool_normalized": True}, "leave it out"),
    ):
        with pytest.raises(UserError, match=words):
            train_gan(gan_config(tmp_path / "wrong", **changes), [weather])
