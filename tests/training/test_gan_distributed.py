"""Two processes train generators and the autoencoder as one of the same batch does."""

import csv
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from tests.training.two_gan_processes import AUTOENCODER, ENSEMBLE, GAN
from train import autoencoder, ensemble, gan

TOLERANCE = 1e-3
"""Of losses, relative or absolute, over nine steps: the same sums in another order. Adam divides gradients by their
size, so that where one is nearly zero its rounding error moves the weight by as much as a step does."""


def curves(folder, names):
    with (folder / "curves.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return torch.tensor([[float(row[name] or 0) for name in names] for row in rows])


@pytest.mark.slow
def test_two_processes_train_as_one(repository, tmp_path):
    script = str(repository / "tests" / "training" / "two_gan_processes.py")
    launch = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        script,
        str(tmp_path / "two"),
    ]
    ended = subprocess.run(
        [sys.executable, *launch], capture_output=True, text=True, timeout=1800, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("The model and its card are in") == 3  # the first process alone speaks
    assert gan.main([*GAN, "--out", str(tmp_path / "one" / "gan")]) == 0
    assert ensemble.main([*ENSEMBLE, "--out", str(tmp_path / "one" / "ensemble")]) == 0
    assert autoencoder.main([*AUTOENCODER, "--out", str(tmp_path / "one" / "autoencoder")]) == 0

    names = ["loss", "mse", "adversarial", "discriminator_loss", "r1", "generator_steps", "held_out_mse"]
    # Batch normalisation over the few values at the encoder's end makes more of a rounding error.
    scores = ["loss", "crps", "patches", "features", "spread", "held_out_crps_vorticity"]
    kinds = (
        ("gan", names, TOLERANCE),
        ("ensemble", scores, TOLERANCE),
        ("autoencoder", ["loss", "gradient_norm"], 10 * TOLERANCE),
    )
    for kind, columns, tolerance in kinds:
        one, two = (curves(tmp_path / count / kind, columns) for count in ("one", "two"))
        torch.testing.assert_close(one, two, rtol=tolerance, atol=TOLERANCE)
    one, two = (
        load_file(tmp_path / count / "gan" / "model" / "model.safetensors") for count in ("one", "two")
    )
    for name, weights in one.items():
        difference = (weights - two[name]).norm() / weights.norm().clamp_min(1e-3)
        assert float(difference) < 10 * TOLERANCE, name
