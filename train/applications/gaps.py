"""Train a network that fills gaps in fields, by the MSE, AtmoDist or scores of members.

python train/applications/gaps.py --preset demo --data DIR [DIR ...] --out runs/NAME
    [--preset atmodist|ensemble] [--start-from MODEL] [--resume] [any field as a flag]
torchrun --nproc-per-node=N train/applications/gaps.py ...    (N processes: one per GPU, or on CPUs)
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import GAP_PRESETS, GapConfig

    config = _cli.parse(GapConfig, GAP_PRESETS, arguments, "python train/applications/gaps.py")
    from atmodist_core.training.gaps.gap_training import train_gaps

    return _cli.train(config, train_gaps)


if __name__ == "__main__":
    _cli.run(main)
