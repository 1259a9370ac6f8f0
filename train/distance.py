"""Train the distance network on the pretext task (how many hours apart are two patches?).

python train/distance.py --preset demo --data DIR [DIR ...] --out runs/NAME [--resume] [any field as a flag]
torchrun --nproc-per-node=N train/distance.py ...    (N processes: one per GPU, or on CPUs)
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.configuration import DISTANCE_PRESETS, DistanceConfig

    config = _cli.parse(DistanceConfig, DISTANCE_PRESETS, arguments, "python train/distance.py")
    from atmodist_core.training.distance_training import train_distance
    from atmodist_core.training.synthetic import synthetic_fields

    made_up = config.preset == "smoke" and not config.data.data
    folder = train_distance(config, [synthetic_fields()] if made_up else None)
    if folder is None:
        return _cli.EXIT_INTERRUPTED
    if os.environ.get("RANK", "0") == "0":  # torchrun starts several processes; the first one writes
        print(f"The model and its card are in {folder}.")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
