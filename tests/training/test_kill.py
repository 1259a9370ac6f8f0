"""Every command, killed without warning (SIGKILL), resumed, against one that was left alone: equal weights."""

import subprocess
import sys
import time

import pytest

from tests.training.test_resume import same_curves, same_files

SHARED = "--preset smoke --threads 1 --checkpoint-steps 2 --no-progress --sample-epochs 0 --device cpu"
COMMANDS = {
    "distance": "--patch-size 40 --epochs 2 --batches-per-epoch 5 --batch-size 4 --classes 5"
    " --validation-pairs 4 --final-pairs 4 --matching-pairs 1 --times-per-place 4 --ema-decay 0.9",
    "gan": "--patch-size 16 --batch-size 2 --batches-per-epoch 4 --residual-blocks 1 --filters 8"
    " --validation-patches 2",
    "ensemble": "--patch-size 16 --batch-size 2 --batches-per-epoch 10 --residual-blocks 1 --filters 8"
    " --validation-patches 2 --adversarial-weight 0.01 --discriminator-filters 8 8 --discriminator-dense 8",
    "autoencoder": "--patch-size 32 --batch-size 2 --batches-per-epoch 4 --validation-patches 2",
}


@pytest.mark.parametrize(
    "command",
    [name if name == "distance" else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS],
)
def test_kill_9_loses_no_more_than_a_checkpoint_interval(command, repository, tmp_path):
    def call(name, *more):
        script = [sys.executable, str(repository / "train" / f"{command}.py")]
        options = [*SHARED.split(), *COMMANDS[command].split()]
        return [*script, *options, "--out", str(tmp_path / name), *more]

    checkpoint = tmp_path / "broken" / "checkpoint.safetensors"
    process = subprocess.Popen(call("broken"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 1500
    while not checkpoint.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.kill()  # SIGKILL
    process.wait(timeout=600)
    killed_in_time = checkpoint.exists() and not (tmp_path / "broken" / "model").exists()
    assert killed_in_time, "killed before the first checkpoint or after the end"

    for arguments in (call("broken", "--resume"), call("whole")):
        ended = subprocess.run(arguments, capture_output=True, text=True, timeout=1800)
        assert ended.returncode == 0, ended.stderr
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")
