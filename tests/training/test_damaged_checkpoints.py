"""A damaged checkpoint is noticed: the one before it is used, or the run is refused."""

import os
import shutil

import pytest
import torch

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.common.tensor_files import previous_path
from atmodist_core.simulation import run_simulation
from atmodist_core.training.distance.distance_training import DistanceTrainer, train_distance
from atmodist_core.training.loop import checkpoints
from tests.simulation.test_run import SMALL, stored
from tests.training.mock_weather import distance_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after


def flip_bit(path, position):
    """Flip a bit at a share of the file's length."""
    data = bytearray(path.read_bytes())
    data[int(position * (len(data) - 1))] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("position", [0.0, 0.02, 0.5, 1.0])
def test_any_flipped_bit_is_found(tmp_path, position):
    path = tmp_path / "c.safetensors"
    checkpoints.write_checkpoint(path, {"a": torch.arange(500.0), "b": torch.ones(3, 2)}, {"step": 1})
    flip_bit(path, position)
    with pytest.raises(UserError, match="damaged"):
        checkpoints.read_checkpoint(path)


def test_a_flipped_bit_in_the_state_is_found(tmp_path):
    path = tmp_path / "c.safetensors"
    checkpoints.write_checkpoint(path, {"a": torch.ones(2)}, {"step": 100})
    path.write_bytes(path.read_bytes().replace(b"100", b"101"))
    with pytest.raises(UserError, match="checksum"):
        checkpoints.read_checkpoint(path)


def test_checkpoints_of_earlier_versions_are_read(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "c.safetensors"
    save_file({"a": torch.ones(2)}, path, metadata={"state": '{"step": 3}'})
    assert checkpoints.read_checkpoint(path)[1] == {"step": 3}


def test_a_training_continues_from_the_checkpoint_before_a_damaged_one(weather, tmp_path, monkeypatch):
    config = distance_config(tmp_path / "broken", checkpoint_steps=2)
    with monkeypatch.context() as patch:
        stop_after(patch, DistanceTrainer, 5)
        assert train_distance(config, [weather]) is None
    path = tmp_path / "broken" / checkpoints.CHECKPOINT_NAME
    flip_bit(path, 0.7)
    with pytest.warns(AtmodistWarning, match=r"damaged.*the one before it"):
        train_distance(replaced(config, {"resume": True}), [weather])
    train_distance(distance_config(tmp_path / "whole", checkpoint_steps=2), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")
    flip_bit(path, 0.7)
    flip_bit(previous_path(path), 0.7)
    with pytest.raises(UserError, match="Expected an intact checkpoint"):
        train_distance(replaced(config, {"resume": True}), [weather])


def test_a_simulation_continues_from_the_checkpoint_before_a_damaged_one(tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "member"
    run_simulation(SMALL, whole)
    shutil.copytree(whole, out)
    flip_bit(out / "checkpoint.safetensors", 0.5)
    with pytest.warns(AtmodistWarning, match="damaged"):
        run_simulation(SMALL, out, resume=True)
    assert stored(out)["vorticity"].tobytes() == stored(whole)["vorticity"].tobytes()
    os.remove(previous_path(out / "checkpoint.safetensors"))
    flip_bit(out / "checkpoint.safetensors", 0.5)
    with pytest.raises(UserError, match="damaged file"):
        run_simulation(SMALL, out, resume=True)
