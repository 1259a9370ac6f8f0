"""Several processes train as one would: normalisation, gradients, curves, stopping and resuming."""

import csv
import json
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from atmodist_core.training.configuration import DISTANCE_PRESETS, DistanceConfig
from atmodist_core.training.distance.distance_start import build_distance_network
from atmodist_core.training.loop.distributed import any_process, mean_over_processes, same_on_all_processes
from tests.training.test_resume import same_curves, same_files
from tests.training.two_processes import OPTIONS, STEPS
from train import _cli, distance


def test_batch_norm_over_two_processes_is_that_of_the_whole_batch(tmp_path, repository):
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm2d(3, momentum=0.1)
    torch.nn.init.normal_(norm.weight), torch.nn.init.normal_(norm.bias)
    x, weights = torch.randn(8, 3, 4, 5) * 2 + 30, torch.randn(8, 3, 4, 5)
    given = {"x": x, "weights": weights} | {f"norm.0.{k}": v for k, v in norm.state_dict().items()}
    save_file({name: tensor.clone() for name, tensor in given.items()}, tmp_path / "given.safetensors")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    script = [sys.executable, str(repository / "tests" / "training" / "normalizing_process.py")]
    started = [subprocess.Popen([*script, str(rank), port, str(tmp_path)]) for rank in (0, 1)]
    assert [process.wait(timeout=900) for process in started] == [0, 0]
    found = [load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1)]

    x.requires_grad_()
    y = norm(x)
    (y * weights).sum().backward()
    close = {"rtol": 1e-4, "atol": 1e-4}
    for rank in (0, 1):
        torch.testing.assert_close(found[rank]["y"], y[rank::2].detach(), **close)
        torch.testing.assert_close(found[rank]["x"], x.grad[rank::2], **close)
        torch.testing.assert_close(found[rank]["mean"], norm.running_mean, **close)
        torch.testing.assert_close(found[rank]["variance"], norm.running_var, **close)
        torch.testing.assert_close(found[rank]["eval"], norm.eval()(x)[rank::2].detach(), **close)
        assert found[rank]["any"].tolist() == [True, False] == found[rank]["same"].tolist()
        assert float(found[rank]["average"]) == 0.5
    for name in ("weight", "bias"):
        total = found[0][name] + found[1][name]
        torch.testing.assert_close(total, getattr(norm, name).grad, **close)


def test_one_process_needs_no_partners():
    assert any_process(True) and not any_process(False) and same_on_all_processes(3)
    numbers = {"loss": torch.tensor(2.0)}
    assert mean_over_processes(numbers) == numbers


def rows(folder):
    with (folder / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_two_processes_train_as_one_does_and_resume_to_the_bit(tmp_path, repository):
    """torchrun with two CPU processes (gloo): 40 s of one core."""
    script = str(repository / "tests" / "training" / "two_processes.py")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [*launcher, script, str(tmp_path)], capture_output=True, text=True, timeout=1800, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert ended.stdout.count("The model and its card are in") == 3  # the first process alone reports

    # stopped on one process only, both left after the same step; resumed: the same weights and curves
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")
    starts = json.loads((tmp_path / "broken" / "environment.json").read_text())["starts"]
    assert [start["from_step"] for start in starts] == [0, 10]

    # one process with the same (whole) batches: the same curve but for the order of float32 sums
    distance.main([*OPTIONS, "--out", str(tmp_path / "single")])
    one, two = rows(tmp_path / "single"), rows(tmp_path / "whole")
    assert len(one) == len(two) == STEPS
    # (rounding grows from step to step, as a rectifier here and there falls on the other side of zero)
    for name, steps, tolerance in (
        ("loss", 5, 2e-5),
        ("gradient_norm", 3, 2e-5),
        ("gradient_norm", 5, 1e-3),
        ("loss", STEPS, 1e-3),
        ("held_out_loss", STEPS, 1e-3),
    ):
        for a, b in list(zip(one, two, strict=True))[:steps]:
            if a[name]:
                assert float(b[name]) == pytest.approx(float(a[name]), rel=tolerance), (a["step"], name)
    # the weights end nearly where those of one process do, measured by the way they went
    config = _cli.parse(DistanceConfig, DISTANCE_PRESETS, OPTIONS, "test")
    start = {f"network.{k}": t for k, t in build_distance_network(config).state_dict().items() if t.ndim > 1}
    ends = [load_file(tmp_path / name / "checkpoint.safetensors") for name in ("single", "whole")]
    before, one_end, two_end = (torch.cat([d[k].flatten() for k in start]) for d in (start, *ends))
    assert float((two_end - one_end).norm()) < 0.1 * float((one_end - before).norm())
    # without synchronised batch norm each process normalises its own half: another training
    first = [float(rows(tmp_path / name)[0]["loss"]) for name in ("single", "alone")]
    assert abs(first[0] - first[1]) > 1e-2
