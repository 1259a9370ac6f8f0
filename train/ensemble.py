"""Train an ensemble generator by proper scores: its members are draws of what a coarse field allows.

python train/ensemble.py --preset demo --data DIR [DIR ...] --out runs/NAME
    [--crps-weight W] [--feature-weight W] [--patch-weight W] [--start-from MODEL] [--resume] [any field as a flag]
python train/ensemble.py --flow ...    (a rival by flow matching instead, with flags of its own)
torchrun --nproc-per-node=N train/ensemble.py ...    (N processes: one per GPU, or on CPUs)
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import (
        ENSEMBLE_PRESETS,
        FLOW_PRESETS,
        EnsembleConfig,
        FlowMatchingConfig,
    )

    if "--flow" in arguments:
        from atmodist_core.training.flow.flow_training import train_flow

        rest = [argument for argument in arguments if argument != "--flow"]
        flow = _cli.parse(FlowMatchingConfig, FLOW_PRESETS, rest, "python train/ensemble.py --flow")
        return _cli.train(flow, train_flow)
    config = _cli.parse(EnsembleConfig, ENSEMBLE_PRESETS, arguments, "python train/ensemble.py")
    from atmodist_core.training.ensemble.ensemble_training import train_ensemble

    return _cli.train(config, train_ensemble)


if __name__ == "__main__":
    _cli.run(main)
