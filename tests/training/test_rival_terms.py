"""Competing losses in trainings: as content, as a further term, with and without an adversary, on the card."""

import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.models.card import read_card
from atmodist_core.models.loss_description import loss_text
from atmodist_core.training.ensemble.ensemble_training import EnsembleTrainer, train_ensemble
from atmodist_core.training.gan.content import RIVALS
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import ensemble_config, gan_config, replaced
from tests.training.test_ensemble_training import numbers, trainer_of
from tests.training.test_resume import same_files, stop_after

WEIGHTS = {f"{name.replace('-', '_')}_weight": 0.25 for name in (*RIVALS, "pattern")}


def test_further_terms_of_an_ensemble_add_up(weather, tmp_path):
    (found,) = numbers(trainer_of(weather, tmp_path, **WEIGHTS), [0])
    terms = [found[name.removesuffix("_weight")] for name in WEIGHTS]
    assert found["loss"] == pytest.approx(found["crps"] + found["features"] + 0.25 * sum(terms), rel=1e-5)
    assert min(terms) > 0


@pytest.fixture(scope="module")
def distance(weather, tmp_path_factory):
    from atmodist_core.training.distance.distance_training import train_distance
    from tests.training.mock_weather import distance_config

    out = tmp_path_factory.mktemp("distance") / "run"
    return str(train_distance(distance_config(out, epochs=1, batches_per_epoch=1), [weather]))


@pytest.mark.parametrize(("content", "adversary"), [(name, i % 2) for i, name in enumerate(RIVALS)])
def test_a_rival_is_a_content_loss(weather, tmp_path, distance, content, adversary):
    config = gan_config(tmp_path / "run", content=content, distance=distance, pretraining_epochs=0)
    card = read_card(
        train_gan(replaced(config, {"adversarial_weight": 0.004 * adversary, "final_epochs": 0}), [weather])
    )
    assert card.loss["content"] == content and ("distance_model" in card.loss) == (content == "gram")
    name = {
        "amse": "AMSE",
        "facl": "FACL",
        "sliced-wasserstein": "sliced Wasserstein",
        "gram": "Gram matrices",
    }
    wanted = f"0.9 × {name[content]} + 0.1 × MSE" + (" + 0.004 × adversary" if adversary else "")
    assert loss_text(card) == wanted


def test_rivals_are_further_terms_of_a_gan_and_its_card_says_so(weather, tmp_path, distance):
    config = gan_config(tmp_path / "run", content="mse", distance=distance, pretraining_epochs=0, **WEIGHTS)
    card = read_card(train_gan(replaced(config, {"final_epochs": 0}), [weather]))
    assert all(card.loss[name] == 0.25 for name in WEIGHTS)
    assert "0.25 × sliced Wasserstein" in loss_text(card)
    header = (tmp_path / "run" / "curves.csv").read_text().splitlines()[0].split(",")
    assert {"pattern", "amse", "facl", "sliced_wasserstein", "gram"} <= set(header)
    assert "0.25 × grid pattern" in loss_text(card)


def test_terms_with_draws_resume_exactly(weather, tmp_path, monkeypatch):
    weights = {"facl_weight": 1.0, "sliced_wasserstein_weight": 1.0, "feature_weight": 0.0}
    whole, broken = (ensemble_config(tmp_path / n, **weights) for n in ("whole", "broken"))
    train_ensemble(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, EnsembleTrainer, 3)
        assert train_ensemble(broken, [weather]) is None
    train_ensemble(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")


def test_bad_settings_are_refused(weather, tmp_path):
    with pytest.raises(UserError, match="--gram-weight of 0 or more, found -1"):
        train_gan(gan_config(tmp_path, gram_weight=-1.0), [weather])
    with pytest.raises(UserError, match="name of a model"):
        train_gan(gan_config(tmp_path, content="gram", distance="nowhere"), [weather])


def test_the_gram_loss_takes_the_encoder_of_the_content(weather, tmp_path):
    trainer = trainer_of(weather, tmp_path, gram_weight=1.0, feature_weight=0.0)
    assert numbers(trainer, [0])[0]["gram"] > 0
    assert trainer.about_encoder["content"] == "random-encoder"
