"""The training of a flow: its first step, exact continuation, its card, and what is refused."""

import json

import numpy as np
import pytest

from atmodist_core import load_downscaler
from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.fields import coarsen
from atmodist_core.models.card import read_card
from atmodist_core.models.loss_description import loss_text
from atmodist_core.training.configuration import FlowMatchingConfig
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.flow.flow_training import FlowTrainer, train_flow
from atmodist_core.training.gan.gan_start import generator_config, load_start
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import ensemble_config, gan_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after


@pytest.fixture(scope="module")
def start(weather, tmp_path_factory):
    config = gan_config(tmp_path_factory.mktemp("start") / "run", epochs=0, final_epochs=0, residual=True)
    return str(train_gan(config, [weather]))


def flow_config(out, start, **changes):
    """Four steps on the residual of a network."""
    base = ensemble_config(out)
    names = ("data", "run", "residual_blocks", "filters", "batch_size", "batches_per_epoch", "epochs")
    values = {name: getattr(base, name) for name in names}
    config = FlowMatchingConfig(
        preset="smoke", start_from=start, residual=True, validation_patches=4, held_out_members=2, **values
    )
    return replaced(config, changes)


def test_the_first_estimate_is_the_mean(weather, tmp_path, start):
    """The weights of the state are zero at the start: errors are residuals, whose variance is 1 in their own units."""
    config = flow_config(tmp_path, start, batch_size=16)
    model = load_start(config, generator_config(config))
    data = load_training_data(config.data, sources=[weather], normalization=model.card.normalization)
    trainer = FlowTrainer(config, data, Hardware("cpu", "float32"), model)
    found = trainer.step(0)
    assert float(found["estimate_mse"]) == pytest.approx(1.0, rel=0.2)
    assert float(found["loss"]) > float(found["estimate_mse"])
    assert float(trainer.step(1)["estimate_mse"]) != float(found["estimate_mse"])


def test_a_run_stopped_and_resumed_is_one_that_was_not(weather, tmp_path, monkeypatch, start):
    whole, broken = (flow_config(tmp_path / name, start) for name in ("whole", "broken"))
    train_flow(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, FlowTrainer, 3)
        assert train_flow(broken, [weather]) is None
    train_flow(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


def test_the_model_draws_members_and_its_card_says_flow(weather, tmp_path, start):
    folder = train_flow(flow_config(tmp_path / "run", start, conserve_block_mean=True), [weather])
    card = read_card(folder)
    assert card.kind == "flow" and set(card.architecture) == {"mean", "generator", "flow"}
    assert loss_text(card) == f"flow matching, residual of {card.loss['mean_model']}"
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert all(np.isfinite(value) for value in scores.values()) and scores["held_out_crps_vorticity"] > 0
    coarse = coarsen(weather.isel(time=slice(0, 1)), 4)
    fine = load_downscaler(folder)(coarse, members=2)
    assert float(np.abs(fine.vorticity.diff("member")).max()) > 0


def test_what_does_not_fit_is_refused(weather, tmp_path, start):
    for changes, words in (
        ({"adversarial_weight": 0.1}, "no --noise-channels"),
        ({"solver_steps": 0}, "positive --solver-steps"),
        ({"pool_normalized": True}, "a flow without --pool-normalized and"),
    ):
        with pytest.raises(UserError, match=words):
            train_flow(flow_config(tmp_path, start, **changes), [weather])
