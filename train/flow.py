"""Train a downscaling network by flow matching: its members are draws of the residual of a mean network.

python train/flow.py --preset demo --data DIR [DIR ...] --out runs/NAME
    [--start-from MODEL] [--solver-steps N] [--solver euler|heun] [--resume] [any field as a flag]
torchrun --nproc-per-node=N train/flow.py ...    (N processes: one per GPU, or on CPUs)
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import FLOW_PRESETS, FlowMatchingConfig

    config = _cli.parse(FlowMatchingConfig, FLOW_PRESETS, arguments, "python train/flow.py")
    from atmodist_core.training.flow.flow_training import train_flow

    return _cli.train(config, train_flow)


if __name__ == "__main__":
    _cli.run(main)
