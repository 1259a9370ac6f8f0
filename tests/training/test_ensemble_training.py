"""The training of ensemble generators: scores, members, exact continuation, and the model that comes out."""

import json

import numpy as np
import pytest
import scoringrules
import torch
from safetensors.torch import load_file

from atmodist_core import load_downscaler
from atmodist_core.common.hardware import Hardware
from atmodist_core.fields import coarsen
from atmodist_core.models.card import read_card
from atmodist_core.models.loss_description import loss_text
from atmodist_core.networks.losses.crps import CrpsLoss
from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.data.coarse_patches import downscaling_batch
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.ensemble.ensemble_scores import EnsembleScores
from atmodist_core.training.ensemble.ensemble_training import EnsembleTrainer, train_ensemble
from atmodist_core.training.gan.gan_training import train_gan
from tests.networks.mock_models import NORMALIZATION
from tests.training.mock_weather import ensemble_config, gan_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after

ADVERSARY = {"adversarial_weight": 0.02, "r1_weight": 1.0, "r1_interval": 2, "instance_noise": 0.1}
ADVERSARY |= {"discriminator_filters": (8, 8), "discriminator_dense": 8}


def trainer_of(weather, out, **changes):
    config = ensemble_config(out, **changes)
    data = load_training_data(config.data, sources=[weather])
    return EnsembleTrainer(config, data, Hardware("cpu", "float32"))


def first_batch(trainer, count=4):
    return downscaling_batch(trainer.data, trainer.sampler.patches(0, count), trainer.config, training=True)


def numbers(trainer, steps):
    return [{k: float(v) for k, v in trainer.step(step).items()} for step in steps]


def test_terms_of_the_loss_add_up(weather, tmp_path):
    weights = {"crps_weight": 0.5, "patch_weight": 0.3, "feature_weight": 2.0, "spectrum_weight": 0.02}
    trainer = trainer_of(weather, tmp_path, patch_energy_size=4, **weights, **ADVERSARY)
    (found,) = numbers(trainer, [0])
    wanted = 0.5 * found["crps"] + 0.3 * found["patches"] + 2.0 * found["features"]
    wanted += 0.02 * found["spectrum"] + 0.02 * found["adversarial"]
    assert found["loss"] == pytest.approx(wanted, rel=1e-5)
    assert min(found[name] for name in ("crps", "patches", "features", "spectrum", "adversarial")) > 0


def test_a_term_without_weight_is_not_computed(weather, tmp_path):
    trainer = trainer_of(weather, tmp_path, feature_weight=0.0, content="atmodist", distance="not there")
    (found,) = numbers(trainer, [0])
    assert "features" not in found and found["loss"] == found["crps"]


def test_members_are_scored_against_the_patch_that_they_belong_to(weather, tmp_path):
    trainer = trainer_of(weather, tmp_path, feature_weight=0.0, members=3)
    batch = first_batch(trainer)
    with torch.no_grad():
        generated = trainer._generate(batch, 0, members=3)
        one = trainer.generator(*(part[4:8] for part in trainer._inputs(batch, 0, 0, 3)))
    torch.testing.assert_close(generated[4:8], one)
    assert float((generated[:4] - generated[4:8]).abs().mean()) > 1e-3
    wanted = float(CrpsLoss()(generated.unflatten(0, (3, 4)), batch.fine))
    assert numbers(trainer, [0])[0]["crps"] == pytest.approx(wanted, rel=1e-5)


def test_every_member_conserves_its_block_means(weather, tmp_path):
    trainer = trainer_of(weather, tmp_path, conserve_block_mean=True)
    batch = first_batch(trainer)
    normalization = trainer.data.normalization
    fine = normalization.denormalize(trainer._generate(batch, 0, members=2).detach()).unflatten(0, (2, 4))
    coarse = normalization.denormalize(batch.coarse)
    for member in fine:
        means = block_means(member.double(), batch.area, 4).float()
        assert float((means - coarse).abs().max() / coarse.std()) < 1e-4


def test_the_learning_rate_falls_along_a_cosine(weather, tmp_path):
    trainer = trainer_of(weather, tmp_path, epochs=5, batches_per_epoch=1, learning_rate=3e-4)
    rates = [trainer.learning_rate(step) for step in range(5)]
    assert rates[0] == pytest.approx(3e-4) and rates[4] == pytest.approx(1e-6)
    assert rates[2] == pytest.approx((3e-4 + 1e-6) / 2) and rates == sorted(rates, reverse=True)


def test_training_lowers_the_score_and_opens_a_spread(weather, tmp_path):
    """From weights that do not hear noise: the members part, and the held-out CRPS falls."""
    start = train_gan(gan_config(tmp_path / "start", epochs=0, final_epochs=0, residual=True), [weather])
    options = {"start_from": str(start), "residual": True, "feature_weight": 0.0, "ema_decay": 0.0}
    options |= {"epochs": 1, "batches_per_epoch": 60, "learning_rate": 2e-3, "validation_patches": 32}
    scores = json.loads(
        (
            train_ensemble(ensemble_config(tmp_path / "run", **options), [weather]).parent / "scores.json"
        ).read_text()
    )
    curves = (tmp_path / "run" / "curves.csv").read_text().splitlines()
    spread = [float(row.split(",")[curves[0].split(",").index("spread")]) for row in curves[1:]]
    assert spread[0] == 0.0 and spread[-1] > 0.02
    for name in ("vorticity", "divergence"):
        assert scores[f"held_out_crps_{name}"] < scores[f"held_out_bicubic_crps_{name}"]
        assert 0.1 < scores[f"held_out_spread_error_ratio_{name}"] < 1.5


