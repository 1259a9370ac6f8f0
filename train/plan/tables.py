"""One table of all finished models of a plan: scores, and what training and inference cost."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.plan.runs import Job, progress_of

HELD_OUT = {
    "mse": "MSE",
    "crps": "CRPS",
    "spread_error_ratio": "spread / error",
    "power_ratio": "power",
    "kurtosis_ratio": "kurtosis",
    "low_quantile_ratio": "0.1 % quantile",
    "high_quantile_ratio": "99.9 % quantile",
}
"""Held-out scores of the cards: of the training's own patches."""

EVALUATED = (
    *("crps", "energy_score", "variogram_score", "spread_error_ratio", "rank_deviation"),
    *("joint_extremes_ratio", "tail_dependence_ratio", "log_spectral_distance"),
    *("gradient_kurtosis_ratio", "vortex_count_ratio", "vortex_size_ratio"),
)
"""Measures of train/evaluate.py, where a model was evaluated."""


def score_table(jobs: Sequence[Job], evaluation: Path | None = None) -> str:
    """Return a Markdown table of the finished downscaling models of some jobs.

    Parameters
    ----------
    jobs : sequence of Job
        Others than generators and unfinished ones are left out.
    evaluation : Path, optional
        The ``.json`` of train/evaluate.py; its models have the names of the experiments.
    """
    evaluated = {} if evaluation is None else json.loads(evaluation.read_text(encoding="utf-8"))["models"]
    names = [name for name in EVALUATED if any(name in scores for scores in evaluated.values())]
    header = ["model", *HELD_OUT.values(), *names, "training [s]", "passes a field", "parameters"]
    rows = [header, ["---", *["---:"] * (len(header) - 1)]]
    for job in jobs:
        if job.experiment.command in ("distance", "autoencoder") or not (job.model / "card.json").is_file():
            continue
        card = json.loads((job.model / "card.json").read_text(encoding="utf-8"))
        seconds = progress_of(job).seconds
        rows.append(
            [
                job.name,
                *(_held_out(card["scores"], name) for name in HELD_OUT),
                *(_measure(evaluated.get(job.name, {}).get(name)) for name in names),
                "" if seconds is None else f"{seconds:.0f}",
                str(_passes(card["architecture"])),
                f"{card['parameters']:,}",
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _held_out(scores: Mapping[str, float], name: str) -> str:
    found = [scores.get(f"held_out_{name}{field}") for field in ("", "_vorticity", "_divergence")]
    return " / ".join(f"{value:.3g}" for value in found if value is not None)


def _measure(by_field: Mapping[str, Sequence[float]] | None) -> str:
    return "" if by_field is None else " / ".join(f"{values[0]:.3g}" for values in by_field.values())


def _passes(architecture: Mapping[str, Any]) -> int:
    """Passes of a network of the generator's size for one field: of a flow the mean, and each estimate of its solver."""
    flow = architecture.get("flow")
    if flow is None:
        return 1
    return 1 + flow["steps"] + (flow["steps"] - 1 if flow["solver"] == "heun" else 0)
