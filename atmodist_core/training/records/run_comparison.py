"""Comparison of runs: settings that differ, and final scores with the best one marked."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from atmodist_core.common.errors import UserError
from atmodist_core.training.records.run_record import RunRecord, read_run

Goal = Literal["low", "high", "one", "zero"]

_HIGH = ("accuracy", "top3")
_LOW = ("loss", "error", "mse", "rmse", "wasserstein")


def read_runs(folders: Sequence[Path]) -> list[RunRecord]:
    """Read runs that can be compared; equal names get the name of the parent folder."""
    if not folders:
        raise UserError("Expected at least one folder of a run or a model, found none; name some.")
    runs = [read_run(folder) for folder in folders]
    kinds = {run.kind: run.name for run in runs}
    if len(kinds) > 1:
        found = ", ".join(f"a {kind} ({name})" for kind, name in kinds.items())
        raise UserError(f"Expected runs of one kind, found {found}; compare them apart.")
    names = [run.name for run in runs]
    return [
        replace(run, name=f"{folder.resolve().parent.name}/{run.name}") if names.count(run.name) > 1 else run
        for run, folder in zip(runs, folders, strict=True)
    ]


def goal_of(score: str) -> Goal | None:
    """Return the ideal direction or value of a score from its name; None if unknown.

    Examples
    --------
    >>> [goal_of(score) for score in ("lag_error_hours", "top3", "power_ratio_vorticity", "kurtosis")]
    ['low', 'high', 'one', None]
    """
    words = score.split("_")
    if "ratio" in words:
        return "one"
    if "spurious" in words:
        return "zero"  # too little counts like too much
    if any(word in words for word in _HIGH):
        return "high"
    return "low" if any(word in words for word in _LOW) else None


def best_runs(runs: Sequence[RunRecord], score: str) -> set[str]:
    """Names of the finished runs with the best value of a score (several when they are equal).

    A single one is not marked: it is the best of nothing.
    """
    goal = goal_of(score)
    values = {run.name: run.scores[score] for run in runs if run.finished and score in run.scores}
    values = {name: value for name, value in values.items() if math.isfinite(value)}
    if goal is None or len(values) < 2:
        return set()
    loss = {
        name: {"low": value, "high": -value, "one": abs(value - 1.0), "zero": abs(value)}[goal]
        for name, value in values.items()
    }
    least = min(loss.values())
    return {name for name, value in loss.items() if value == least}


def differing_settings(runs: Sequence[RunRecord]) -> dict[str, list[Any]]:
    """Settings that all runs have and that are not the same in all, in the order of the runs."""
    shared = [name for name in runs[0].settings if all(name in run.settings for run in runs)]
    table = {name: [run.settings[name] for run in runs] for name in shared}
    return {name: values for name, values in table.items() if any(value != values[0] for value in values)}


def comparison_markdown(runs: Sequence[RunRecord], picture: str | None = None) -> str:
    """The comparison as Markdown: settings that differ, budgets, final scores, the address of a picture."""
    header = ["", *(run.name for run in runs)]
    settings = [[name, *(_text(v) for v in values)] for name, values in differing_settings(runs).items()]
    parts = [f"# Comparison of {len(runs)} run(s): {runs[0].kind}"]
    if picture:
        parts.append(f"![Held-out scores during training]({picture})")
    parts.append("## Settings that differ")
    parts.append(_table(header, settings) if settings else "None of those that all runs record.")
    parts.append("## Budget")
    parts.append(_table(header, _budget(runs)))
    parts.append("## Held-out scores")
    names = list(dict.fromkeys(name for run in runs for name in run.scores))
    rows = []
    for name in names:
        best = best_runs(runs, name)
        cells = [f"{run.scores[name]:.4g}" if name in run.scores else "" for run in runs]
        cells = [
            f"**{cell}**" if run.name in best else f"*{cell}*" if cell and not run.finished else cell
            for run, cell in zip(runs, cells, strict=True)
        ]
        rows.append([title_of(name), *cells])
    parts.append(_table(header, rows) if rows else "None yet.")
    remark = "Each run's scores are those on its own held-out data; bold: the best of the finished runs"
    unfinished = [run.name for run in runs if not run.finished]
    if unfinished:
        remark += f"; italic: the latest of a run that is not finished ({', '.join(unfinished)})"
    parts.append(f"{remark}.")
    return "\n\n".join(parts) + "\n"


def _budget(runs: Sequence[RunRecord]) -> list[list[str]]:
    def samples(run: RunRecord) -> str:
        return "" if run.samples_per_step is None else f"{run.steps * run.samples_per_step:,}"

    def time(run: RunRecord) -> str:
        whole = round(run.seconds or 0.0)
        return "" if run.seconds is None else f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

    return [
        ["state", *("finished" if run.finished else "not finished" for run in runs)],
        ["steps", *(f"{run.steps:,}" for run in runs)],
        ["samples", *map(samples, runs)],
        ["wall clock [h:min:s]", *map(time, runs)],
        ["computed on", *(run.computed_on for run in runs)],
    ]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def title_of(score: str) -> str:
    """A score's name for people, with its unit.

    Examples
    --------
    >>> title_of("held_out_lag_error_hours")
    'lag error [h]'
    """
    words = score.removeprefix("held_out_")
    if words.endswith("_hours"):
        return f"{words.removesuffix('_hours').replace('_', ' ')} [h]"
    return words.replace("_", " ").replace("top3", "top-3 accuracy").replace("mse", "MSE")
