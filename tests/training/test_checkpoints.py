import pytest
import torch

from atmodist_core.common import tensor_files
from atmodist_core.common.errors import UserError
from atmodist_core.training.loop import checkpoints


def make_module():
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    return module.to(memory_format=torch.channels_last)


def train(module, optimizer, steps):
    torch.manual_seed(5)
    for _ in range(steps):
        optimizer.zero_grad()
        module(torch.randn(4, 2, 8, 8)).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_module_and_optimiser_come_back_to_the_bit(tmp_path, kind):
    options = {"momentum": 0.9} if kind is torch.optim.SGD else {}

    def make():
        module = make_module()
        return module, kind(module.parameters(), lr=0.01, fused=True, **options)

    module, optimizer = make()
    train(module, optimizer, 3)
    tensors = checkpoints.module_tensors(module, "net") | checkpoints.optimizer_tensors(optimizer, "opt")
    checkpoints.write_checkpoint(tmp_path / "c.safetensors", tensors, {"step": 3, "nested": {"best": None}})
    train(module, optimizer, 2)

    again, again_optimizer = make()
    loaded, state = checkpoints.read_checkpoint(tmp_path / "c.safetensors")
    assert state == {"step": 3, "nested": {"best": None}}
    checkpoints.restore_module(again, loaded, "net")
    checkpoints.restore_optimizer(again_optimizer, loaded, "opt")
    momenta = again_optimizer.state[again[0].weight]
    key = "momentum_buffer" if kind is torch.optim.SGD else "exp_avg"
    assert momenta[key].is_contiguous(memory_format=torch.channels_last)
    train(again, again_optimizer, 2)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_failure_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    checkpoints.write_checkpoint(path, {"a": torch.ones(2)}, {"step": 1})

    def half_written(tensors, name, metadata):
        with open(name, "wb") as file:
            file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(tensor_files, "save_file", half_written)
    with pytest.raises(OSError, match="no space"):
        checkpoints.write_checkpoint(path, {"a": torch.zeros(2)}, {"step": 2})
    tensors, state = checkpoints.read_checkpoint(path)
    assert state == {"step": 1} and tensors["a"].tolist() == [1.0, 1.0]
    assert [file.name for file in tmp_path.iterdir()] == ["c.safetensors"]


def test_nothing_unwritable_or_unreadable_passes(tmp_path):
    path = tmp_path / "c.safetensors"
    with pytest.raises(ValueError, match="JSON"):
        checkpoints.write_checkpoint(path, {}, {"loss": float("nan")})
    with pytest.raises(UserError, match="found none at"):
        checkpoints.read_checkpoint(path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="damaged file at"):
        checkpoints.read_checkpoint(path)
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, str(path))  # safetensors, but not one of ours
    with pytest.raises(UserError, match="state"):
        checkpoints.read_checkpoint(path)
