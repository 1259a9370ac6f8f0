"""What each of two processes does in test_distributed.py; started by torchrun, it is no test itself.

python -m torch.distributed.run --standalone --nproc-per-node=2 tests/training/two_processes.py FOLDER
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from atmodist_core.training.distance.distance_training import DistanceTrainer
from train import distance

STEPS = 12
_OPTIONS = (
    "--preset smoke --device cpu --precision float32 --threads 1 --patch-size 40 --classes 5 --batch-size 4"
    " --times-per-place 4 --ema-decay 0.9 --keep best --epochs 2 --batches-per-epoch 6 --log-interval 1"
    " --learning-rate 0.0002 --schedule constant --validation-pairs 7 --final-pairs 8 --matching-pairs 2"
    " --no-progress --sample-epochs 0"
)
OPTIONS = _OPTIONS.split()


def stop_one_process(step: int) -> None:
    """Send SIGTERM to the second process alone, during a step."""
    original = DistanceTrainer.step

    def wrapped(self, number):
        if number == step and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, number)

    DistanceTrainer.step = wrapped
    try:
        yield
    finally:
        DistanceTrainer.step = original


def main(folder: str) -> None:
    """An uninterrupted run, one that is stopped and resumed, and one that normalises each batch alone."""
    call = [*OPTIONS, "--out"]
    assert distance.main([*call, f"{folder}/whole"]) == 0
    for _ in stop_one_process(3):
        assert distance.main([*call, f"{folder}/broken"]) == 130
    assert distance.main([*call, f"{folder}/broken", "--resume"]) == 0
    assert distance.main([*call, f"{folder}/alone", "--no-sync-batch-norm", "--epochs", "1"]) == 0


if __name__ == "__main__":
    main(sys.argv[1])
