"""Train the distance network on the pretext task (classify the lag between two patches).

python train/distance.py --preset demo --data DIR [DIR ...] --out runs/NAME [--resume] [any field as a flag]
torchrun --nproc-per-node=N train/distance.py ...    (N processes: one per GPU, or on CPUs)
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import DISTANCE_PRESETS, DistanceConfig

    config = _cli.parse(DistanceConfig, DISTANCE_PRESETS, arguments, "python train/distance.py")
    from atmodist_core.training.distance.distance_training import train_distance

    return _cli.train(config, train_distance)


if __name__ == "__main__":
    _cli.run(main)
