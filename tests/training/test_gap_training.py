"""Networks that fill gaps: what is scored in a step, resuming, starts, members, and the model folder."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.models.card import read_card
from atmodist_core.models.loss_description import loss_text
from atmodist_core.models.store import load_network
from atmodist_core.networks.losses.statistics import standardized
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.gaps.gap_training import GapTrainer, train_gaps
from atmodist_core.training.records.run_record import read_run
from tests.training.mock_weather import gap_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after

ATMODIST = {"content_weight": 0.9, "mse_weight": 0.1}
ENSEMBLE = {"members": 2, "noise_channels": 2, "mse_weight": 0.0, "crps_weight": 1.0, "feature_weight": 1.0}


def trainer_of(config, weather):
    return GapTrainer(
        config, load_training_data(config.data, sources=[weather]).normalized(), Hardware("cpu", "float32")
    )


def test_the_loss_is_the_mean_over_the_points_of_gaps(weather, tmp_path):
    """By hand, point by point: the first step's loss and the held-out scores."""
    trainer = trainer_of(gap_config(tmp_path), weather)
    batches = []
    original = trainer._batch
    trainer._batch = lambda *arguments: batches.append(original(*arguments)) or batches[-1]
    with torch.no_grad():
        fresh = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    loss = float(trainer.step(0)["mse"])
    batch = batches[0]
    trainer.network.load_state_dict(fresh)
    with torch.no_grad():
        filled = trainer.network(batch.fields, batch.missing)
    where = batch.missing.expand_as(filled)
    assert torch.equal(filled[~where], batch.fields[~where])
    assert loss == pytest.approx(float((filled - batch.fields)[where].square().mean()), rel=1e-5)

    scores = trainer.held_out_scores()
    found, absolute = [], []
    for number, held in enumerate(trainer.held_out_batches()):
        made = trainer.filled(held, number, 1)
        where = held.missing.expand_as(made)
        found.append((made - held.fields)[where].square())
        parts = [standardized(part, trainer.data.normalization) for part in (made, held.fields)]
        absolute.append((parts[0] - parts[1])[:, :1][held.missing].abs())
    assert scores["mse"] == pytest.approx(float(torch.cat(found).mean()), rel=1e-4)
    assert scores["crps_vorticity"] == pytest.approx(float(torch.cat(absolute).mean()), rel=1e-4)
    assert scores["spread_error_ratio_vorticity"] == 0


@pytest.mark.parametrize("changes", [{}, ATMODIST, ENSEMBLE], ids=["mse", "atmodist", "ensemble"])
def test_stopped_and_resumed(weather, tmp_path, monkeypatch, changes):
    whole, broken = (gap_config(tmp_path / name, **changes) for name in ("whole", "broken"))
    assert train_gaps(whole, [weather]) == tmp_path / "whole" / "model"
    with monkeypatch.context() as patched:
        stop_after(patched, GapTrainer, 3)
        assert train_gaps(broken, [weather]) is None
    train_gaps(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


def test_what_a_start_brings(weather, tmp_path):
    """A network with noise starts with the fields of the one without: it is deaf to the noise at first."""
    start = train_gaps(gap_config(tmp_path / "start"), [weather])
    config = gap_config(
        tmp_path / "next", start_from=str(tmp_path / "start"), learning_rate=1e-12, **ENSEMBLE
    )
    config = replaced(config, {"final_learning_rate": 1e-12, "ema_decay": 0.0})
    model = train_gaps(config, [weather])
    card = read_card(model)
    assert card.schedule["start_model"] == "start" and card.normalization == read_card(start).normalization
    assert load_network(model)[1].head.weight.shape[1] == 2 + 1 + 2
    gaps = weather.isel(time=[0]).copy(deep=True)
    for name in ("vorticity", "divergence"):
        gaps[name][:, 20:28, 30:40] = np.nan
    one, other = (ad.fill_gaps(gaps, path) for path in (start, model))
    np.testing.assert_allclose(one["vorticity"], other["vorticity"], atol=1e-9)


def test_gaps_are_learned(weather, tmp_path):
    config = gap_config(
        tmp_path,
        learning_rate=3e-3,
        filters=16,
        batches_per_epoch=60,
        epochs=1,
        validation_patches=32,
        ema_decay=0.9,
    )
    model = train_gaps(config, [weather])
    assert read_card(model).scores["held_out_mse"] < 0.85  # 1: the variance of normalised fields


def test_what_is_saved(weather, tmp_path):
    model = train_gaps(gap_config(tmp_path / "run", sample_epochs=1, **ENSEMBLE), [weather])
    card = read_card(model)
    assert (card.kind, card.factor, card.grid_spacing_deg) == ("gap filler", 1, 3.75)
    assert card.loss["name"] == "ensemble" and card.loss["content"] == "random-encoder"
    assert "1 × CRPS + 1 × energy score of encoder of random weights" in loss_text(card)
    assert {"held_out_mse", "held_out_crps_divergence"} <= set(
        card.scores
    ) and "blocks, stripes, corner" in card.limits
    assert len(list((tmp_path / "run" / "samples").glob("step_*.png"))) == 2
    assert read_run(tmp_path / "run").kind == "gap filler"
    mse = read_card(train_gaps(gap_config(tmp_path / "mse"), [weather]))
    assert loss_text(mse) == "1 × mse" or loss_text(mse) == "1 × MSE"
    assert json.loads((tmp_path / "mse" / "config.json").read_text())["kind"] == "GapConfig"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 0}, "positive --batch-size"),
        ({"content_weight": -1.0}, "--content-weight of 0 or more"),
        ({"members": 2}, "--members from 2 together with --noise-channels from 1, found 2 and 0"),
        ({**ENSEMBLE, "mse_weight": 1.0}, "no --mse-weight with --members 2"),
        ({"crps_weight": 1.0}, "no --crps-weight with --members 1"),
        ({"mse_weight": 0.0}, "positive --mse-weight or --content-weight, found all 0"),
        ({"gap_shapes": ("circle",)}, "shapes of gaps among blocks, stripes, corner, found 'circle'"),
        ({"patch_size": 4}, "--patch-size of 8 or more"),
        ({"ema_decay": 1.0}, "--ema-decay from 0 to below 1"),
        ({"start_from": "atmodist-23"}, "gap filler after --start-from, found the distance 'atmodist-23'"),
        ({"content": "atmodist", "distance": "nothing", **ATMODIST}, "name of a model"),
        ({"content": "atmodist", **ATMODIST}, "spacing of 3.75 degrees after --distance"),
    ],
)
def test_mistakes(weather, tmp_path, changes, words):
    with pytest.raises(UserError, match=words) as error:
        train_gaps(gap_config(tmp_path, **changes), [weather])
    assert "\n" not in str(error.value)


def test_a_start_that_does_not_fit(weather, tmp_path):
    train_gaps(gap_config(tmp_path / "start"), [weather])
    with pytest.raises(UserError, match="network of vorticity, divergence with --filters 8"):
        train_gaps(gap_config(tmp_path / "next", start_from=str(tmp_path / "start"), filters=8), [weather])


@pytest.mark.slow
def test_the_smoke_preset_of_the_command(repository, tmp_path):
    script = [sys.executable, str(repository / "train" / "applications" / "gaps.py"), "--preset", "smoke"]
    ended = subprocess.run(
        [*script, "--threads", "1", "--out", "runs/a"],
        capture_output=True,
        text=True,
        timeout=1800,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "runs" / "a" / "model" / "card.json").is_file()
