"""Score a distance network on the pretext task, on weather it has not seen.

python train/score_distance.py --data assets/demo --distance atmodist-23 [--pairs 8192] [--out scores.json]
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.errors import UserError
from train import _cli


@dataclasses.dataclass(frozen=True)
class ScoreDistanceConfig:
    """Which network, on which weather."""

    preset: str = "default"
    """There is one preset."""

    data: tuple[str, ...] = ("assets/demo",)
    """Unbroken series that open_fields reads; pairs are never made across two."""

    distance: str = "atmodist-23"
    """Name or folder of the distance network."""

    pairs: int = 8192
    """Random pairs that are judged."""

    seed: int = 1
    """Seed of the pairs."""

    out: Path | None = None
    """JSON file for the numbers."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        ScoreDistanceConfig, {"default": ScoreDistanceConfig()}, arguments, "python train/score_distance.py"
    )
    if config.pairs < 1:
        raise UserError(f"Expected at least one pair, found --pairs {config.pairs}; 8192 takes a minute.")
    from atmodist_core.training.held_out import score_pretext_task

    scores = score_pretext_task(config.distance, config.data, pairs=config.pairs, seed=config.seed)
    rows = (
        ("this network, most probable lag", "network"),
        ("this network, median of its distribution", "network_median"),
        ("nearest neighbours in RMS differences, median", "rms"),
        ("least squares on RMS differences", "least_squares"),
        ("chance", "chance"),
    )
    print(f"{config.pairs} pairs of {', '.join(config.data)}\n")
    print("| predictor | accuracy | top-3 accuracy | mean absolute lag error [h] |")
    print("|---|---|---|---|")
    for title, prefix in rows:
        accuracy, top3 = (
            f"{scores[key]:.3f}" if (key := f"{prefix}_{name}") in scores else ""
            for name in ("accuracy", "top3")
        )
        print(f"| {title} | {accuracy} | {top3} | {scores[f'{prefix}_lag_error_hours']:.1f} |")
    if config.out is not None:
        config.out.parent.mkdir(parents=True, exist_ok=True)
        config.out.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
