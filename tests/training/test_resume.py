"""Interrupted and resumed runs end with the weights of uninterrupted ones, to the bit."""

import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from atmodist_core.common.errors import UserError
from atmodist_core.training.distance.distance_training import DistanceTrainer, train_distance
from atmodist_core.training.gan.gan_trainer import GanTrainer
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import distance_config, gan_config, replaced


def stop_after(monkeypatch, trainer, steps):
    """Send the process SIGTERM during a step, as a queue's time limit does."""
    original = trainer.step

    def step(self, number):
        if number == steps - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, number)

    monkeypatch.setattr(trainer, "step", step)


def same_files(one, two):
    a, b = load_file(one / "checkpoint.safetensors"), load_file(two / "checkpoint.safetensors")
    assert set(a) == set(b)
    for name in a:
        assert torch.equal(a[name], b[name]), f"{name} differs"
    models = [load_file(folder / "model" / "model.safetensors") for folder in (one, two)]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])


def same_curves(one, two):
    """All but the speed and the seconds, which depend on the clock."""

    def rows(folder):
        lines = (folder / "curves.csv").read_text().splitlines()
        clock = {lines[0].split(",").index(name) for name in ("samples_per_second", "seconds")}
        return [[cell for i, cell in enumerate(line.split(",")) if i not in clock] for line in lines]

    assert rows(one) == rows(two)


# between two rows of the curve, and at the end of an epoch
@pytest.mark.parametrize(("stop", "schedule"), [(3, "one-cycle"), (4, "plateau")])
def test_distance_run_stopped_and_resumed(weather, tmp_path, monkeypatch, capsys, stop, schedule):
    settings = {"schedule": schedule, "keep": "best", "subset_epochs": 1, "subset_batches": 4}
    whole, broken = (distance_config(tmp_path / n, **settings) for n in ("whole", "broken"))
    assert train_distance(whole, [weather]) == tmp_path / "whole" / "model"
    with monkeypatch.context() as patched:
        stop_after(patched, DistanceTrainer, stop)
        assert train_distance(replaced(broken, {"progress": True}), [weather]) is None
    assert f"Stopped by SIGTERM after step {stop} of 8" in capsys.readouterr().err
    assert not (tmp_path / "broken" / "model").exists()
    assert train_distance(replaced(broken, {"resume": True}), [weather]) == tmp_path / "broken" / "model"
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")
    cards = [json.loads((tmp_path / n / "model" / "card.json").read_text()) for n in ("whole", "broken")]
    assert (
        cards[0]["scores"] == cards[1]["scores"] and cards[0]["distance_scale"] == cards[1]["distance_scale"]
    )


@pytest.mark.parametrize("stop", [1, 4])  # in the pre-training, and against the adversary
def test_gan_run_stopped_and_resumed(weather, tmp_path, monkeypatch, stop):
    whole, broken = (gan_config(tmp_path / n) for n in ("whole", "broken"))
    train_gan(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, GanTrainer, stop)
        assert train_gan(broken, [weather]) is None
    train_gan(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


def test_a_second_seed_gives_other_weights(weather, tmp_path):
    """Equality above is not the equality of anything with anything."""
    for seed in (0, 1):
        train_distance(
            distance_config(tmp_path / str(seed), seed=seed, epochs=1, batches_per_epoch=1), [weather]
        )
    a, b = (load_file(tmp_path / str(s) / "checkpoint.safetensors") for s in (0, 1))
    assert not torch.equal(a["network.encoder.stem.weight"], b["network.encoder.stem.weight"])


def test_resuming_refuses_what_is_not_the_same_run(weather, tmp_path):
    config = distance_config(tmp_path / "run", epochs=1, batches_per_epoch=1)
    with pytest.raises(UserError, match=r"Expected a run to resume in .*, found no config.json"):
        train_distance(replaced(config, {"resume": True}), [weather])
    train_distance(config, [weather])
    with pytest.raises(UserError, match=r"found the checkpoint of another in .*; add --resume"):
        train_distance(config, [weather])
    with pytest.raises(UserError, match=r"found --batch-size \(4 -> 5\), --learning-rate \(0.1 -> 0.2\)"):
        train_distance(replaced(config, {"resume": True, "batch_size": 5, "learning_rate": 0.2}), [weather])
    with pytest.raises(UserError, match=r"run of the same command in .*, found settings of DistanceConfig"):
        train_gan(gan_config(tmp_path / "run", resume=True), [weather])
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(b"torn")
    with pytest.raises(UserError, match="damaged file"):
        train_distance(replaced(config, {"resume": True}), [weather])
    (tmp_path / "run" / "config.json").write_text("{")
    with pytest.raises(UserError, match="found a broken file"):
        train_distance(replaced(config, {"resume": True}), [weather])


def test_a_setting_that_is_newer_than_the_run_had_its_default(weather, tmp_path):
    config = gan_config(tmp_path / "run", epochs=0, final_epochs=0)
    train_gan(config, [weather])
    path = tmp_path / "run" / "config.json"
    values = json.loads(path.read_text())
    del values["balance"]
    path.write_text(json.dumps(values))
    train_gan(replaced(config, {"resume": True}), [weather])
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match=r"--balance \(extra -> skip\)"):
        train_gan(replaced(config, {"resume": True, "balance": "skip"}), [weather])


def test_a_run_killed_before_its_first_checkpoint_starts_over(weather, tmp_path):
    config = distance_config(tmp_path / "run", epochs=1, batches_per_epoch=2)
    train_distance(config, [weather])
    first = load_file(tmp_path / "run" / "checkpoint.safetensors")
    (tmp_path / "run" / "checkpoint.safetensors").unlink()
    train_distance(replaced(config, {"resume": True}), [weather])
    second = load_file(tmp_path / "run" / "checkpoint.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first)