@pytest.mark.parametrize("count", [1, 2, 5])
def test_scores_are_those_of_scoringrules(count):
    random = torch.Generator().manual_seed(0)
    members, truth = (
        torch.randn(count, 6, 2, 8, 8, generator=random),
        torch.randn(6, 2, 8, 8, generator=random),
    )
    scores = EnsembleScores(NORMALIZATION.channels, NORMALIZATION)
    scores.add(members[:, :4], truth[:4])
    scores.add(members[:, 4:], truth[4:])
    found = scores.result()
    x = torch.stack([standardized(m, NORMALIZATION) for m in members]).double().numpy()
    y = standardized(truth, NORMALIZATION).double().numpy()
    for channel, name in enumerate(NORMALIZATION.channels):
        a, b = x[:, :, channel], y[:, channel]
        if count == 1:
            crps, ratio = np.abs(a[0] - b).mean(), 0.0
        else:
            crps = scoringrules.crps_ensemble(b, a, m_axis=0, estimator="fair", backend="numpy").mean()
            spread = np.sqrt(a.var(axis=0, ddof=1).mean() * (count + 1) / count)
            ratio = spread / np.sqrt(((a.mean(axis=0) - b) ** 2).mean())
        assert found[f"crps_{name}"] == pytest.approx(crps, rel=1e-6)
        assert found[f"spread_error_ratio_{name}"] == pytest.approx(ratio, rel=1e-6)


def test_a_perfect_ensemble_is_calibrated():
    random = torch.Generator().manual_seed(0)
    fields = torch.randn(6, 64, 2, 16, 16, generator=random)
    scores = EnsembleScores(NORMALIZATION.channels, NORMALIZATION)
    scores.add(fields[:5], fields[5])
    assert scores.result()["spread_error_ratio_vorticity"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("stop", "changes"), [(1, {}), (3, ADVERSARY)])
def test_a_run_stopped_and_resumed_is_one_that_was_not(weather, tmp_path, monkeypatch, stop, changes):
    whole, broken = (ensemble_config(tmp_path / name, **changes) for name in ("whole", "broken"))
    train_ensemble(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, EnsembleTrainer, stop)
        assert train_ensemble(broken, [weather]) is None
    train_ensemble(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


def test_the_model_is_an_ensemble_and_its_card_says_of_what(weather, tmp_path):
    folder = train_ensemble(
        ensemble_config(tmp_path / "run", conserve_block_mean=True, patch_weight=0.5, export_type="float16"),
        [weather],
    )
    card = read_card(folder)
    assert card.kind == "downscaler" and card.loss["name"] == "ensemble" and card.loss["members"] == 2
    assert card.loss["crps_weight"] == 1.0 and card.loss["fair_share"] == 0.95
    assert (
        loss_text(card) == "1 × CRPS + 0.5 × energy score of patches + 1 × energy score of encoder of random"
        " weights (seed 0, ['stage1', 'stage2'])"
    )
    generator = card.architecture["generator"]
    assert (generator["noise_channels"], generator["fine_noise_channels"]) == (2, 1)
    assert "held_out_crps_vorticity" in card.scores and "held_out_power_ratio_vorticity" in card.scores
    coarse = coarsen(weather.isel(time=slice(0, 1)), 4)
    fine = load_downscaler(folder)(coarse, members=2)
    assert float(np.abs(fine.vorticity.diff("member")).max()) > 0
    for member in range(2):
        back = coarsen(fine.isel(member=member), 4)
        for name in ("vorticity", "divergence"):
            error = back[name].values - coarse[name].values
            assert abs(error).max() < 1e-4 * float(coarse[name].std())


def test_a_generator_of_the_published_size_with_noise_is_below_eight_megabytes():
    from atmodist_core.networks import Generator, parameter_count
    from atmodist_core.training.configuration import ENSEMBLE_PRESETS
    from atmodist_core.training.gan.gan_start import generator_config

    assert 4 * parameter_count(Generator(generator_config(ENSEMBLE_PRESETS["demo"]))) < 8e6


def test_an_encoder_of_another_normalisation_sees_its_own(weather, tmp_path):
    """Without --keep-normalization the start's differs from the data's; the encoder's score must not."""
    from atmodist_core.training.distance.distance_training import train_distance
    from atmodist_core.training.gan.content import RenormalizedLoss
    from tests.training.mock_weather import distance_config

    distance = train_distance(distance_config(tmp_path / "d", epochs=1, batches_per_epoch=1), [weather])
    options = {"content": "atmodist", "distance": str(distance), "distance_layer": ("stage1",)}
    same = trainer_of(weather, tmp_path / "same", **options)
    louder = weather * 2
    other = trainer_of(louder.assign_attrs(weather.attrs), tmp_path / "other", **options)
    assert not isinstance(same.losses["features"], RenormalizedLoss)
    assert isinstance(other.losses["features"], RenormalizedLoss)
    assert np.isfinite(numbers(other, [0])[0]["features"])


def test_seeds_give_other_weights(weather, tmp_path):
    for seed in (0, 1):
        train_ensemble(ensemble_config(tmp_path / str(seed), seed=seed, epochs=1), [weather])
    a, b = (load_file(tmp_path / str(seed) / "checkpoint.safetensors") for seed in (0, 1))
    assert not torch.equal(a["generator.head.weight"], b["generator.head.weight"])
