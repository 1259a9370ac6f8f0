"""Compare runs: held-out scores during training, settings that differ, final scores.

python train/figures/compare.py RUN [RUN ...] --out docs/comparison
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.training.records.run_comparison import comparison_markdown, goal_of, read_runs, title_of
from atmodist_core.training.records.run_record import RunRecord
from train import _cli


@dataclasses.dataclass(frozen=True)
class CompareCommand:
    """Which runs to compare, and where to write."""

    runs: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of runs or of models, all of one kind; unfinished ones are shown as such."""
    preset: str = "default"
    """There is one preset."""
    out: Path = Path("runs/comparison")
    """Folder for comparison.png, .svg and .md; or a picture's name, beside which the others are written."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        CompareCommand, {"default": CompareCommand()}, arguments, "python train/figures/compare.py"
    )
    runs = read_runs(command.runs)
    from atmodist_core import figures
    from atmodist_core.figures.comparison import curves_figure

    named = command.out.suffix in (".png", ".svg", ".md")
    base = command.out.with_suffix("") if named else command.out / "comparison"
    curves = [curve for run in runs for curve in curves_of(run, samples_differ(runs))]
    figure = curves_figure(curves, title=f"{runs[0].kind}: held-out scores during training")
    base.parent.mkdir(parents=True, exist_ok=True)
    # Not with_suffix: a name such as srgan-0.001 has a dot of its own.
    for form in ("png", "svg"):
        base.with_name(f"{base.name}.{form}").write_bytes(figures.figure_bytes(figure, form))
    text = comparison_markdown(runs, f"{base.name}.png")
    base.with_name(f"{base.name}.md").write_text(text, encoding="utf-8")
    print(f"{text}\nWritten to {base}.md, .png and .svg.")
    return _cli.EXIT_OK


def samples_differ(runs: Sequence[RunRecord]) -> bool:
    """Return whether the batch sizes differ, so that samples are needed besides steps."""
    return len({run.samples_per_step for run in runs}) > 1


def curves_of(run: RunRecord, with_samples: bool) -> list:
    """Held-out scores of a run over its steps, its samples and its wall-clock time."""
    import numpy as np

    from atmodist_core.figures.comparison import Curve

    label = run.name if run.finished else f"{run.name} (not finished)"
    found = []
    for name in run.held_out_names:
        values = run.curves[name]
        there = np.isfinite(values)
        positions = {"steps": run.curves["step"][there]}
        if with_samples and run.samples_per_step is not None:
            positions["samples"] = run.curves["step"][there] * run.samples_per_step
        if run.seconds is not None:
            positions["wall clock [min]"] = run.curves["seconds"][there] / 60.0
        target = {"one": 1.0, "zero": 0.0}.get(goal_of(name) or "")
        found.append(Curve(label, title_of(name), positions, values[there], target))
    return found


if __name__ == "__main__":
    _cli.run(main)
