"""Train an autoencoder: the distance network's encoder learned from reconstruction, a control for content losses.

python train/autoencoder.py --preset demo --data DIR [DIR ...] --out runs/NAME [--resume] [any field as a flag]
torchrun --nproc-per-node=N train/autoencoder.py ...    (N processes: one per GPU, or on CPUs)
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import AUTOENCODER_PRESETS, AutoencoderConfig

    config = _cli.parse(AutoencoderConfig, AUTOENCODER_PRESETS, arguments, "python train/autoencoder.py")
    from atmodist_core.training.autoencoder.autoencoder_training import train_autoencoder

    return _cli.train(config, train_autoencoder)


if __name__ == "__main__":
    _cli.run(main)
