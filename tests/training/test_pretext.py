"""Pretext tasks: losses against brute force, a smoke run of each, exact continuation, and their use as a distance."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.models.card import read_card
from atmodist_core.models.loss_description import loss_text
from atmodist_core.models.store import load_network
from atmodist_core.networks import Encoder, LagClassifier, LagClassifierConfig
from atmodist_core.networks.distance_network import ordered_log_probabilities
from atmodist_core.networks.losses.contrast import contrast_loss
from atmodist_core.networks.losses.triplets import triplet_loss
from atmodist_core.training.distance.distance_training import train_distance
from atmodist_core.training.ensemble.ensemble_training import train_ensemble
from atmodist_core.training.gan.gan_training import train_gan
from atmodist_core.training.pretext.deleted_blocks import deleted_blocks
from atmodist_core.training.pretext.pretext_tasks import PRETEXT_TASKS
from atmodist_core.training.pretext.pretext_trainer import PretextTrainer
from tests.networks.mock_models import TINY_ENCODER, wavy_weights
from tests.training.mock_weather import distance_config, ensemble_config, gan_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after


def embedded(times, places, seed=0):
    random = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(times, places, 6, generator=random), dim=-1)


def test_ordered_classes_by_brute_force():
    random = np.random.default_rng(0)
    score, thresholds = random.normal(size=(5, 1)), np.sort(random.normal(size=6))
    below = 1 / (1 + np.exp(-(thresholds - score)))
    wanted = np.diff(np.column_stack([np.zeros(5), below, np.ones(5)]), axis=1)
    found = ordered_log_probabilities(*(torch.from_numpy(part).float() for part in (score, thresholds)))
    np.testing.assert_allclose(found.exp().numpy(), wanted, rtol=1e-4)


def test_an_ordered_classifier_begins_with_even_classes_and_moves_them_in_order():
    config = LagClassifierConfig(classes=5, patch_size=32, encoder_channels=10, filters=6, ordered=True)
    classifier = LagClassifier(config)
    classifier.dense.weight.data.zero_()
    encoded = torch.randn(3, 10, 1, 1)
    even = classifier.eval()(encoded, encoded).exp()
    torch.testing.assert_close(even, torch.full((3, 5), 0.2), rtol=1e-4, atol=1e-5)
    assert LagClassifierConfig.from_dict({"classes": 5}).ordered is False, "cards of earlier versions"


def test_triplets_by_brute_force():
    z, offsets = embedded(4, 3), torch.tensor([[0, 1, 3, 7], [0, 2, 4, 5], [0, 3, 4, 6]])
    losses = []
    for place, (i, j, k) in itertools.product(range(3), itertools.permutations(range(4), 3)):
        near, far = (abs(int(offsets[place, i] - offsets[place, n])) for n in (j, k))
        if near < far:
            d = [float((z[i, place] - z[n, place]).square().sum()) for n in (j, k)]
            losses.append(math.log1p(math.exp((d[0] - d[1]) / 0.1)))
    assert float(triplet_loss(z, offsets)) == pytest.approx(np.mean(losses), rel=1e-4)
    same = functional.normalize(torch.ones(3, 2, 6), dim=-1)
    assert float(triplet_loss(same, torch.tensor([[0, 1, 5]] * 2))) == pytest.approx(math.log(2), rel=1e-4)


def test_contrast_by_brute_force():
    z = embedded(2, 4)
    flat, losses = z.flatten(0, 1).double().numpy(), []
    for i in range(8):
        scores = np.exp(flat @ flat[i] / 0.1)
        losses.append(-np.log(scores[(i + 4) % 8] / (scores.sum() - scores[i])))
    assert float(contrast_loss(z)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_deleted_blocks_are_squares_at_random_places():
    masks = deleted_blocks(np.random.default_rng(0), 50, 16)
    assert masks.shape == (50, 1, 16, 16) and set(np.unique(masks)) == {0.0, 1.0}
    assert masks.sum((1, 2, 3)).max() <= 4 * 16 and 0.15 < masks.mean() <= 0.25
    assert len({mask.tobytes() for mask in masks}) == 50


@pytest.mark.parametrize("name", ["inpainting", "split-brain", "reconstruction"])
def test_hidden_points_alone_are_judged(name):
    torch.manual_seed(0)
    task = PRETEXT_TASKS[name](wavy_weights(Encoder(TINY_ENCODER))).eval()
    fields = torch.randn(4, 2, 32, 32)
    hidden = task.hidden(np.random.default_rng(0), fields)
    whole = (hidden + torch.zeros_like(fields)).bool()
    with torch.no_grad():
        found = float(task(fields, torch.zeros(4, 1), hidden))
        answer = task.decoder(task.encoder(torch.where(whole, 0.0, fields)))
    judged = whole if name != "reconstruction" else torch.ones_like(whole)
    assert found == pytest.approx(float((answer - fields)[judged].square().mean()), rel=1e-4)
    if name == "split-brain":
        assert whole[0, 0].logical_not().all() and whole[0, 1].all() and whole[1, 0].all()


@pytest.mark.parametrize("pretext", ["ordered", *PRETEXT_TASKS])
def test_every_task_trains_an_encoder_that_serves_as_distance(weather, tmp_path, pretext):
    config = distance_config(tmp_path / "run", pretext=pretext, epochs=1, batches_per_epoch=2)
    card, network = load_network(train_distance(config, [weather]))
    assert card.schedule["pretext"] == pretext and set(card.distance_scale) >= {"stage1", "stage4"}
    assert card.kind == ("distance" if pretext == "ordered" else "encoder")
    assert loss_text(card) == (
        "cross-entropy over 5 ordered lags, 3 h apart" if pretext == "ordered" else f"pretext task: {pretext}"
    )
    shared = network if isinstance(network, Encoder) else network.encoder
    assert sum(p.numel() for p in shared.parameters()) == 2_271_920
    assert np.isfinite(card.scores["held_out_loss"])


def test_random_weights_stay_as_they_are_but_see_the_data(weather, tmp_path):
    found = []
    for steps in (1, 3):
        config = distance_config(tmp_path / str(steps), pretext="random", epochs=1, batches_per_epoch=steps)
        found.append(load_network(train_distance(config, [weather]))[1].state_dict())
    assert torch.equal(found[0]["stem.weight"], found[1]["stem.weight"])
    assert not torch.equal(found[0]["stem_norm.running_mean"], found[1]["stem_norm.running_mean"])


def test_a_run_stopped_and_resumed_is_one_that_was_not(weather, tmp_path, monkeypatch):
    settings = {"pretext": "inpainting", "keep": "best", "ema_decay": 0.9}
    whole, broken = (distance_config(tmp_path / name, **settings) for name in ("whole", "broken"))
    train_distance(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, PretextTrainer, 3)
        assert train_distance(broken, [weather]) is None
    train_distance(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


def test_an_encoder_is_the_distance_of_a_gan_and_of_an_ensemble(weather, tmp_path):
    config = distance_config(tmp_path / "encoder", pretext="triplet", epochs=1, batches_per_epoch=1)
    encoder = str(train_distance(config, [weather]))
    options = {"content": "atmodist", "distance": encoder, "distance_layer": ("stage1",)}
    gan = gan_config(tmp_path / "gan", pretraining_epochs=0, final_epochs=0, **options)
    ensemble = ensemble_config(tmp_path / "ensemble", epochs=1, **options)
    for folder in (train_gan(gan, [weather]), train_ensemble(ensemble, [weather])):
        assert read_card(folder).loss["distance_model"] == read_card(encoder).name
    wrong = distance_config(tmp_path / "wrong", pretext="contrast", start_from="atmodist-23")
    with pytest.raises(UserError, match="--pretext lag or ordered with --start-from, found contrast"):
        train_distance(wrong, [weather])
