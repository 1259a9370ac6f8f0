"""Train a downscaling generator, with the content loss of your choice, with or without an adversary.

python train/gan.py --preset demo --data DIR [DIR ...] --out runs/NAME
    [--content mse|l1|atmodist|autoencoder|random-encoder] [--start-from MODEL] [--resume] [any field as a flag]
torchrun --nproc-per-node=N train/gan.py ...    (N processes: one per GPU, or on CPUs)
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import GAN_PRESETS, GanConfig

    config = _cli.parse(GanConfig, GAN_PRESETS, arguments, "python train/gan.py")
    from atmodist_core.training.gan.gan_training import train_gan

    return _cli.train(config, train_gan)


if __name__ == "__main__":
    _cli.run(main)
