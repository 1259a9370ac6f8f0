"""8x and 16x: three and four doublings are trained, saved and applied, and conserve the coarse field."""

import dataclasses

import numpy as np
import pytest

from atmodist_core import load_downscaler
from atmodist_core.fields import coarsen
from atmodist_core.training.configuration import ENSEMBLE_PRESETS, GAN_PRESETS
from atmodist_core.training.ensemble.ensemble_training import check_ensemble_config, train_ensemble
from atmodist_core.training.gan.gan_start import check_gan_config
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import ensemble_config, gan_config


@pytest.mark.parametrize("factor", [8, 16])
def test_a_start_and_an_ensemble_of_a_larger_factor(weather, tmp_path, factor):
    options = {"factor": factor, "patch_size": 32, "residual": True, "conserve_block_mean": True}
    gan = gan_config(tmp_path / "start", epochs=0, final_epochs=0, **options)
    start = str(train_gan(gan, [weather]))
    ensemble = ensemble_config(
        tmp_path / "run", start_from=start, feature_weight=0.0, epochs=1, batches_per_epoch=1, **options
    )
    downscaler = load_downscaler(train_ensemble(ensemble, [weather]))
    coarse = coarsen(weather.isel(time=[0]), factor)
    fine = downscaler(coarse, members=2)
    assert downscaler.factor == factor and fine.sizes["longitude"] == factor * coarse.sizes["longitude"]
    back = coarsen(fine.isel(member=1), factor)
    for name in ("vorticity", "divergence"):
        error = np.abs(back[name].values - coarse[name].values).max()
        assert error < 1e-4 * float(coarse[name].std())


def test_the_presets_are_settings_that_are_taken():
    for factor in (8, 16):
        name = f"demo-{factor}x"
        gan, ensemble = GAN_PRESETS[name], ENSEMBLE_PRESETS[name]
        check_gan_config(gan)
        check_ensemble_config(ensemble)
        assert (gan.preset, gan.factor, ensemble.preset, ensemble.factor) == (name, factor, name, factor)
        assert dataclasses.replace(gan, factor=4).data.patch_size % factor == 0
