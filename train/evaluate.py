"""Evaluate downscalers over any period of any source: one store that can be killed, resumed, extended and merged, one file.

python train/evaluate.py --data data/member-3 --models bicubic srgan-4x-mse srgan-4x-atmodist --distance atmodist-23
    [--period 2001-01 2001-03] [--every-hours 6] [--out runs/evaluation] [--scheduler tcp://host:8786] [--workers 2]
python train/evaluate.py ... --merge january/evaluation february/evaluation --out runs/evaluation

Statistics go to <out>/statistics, block by block of eight days; a killed run goes on where it was when the same command is
given again, and a longer --period or another model computes only what is new. Given the same command with --merge, the
statistics of other folders (pieces of the period made elsewhere) are taken over first. At the end <out>/evaluation.nc holds
every result with its interval: train/report.py makes a report of it, and the page shows it.
"""

import dataclasses
import os
import shlex
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import AtmodistWarning, UserError
from train import _cli

if TYPE_CHECKING:
    from atmodist_core.evaluation.run.plan import EvaluationPlan


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """What to evaluate, on which data."""

    models: tuple[str, ...] = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
    """Names or folders of downscalers, or label=folder."""

    data: tuple[str, ...] = ("demo",)
    """Files, stores, patterns or URLs that open_fields reads, or "demo"; each is a member of its own."""

    period: tuple[str, ...] = ()
    """First and last date, both included, or one date such as 2001-01; everything by default."""

    every_hours: int = 0
    """Use times that are a multiple of so many hours (0: every time) for all but the values at cities."""

    cities_every_hours: int = 0
    """The same for the values at cities; -1 leaves them out."""

    distance: str = "none"
    """Name or folder of a distance network: adds its distance to the truth, and its own evaluation."""

    lag_pairs: int = 32
    """Pairs of patches at each time on which the distance network itself is judged; 0 leaves that out."""

    maps: bool = True
    """Make maps of mean, standard deviation, skewness, kurtosis and error."""

    series: bool = True
    """Make SSIM and PSNR over time."""

    reference: str = "srgan-4x-mse"
    """Label of the model that the others are compared with at cities."""

    block_days: int = 3
    """Length of the blocks of days that are resampled for intervals."""

    replicates: int = 1000
    """Number of resamplings; 0 for no intervals."""

    seed: int = 0
    """Of the resampling and of the pairs."""

    level: str | None = None
    """Level, where there are several."""

    factor: int | None = None
    """Downscaling factor of interpolations, 4 by default; a network has its own."""

    device: str | None = None
    """Where networks compute; a GPU where there is one by default."""

    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Of the networks; bfloat16 is faster and changes fields by 1 to 2 %."""

    scheduler: str = "threads"
    """Threads of this machine, or the address of a Dask scheduler, such as tcp://host:8786."""

    workers: int = 0
    """Blocks worked on at once; by default one for every two processors, or all that a cluster has."""

    merge: tuple[Path, ...] = ()
    """Folders of other runs whose statistics are taken over first."""

    out: Path = Path("runs/evaluation")
    """Folder of the statistics and of evaluation.nc."""

    progress: bool = True
    """Show what is done and the time left."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(EvaluateConfig, {"default": EvaluateConfig()}, arguments, "python train/evaluate.py")
    if config.block_days < 1 or config.replicates < 0 or config.workers < 0:
        raise UserError(
            f"Expected --block-days 1 or more, --replicates and --workers 0 or more, found {config.block_days}, "
            f"{config.replicates} and {config.workers}."
        )
    # Only now, since torch takes seconds to import: a wrong flag is told at once.
    from atmodist_core.evaluation.bootstrap import Bootstrap
    from atmodist_core.evaluation.results.build import evaluation_tree
    from atmodist_core.evaluation.results.file import write_evaluation
    from atmodist_core.evaluation.run.evaluation import evaluate
    from atmodist_core.evaluation.run.plan import EvaluationPlan
    from atmodist_core.evaluation.store.merging import merge_statistics
    from atmodist_core.harmonics import keep_freed_memory

    # The same arrays come and go for every field: handed back to the system each time, their pages would be zeroed anew.
    keep_freed_memory()
    names = {entry.name for entry in dataclasses.fields(EvaluationPlan)}
    plan = EvaluationPlan(
        **{name: getattr(config, name) for name in names & set(vars(config))},
        torch_threads=_threads_of_a_worker(config),
    )
    bar = _Progress(config.progress)
    for folder in merge_statistics(config.merge, config.out):
        bar.say(f"took over {folder}")
    stop, asked = _stop_on_signals()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AtmodistWarning)
        prepared = evaluate(
            plan, scheduler=config.scheduler, workers=_workers(config), progress=bar, stop=stop
        )
        bar.close()
        if prepared is None:
            print(
                f"Stopped; {config.out} holds what was done, the same command goes on.",
                file=sys.stderr,
            )
            return _cli.EXIT_INTERRUPTED
        command = shlex.join(["python", "train/evaluate.py", *arguments])
        bootstrap = Bootstrap(config.block_days, config.replicates, seed=config.seed)
        reference = _reference(config, plan, [model.label for model in prepared.models])
        tree = evaluation_tree(
            plan, prepared, bootstrap, reference, command, lambda what: bar.say(f"making {what}")
        )
    notes = {str(w.message) for w in caught if issubclass(w.category, AtmodistWarning)}
    tree.attrs["notes"] = "\n".join(filter(None, [tree.attrs["notes"], *sorted(notes)]))
    for entry in caught:
        if not issubclass(entry.category, AtmodistWarning):
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)
    write_evaluation(tree, config.out / "evaluation.nc")
    print(f"Wrote {config.out / 'evaluation.nc'}: {tree.attrs['times']} times, {tree.attrs['days']} days.")
    return _cli.EXIT_OK if not asked else _cli.EXIT_INTERRUPTED


def _reference(config: EvaluateConfig, plan: "EvaluationPlan", labels: list[str]) -> str:
    """The reference that was asked for; the first model where the default is not among the models."""
    if config.reference in labels or config.reference != EvaluateConfig.reference:
        return config.reference
    return labels[0]


def _workers(config: EvaluateConfig) -> int:
    return config.workers or (max(1, (os.cpu_count() or 1) // 2) if config.scheduler == "threads" else 0)


def _threads_of_a_worker(config: EvaluateConfig) -> int:
    """Threads of the networks, so that all workers of this machine together have one for each processor."""
    if config.scheduler != "threads":
        return 0
    return max(1, (os.cpu_count() or 1) // _workers(config))


def _stop_on_signals() -> tuple[Any, list[int]]:
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("\nStopping after the times in hand; once more to stop at once.", file=sys.stderr)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return lambda: bool(asked), asked


class _Progress:
    """Fields done and time left, on standard error."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show what is done; the first call says how much there is."""
        if not self._shown:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=total, unit="field", file=sys.stderr, mininterval=2 if sys.stderr.isatty() else 30
            )
        self._bar.update(done - self._bar.n)

    def say(self, sentence: str) -> None:
        """Print a line."""
        if self._shown:
            print(sentence, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()


if __name__ == "__main__":
    _cli.run(main)
