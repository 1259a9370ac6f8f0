"""Evaluate downscalers over any period of any source: every measure with its interval, in one file and in tables.

python train/evaluate.py --data data/member-3 --models bicubic srgan-4x-mse srgan-4x-atmodist --distance atmodist-23
    [--period 2001-01 2001-03] [--every-hours 6] [--region Europe] [--out runs/evaluation]
    [--scheduler tcp://host:8786] [--workers 2] [--markdown docs/experiments.md --name member-3]
python train/evaluate.py --conditional data/nudged --models my-ensemble --members 8 [--period 2001-08-25] [--out runs/conditional]
python train/evaluate.py ... --merge january/evaluation february/evaluation --out runs/evaluation

Statistics are stored in <out>/statistics in blocks of eight days. A run can be interrupted, resumed, extended and merged:
the same command continues an interrupted run, and a longer --period or another model computes only what is new. With
--merge, the statistics of other folders (parts of the period computed elsewhere) are added first. <out>/evaluation.nc
holds every result with its interval, for train/report.py and the page; <out>/<name>.md and .json hold tables.

--conditional holds ensembles against nudged simulations (see docs/conditional.md) and writes <out>/conditional.nc and .md.
"""

import dataclasses
import json
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
    from atmodist_core.evaluation.results.evaluation_result import EvaluationResult


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Models, data and statistics of an evaluation."""

    models: tuple[str, ...] = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
    """Names or folders of downscalers, or label=folder."""

    data: tuple[str, ...] = ("demo",)
    """Files, stores, patterns or URLs that open_fields reads, or "demo"; each is a member of its own."""

    period: tuple[str, ...] = ()
    """First and last date, both included, or one date such as 2001-01; or two dates for each of several --data;
    everything by default."""

    region: str | None = None
    """Name of a region; the whole area of the data by default."""

    every_hours: int = 0
    """Use times that are a multiple of so many hours (0: every time) for all but the values at cities."""

    cities_every_hours: int = 0
    """The same for the values at cities; -1 leaves them out."""

    distance: str = "none"
    """Name or folder of a distance network: adds its distance to the truth, and its own evaluation."""

    distance_layers: tuple[str, ...] = ()
    """Layers of the network at which distances are taken; the last by default."""

    members: int = 0
    """Verify ensembles of so many members; 0 for none. Models without noise count as one member."""

    member_seed: int = 0
    """Seed of the noise of the members."""

    conditional: Path | None = None
    """Folder of nudged simulations that ensembles are held against, instead of the evaluation of --data."""

    conditional_truths: int = 0
    """So many of the nudged simulations, the reference first, are downscaled; 0 for all."""

    lag_pairs: int = 32
    """Pairs of patches at each time on which the distance network itself is evaluated; 0 for none."""

    maps: bool = True
    """Make maps of mean, standard deviation, skewness, kurtosis and error."""

    series: bool = True
    """Make SSIM and PSNR over time."""

    latitude_edges: tuple[float, ...] = ()
    """Edges of belts of latitude for the power of the band [degrees], such as 0 20 40 60 90; none by default."""

    targets: bool = True
    """List the project's targets, met or missed."""

    candidates: tuple[str, ...] = ("srgan-4x-atmodist", "ensemble-4x-atmodist")
    """Labels of the models whose targets are listed (with --members those of ensembles); others than --models are left out."""

    reference: tuple[str, ...] = ("srgan-4x-mse",)
    """Label of the model that others are compared with; for targets also one for each candidate."""

    block_days: int = 3
    """Length of the blocks of days that are resampled for intervals."""

    replicates: int = 1000
    """Number of resamplings; 0 for no intervals."""

    seed: int = 0
    """Seed of the resampling and of the pairs."""

    level: str | None = None
    """Level, where there are several."""

    fields: tuple[str, ...] = ()
    """Fields, such as temperature@850 u@500; by default those of the networks, or vorticity and divergence."""

    factor: int | None = None
    """Downscaling factor of interpolations, 4 by default; a network has its own."""

    device: str | None = None
    """Device of the networks; a GPU where there is one by default."""

    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Precision of the networks; bfloat16 is faster and changes fields by 1 to 2 %."""

    truncate: bool = False
    """Truncate results at the truncation that the data state (whole globe only)."""

    scheduler: str = "threads"
    """Threads of this machine, or the address of a Dask scheduler, such as tcp://host:8786."""

    workers: int = 0
    """Blocks computed at once; by default one for every two processors, or all that a cluster has."""

    merge: tuple[Path, ...] = ()
    """Folders of other runs whose statistics are merged first."""

    out: Path = Path("runs/evaluation")
    """Folder of the statistics, of evaluation.nc and of the tables."""

    name: str = "evaluation"
    """Name of the tables, in files and in documents."""

    markdown: Path | None = None
    """Document in which the tables <name>-summary, <name>-cities, ... between markers are replaced."""

    city_values: Path | None = None
    """NetCDF file for the values at cities, which the page's Cities view reads."""

    progress: bool = True
    """Show progress and the time left."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(EvaluateConfig, {"default": EvaluateConfig()}, arguments, "python train/evaluate.py")
    _check(config)
    if config.conditional is not None:
        return _conditional(config)
    # Only now, since torch takes seconds to import: a wrong flag is reported at once.
    from atmodist_core.evaluation.bootstrap import Bootstrap
    from atmodist_core.evaluation.results.build import evaluation_tree
    from atmodist_core.evaluation.results.evaluation_result import evaluation_result
    from atmodist_core.evaluation.results.file import write_evaluation
    from atmodist_core.evaluation.run.evaluation import evaluate
    from atmodist_core.evaluation.run.plan import EvaluationPlan
    from atmodist_core.evaluation.store.merging import merge_statistics
    from atmodist_core.harmonics import keep_freed_memory

    # The same arrays are allocated for every field: returned to the system, their pages would be zeroed each time.
    keep_freed_memory()
    bootstrap = Bootstrap(config.block_days, config.replicates, seed=config.seed)
    names = {entry.name for entry in dataclasses.fields(EvaluationPlan)}
    plan = EvaluationPlan(
        **{name: getattr(config, name) for name in names & set(vars(config))},
        torch_threads=_threads_of_a_worker(config),
    )
    bar = _Progress(config.progress)
    for folder in merge_statistics(config.merge, config.out):
        bar.say(f"merged {folder}")
    stop, asked = _stop_on_signals()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AtmodistWarning)
        prepared = evaluate(
            plan, scheduler=config.scheduler, workers=_workers(config), progress=bar, stop=stop
        )
        bar.close()
        if prepared is None:
            print(
                f"Stopped; {config.out} holds the results so far, the same command continues.",
                file=sys.stderr,
            )
            return _cli.EXIT_INTERRUPTED
        reference = _reference(config, prepared.labels)
        result = evaluation_result(prepared, bootstrap, bar.say)
        command = shlex.join(["python", "train/evaluate.py", *arguments])
        result.notes += sorted({str(w.message) for w in caught if issubclass(w.category, AtmodistWarning)})
        tree = evaluation_tree(result, reference, command, lambda what: bar.say(f"making {what}"))
    for entry in caught:
        if not issubclass(entry.category, AtmodistWarning):
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)
    write_evaluation(tree, config.out / "evaluation.nc")
    if config.city_values is not None:
        from atmodist_core.evaluation.results.city_file import city_series_of, write_city_values

        write_city_values(city_series_of(result), config.city_values)
    _report(config, result, reference, command)
    print(f"Wrote {config.out / 'evaluation.nc'}: {result.times} times, {result.days} days.")
    return _cli.EXIT_OK if not asked else _cli.EXIT_INTERRUPTED


def _conditional(config: EvaluateConfig) -> int:
    """Hold ensembles against nudged simulations; write the statistics and a table."""
    from atmodist_core.evaluation.ensembles.conditional import conditional_statistics, open_nudged
    from atmodist_core.evaluation.ensembles.conditional_tables import conditional_table
    from atmodist_core.evaluation.run.member_run import selected_times
    from atmodist_core.evaluation.run.models import load_models

    assert config.conditional is not None
    span = slice(config.period[0], config.period[-1]) if config.period else None
    states, degree = open_nudged(config.conditional, span)
    states = states.isel(time=selected_times(states["time"].values, config.every_hours))
    models = load_models(
        config.models,
        precision=config.precision,
        device=config.device,
        factor=config.factor,
        members=config.members,
        seed=config.member_seed,
    )
    say = _Progress(config.progress).say
    results = conditional_statistics(
        states, models, degree=degree, truths=config.conditional_truths, seed=config.seed, report=say
    )
    config.out.mkdir(parents=True, exist_ok=True)
    scratch = config.out / f".conditional.{os.getpid()}.nc"
    results.to_netcdf(scratch)
    scratch.replace(config.out / "conditional.nc")
    _write(config.out / "conditional.md", conditional_table(results) + "\n")
    print(
        f"Wrote {config.out / 'conditional.nc'}: {results.sizes['time']} times.\n\n{conditional_table(results)}"
    )
    return _cli.EXIT_OK


def _check(config: EvaluateConfig) -> None:
    """Refuse bad settings before hours of work."""
    if config.workers < 0:
        raise UserError(f"Expected --workers 0 or more, found {config.workers}.")
    if config.conditional_truths < 0:
        raise UserError(f"Expected --conditional-truths 0 or more, found {config.conditional_truths}.")
    if config.conditional is not None and config.members < 2:
        raise UserError(
            f"Expected --members 2 or more with --conditional, found {config.members}; 8 is usual."
        )
    if len(config.reference) not in (1, len(config.candidates)):
        raise UserError(
            f"Expected one --reference, or one for each of {len(config.candidates)} candidates, found "
            f"{len(config.reference)}."
        )
    if config.markdown is not None and not config.markdown.is_file():
        raise UserError(f"Expected a document at --markdown {config.markdown}, found none.")
    file = config.city_values
    if file is not None and (file.suffix != ".nc" or not file.resolve().parent.is_dir()):
        raise UserError(
            f"Expected --city-values in an existing folder and ending in .nc, found {str(file)!r}."
        )


def _reference(config: EvaluateConfig, labels: list[str]) -> str:
    """The first reference; the first model where the default is not among the models."""
    if config.reference[0] in labels or config.reference != EvaluateConfig.reference:
        return config.reference[0]
    return labels[0]


def _report(config: EvaluateConfig, result: "EvaluationResult", reference: str, command: str) -> None:
    """Write tables and numbers, fill the document, and print the summary."""
    from atmodist_core.evaluation.results.marked_tables import write_tables
    from atmodist_core.evaluation.results.tables import TABLES, heading, plain_values, table
    from atmodist_core.evaluation.results.targets import targets_table

    texts = {name: table(result, name, reference) for name in TABLES}
    if config.targets and result.facts.band is not None:
        references = config.reference * (len(config.candidates) if len(config.reference) == 1 else 1)
        pairs = [
            pair
            for pair in zip(config.candidates, references, strict=True)
            if pair[0] != pair[1] and {*pair} <= {*result.labels}
        ]
        texts["targets"] = "\n\n".join(targets_table(result, *pair) for pair in pairs)
    first = "\n\n".join([heading(result), *(f"Note: {note}" for note in result.notes)])
    named = {f"{config.name}-{name}": text for name, text in texts.items() if text}
    whole = "\n\n".join([first, *named.values()])
    _write(config.out / f"{config.name}.md", f"`{command}`\n\n{whole}\n")
    values = {"command": command, **plain_values(result, reference)}
    _write(config.out / f"{config.name}.json", json.dumps(values, indent=1, allow_nan=False) + "\n")
    print(f"{first}\n\n{texts['summary']}\n")
    if config.markdown is not None:
        tables = {f"{config.name}-basis": first, **named, config.name: whole}
        replaced = write_tables(config.markdown, tables, command)
        print(f"replaced in {config.markdown}: {', '.join(replaced)}", file=sys.stderr)


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, so that no reader finds half of it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


def _workers(config: EvaluateConfig) -> int:
    return config.workers or (max(1, (os.cpu_count() or 1) // 2) if config.scheduler == "threads" else 0)


def _threads_of_a_worker(config: EvaluateConfig) -> int:
    """Threads of the networks, so that all workers together use one thread per processor."""
    if config.scheduler != "threads":
        return 0
    return max(1, (os.cpu_count() or 1) // _workers(config))


def _stop_on_signals() -> tuple[Any, list[int]]:
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("\nStopping after the current times; once more to stop at once.", file=sys.stderr)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return lambda: bool(asked), asked


class _Progress:
    """Fields done and time left, on standard error."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show the number of fields done."""
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
