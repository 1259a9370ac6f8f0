"""Score a distance network on the pretext task, on weather it has not seen, with 95 % intervals.

python train/score_distance.py --data assets/demo --distance atmodist-23 [--pairs 8192] [--out scores.json]
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import UserError
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

    lag_pairs: int = 256
    """Random pairs at every lag for the distances over the lag."""

    block_days: int = 4
    """Blocks of days resampled for the intervals, at least 3."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the classification; the distances are always float32."""

    seed: int = 1
    """Seed of the pairs."""

    out: Path | None = None
    """JSON file for the numbers."""


PREDICTORS = (
    ("this network", "network"),
    ("nearest neighbours in RMS differences", "rms"),
    ("the same, told the latitude", "rms_latitude"),
    ("small network of RMS differences, latitude, strength", "rms_network"),
    ("best of these three", "rms_best"),
)
TARGETS = (
    ("accuracy over chance", "accuracy_over_chance", ">= 5", 5.0),
    ("top-3 accuracy", "network_top3", ">= 0.5", 0.5),
    ("lag error (median) over that from RMS differences alone", "lag_error_ratio_alone", "<= 0.6", -0.6),
    ("the same, over the best predictor's above", "lag_error_ratio", "<= 0.6", -0.6),
    ("lag error (mode) over that from RMS differences alone", "mode_lag_error_ratio_alone", "<= 0.6", -0.6),
    ("the same, over the best predictor's above", "mode_lag_error_ratio", "<= 0.6", -0.6),
)


def report(scores: dict[str, float]) -> str:
    """Markdown tables of the scores of :func:`score_pretext_task`, with the targets they are held against."""

    def cell(name: str, digits: int) -> str:
        text = f"{scores[name]:.{digits}f}"
        if f"{name}_low" not in scores:  # too few days for an interval
            return text
        return f"{text} ({scores[f'{name}_low']:.{digits}f} to {scores[f'{name}_high']:.{digits}f})"

    lines = [
        "| predictor | accuracy | top-3 accuracy | lag error, median [h] | lag error, mode [h] |",
        "|---|---|---|---|---|",
    ]
    for title, who in PREDICTORS:
        names = (("accuracy", 3), ("top3", 3), ("lag_error_hours", 1), ("mode_lag_error_hours", 1))
        lines.append(f"| {title} | " + " | ".join(cell(f"{who}_{name}", n) for name, n in names) + " |")
    chance = [f"{scores[f'chance_{name}']:.3f}" for name in ("accuracy", "top3")]
    lines.append(f"| chance | {chance[0]} | {chance[1]} | {scores['chance_lag_error_hours']:.1f} | |")
    lines += ["", "| distance | reaches 90 % of its saturation at [h] | ratio to l2 |", "|---|---|---|"]
    metrics = [name.removeprefix("saturation_ratio_") for name in scores if _is_ratio(name)]
    lines.append(f"| l2 (MSE) | {cell('saturation_hours_mse', 0)} | |")
    for metric in metrics:
        title = "AtmoDist, all stages" if metric == "all" else f"AtmoDist, {metric}"
        hours, ratio = cell(f"saturation_hours_{metric}", 0), cell(f"saturation_ratio_{metric}", 2)
        lines.append(f"| {title} | {hours} | {ratio} |")
    lines += ["", "| target | wanted | found | met |", "|---|---|---|---|"]
    ratios = tuple(
        (f"90 % saturation lag, {m}, over l2's", f"saturation_ratio_{m}", ">= 1.7", 1.7) for m in metrics
    )
    for title, name, wanted, bound in (*TARGETS, *ratios):
        met = scores[name] >= bound if bound > 0 else scores[name] <= -bound
        lines.append(f"| {title} | {wanted} | {cell(name, 2)} | {'yes' if met else 'no'} |")
    return "\n".join(lines)


def _is_ratio(name: str) -> bool:
    return name.startswith("saturation_ratio_") and not name.endswith(("_low", "_high"))


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        ScoreDistanceConfig, {"default": ScoreDistanceConfig()}, arguments, "python train/score_distance.py"
    )
    for name in ("pairs", "lag_pairs"):
        if getattr(config, name) < 1:
            flag = name.replace("_", "-")
            raise UserError(f"Expected at least one pair, found --{flag} {getattr(config, name)}.")
    from atmodist_core.training.distance.pretext_score import score_pretext_task

    scores = score_pretext_task(
        config.distance,
        config.data,
        pairs=config.pairs,
        lag_pairs=config.lag_pairs,
        seed=config.seed,
        block_days=config.block_days,
        device=config.device,
        precision=config.precision,
    )
    print(
        f"{config.pairs} pairs of {', '.join(config.data)} ({scores['days']:.0f} days); 95 % intervals from"
        f" blocks of {config.block_days} days\n"
    )
    print(report(scores))
    if config.out is not None:
        config.out.parent.mkdir(parents=True, exist_ok=True)
        config.out.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
