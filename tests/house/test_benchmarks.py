"""What benchmarks compute beside the clock, and that those which lack something say so in one sentence."""

import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(name, *arguments):
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_without_the_peers_environment_one_sentence(tmp_path):
    said = run("peers", "--peer-python", str(tmp_path / "python"))
    assert said.startswith("Skipped: needs TensorFlow and sup3r") and said.count("\n") == 1
    assert (
        "benchmarks/peer_workers/requirements.txt" in said
        and (ROOT / "benchmarks" / "peer_workers" / "requirements.txt").is_file()
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_one_sentence():
    said = run("gpu")
    assert said.startswith("Skipped: needs a CUDA device") and said.count("\n") == 1


def test_peers_must_compute_the_same(tmp_path):
    peers = load("peers")
    task = peers.TASKS[0]
    fields = np.random.default_rng(0).standard_normal((1, 2, 16, 16)).astype(np.float32)
    answers = {name: {"parameters": 7} for name in ("ours float32", "ours bfloat16", "TensorFlow float32")}
    noise = {"ours float32": 0.0, "ours bfloat16": 0.01, "TensorFlow float32": 1e-6}

    def write():
        for name, size in noise.items():
            np.save(tmp_path / f"{task.name}: {name}.npy", fields * (1 + size))

    write()
    answers["sup3r float32"] = {"parameters": 8}  # another network: not compared
    assert "7 parameters" in peers.check(task, answers, tmp_path)
    noise["TensorFlow float32"] = 1e-3
    write()
    with pytest.raises(AssertionError):
        peers.check(task, answers, tmp_path)
    noise["TensorFlow float32"] = 0.0
    write()
    answers["TensorFlow float32"] = {"parameters": 8}
    with pytest.raises(AssertionError):
        peers.check(task, answers, tmp_path)


def test_the_exponent_of_a_cost():
    cost = load("cost")
    squares = [cost.Cost(size, 1.0, [3e-6 * size**2, 3e-6 * size**2, 1.0], 0.0) for size in (64, 128, 512)]
    assert cost.exponents(squares) == pytest.approx((2.0, 2.0))
    bent = [cost.Cost(size, 1.0, [seconds], 0.0) for size, seconds in ((1, 1.0), (2, 1.0), (4, 4.0))]
    assert cost.exponents(bent)[1] == pytest.approx(2.0)


def test_costs_are_measured():
    said = run(
        "cost", "--only", "spectrum of a region", "--largest", "128", "--repeats", "1", "--threads", "1"
    )
    assert "spectrum of a region: seconds ~ (points)^" in said
    assert "   64 points" in said and "  128 points" in said and "globe" not in said


def test_operations_are_counted():
    """A 3 x 3 convolution of 4 to 8 channels on 10 x 10 points: 2 * 9 * 4 * 8 * 100; backward twice that."""
    gpu = load("gpu")
    layer, x = torch.nn.Conv2d(4, 8, 3, padding=1), torch.randn(1, 4, 10, 10, requires_grad=True)
    assert gpu.operations(lambda: layer(x)) == 57_600
    assert gpu.operations(lambda: layer(x).sum().backward()) == 3 * 57_600


def test_what_bounds_a_step():
    gpu = load("gpu")
    assert gpu.what_bounds(1000.0, 1100.0, 0.3) == "data"
    assert gpu.what_bounds(1000.0, 9000.0, 0.3) == "launches"
    assert gpu.what_bounds(1000.0, 9000.0, 0.95) == "compute"
    assert gpu.what_bounds(1000.0, math.nan, math.nan) == "not known"


def test_peaks_of_cards():
    gpu = load("gpu")
    assert gpu.peak("NVIDIA H100 80GB HBM3", "bfloat16") == 989.5
    assert gpu.peak("NVIDIA H100 PCIe", "bfloat16") == 756.0
    assert gpu.peak("NVIDIA L40S", "float32") == 91.6 and gpu.peak("NVIDIA L4", "float32") == 30.3
    assert math.isnan(gpu.peak("CPU, no peak", "float32"))
