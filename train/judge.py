"""Judge downscalers on held-out weather: every measure with its interval, and the project's targets.

python train/judge.py --data data/member-3 --models bicubic srgan-4x-mse srgan-4x-atmodist --every 8
    [--candidates srgan-4x-atmodist --reference srgan-4x-mse] [--markdown docs/experiments.md --name demo]

Statistics of every time are kept in a store below --out. The command can be stopped or killed at any moment and
given again: it goes on where it was, and computes only what new models or times need.
"""

import dataclasses
import json
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import AtmodistWarning, UserError
from train import _cli
from train._documents import fill_document, require_document

if TYPE_CHECKING:
    from atmodist_core.evaluation.results.evaluation_result import EvaluationResult
    from atmodist_core.evaluation.run.data import EvaluationData
    from atmodist_core.evaluation.run.member_run import EvaluatedModel, LearnedDistance, Selection


@dataclasses.dataclass(frozen=True)
class JudgeConfig:
    """What to judge, on which data."""

    data: tuple[str, ...] = ("demo",)
    """Files, stores, patterns or URLs that open_fields reads, or "demo"; each is a member of its own."""

    models: tuple[str, ...] = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
    """Names or folders of downscalers, or label=folder."""

    candidates: tuple[str, ...] = ("srgan-4x-atmodist",)
    """Labels of the models whose targets are listed; those that are not among --models are left out."""

    reference: tuple[str, ...] = ("srgan-4x-mse",)
    """Label of the model they are compared with, one for all candidates or one for each."""

    period: tuple[str, ...] = ()
    """First and last date, both included, or one date such as 2001-01; everything by default."""

    every: int = 1
    """Use every n-th time for the measures over the globe."""

    cities_every: int = 1
    """Use every n-th time for local statistics at cities; 0 leaves them out."""

    distance: str = "none"
    """Name or folder of a distance network whose distance to the truth is reported."""

    distance_layers: tuple[str, ...] = ()
    """Its layers; the last by default."""

    block_days: int = 3
    """Length of the blocks of days that are resampled."""

    replicates: int = 1000
    """Number of resamplings; 0 for no intervals."""

    seed: int = 0
    """Of the resampling."""

    level: str | None = None
    """Level, where there are several."""

    factor: int | None = None
    """Downscaling factor of interpolations, 4 by default; a network has its own."""

    device: str | None = None
    """Where networks compute; a GPU where there is one by default."""

    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Of the networks; bfloat16 is faster and changes fields by 1 to 2 %."""

    truncate: bool = False
    """Cut the results off at the truncation that the data state, as can be done for a whole globe."""

    out: Path = Path("runs/judged")
    """Folder of the stores; tables go to <name>.md and <name>.json in it."""

    name: str = "judged"
    """Of the tables, in files and in documents."""

    markdown: Path | None = None
    """Document whose tables <name>-spectra, <name>-cities, ... between markers are replaced."""

    targets: bool = True
    """List the project's targets, met or missed."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(JudgeConfig, {"default": JudgeConfig()}, arguments, "python train/judge.py")
    _check(config)
    # Only now, since torch takes seconds to import: a wrong flag is told at once.
    from atmodist_core.evaluation.bootstrap import Bootstrap
    from atmodist_core.evaluation.results.evaluation_result import evaluation_result
    from atmodist_core.evaluation.run.data import open_evaluation_data, require_one_grid
    from atmodist_core.evaluation.run.models import (
        learned_distance,
        load_models,
        truncated_model,
    )

    bootstrap = Bootstrap(config.block_days, config.replicates, seed=config.seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AtmodistWarning)
        models = load_models(
            config.models, precision=config.precision, device=config.device, factor=config.factor
        )
        factor = models[0].downscaler.factor
        data = [
            open_evaluation_data(source, factor=factor, period=config.period, level=config.level)
            for source in config.data
        ]
        require_one_grid(data)
        if config.truncate:
            models = [truncated_model(model, data[0].template.attrs) for model in models]
        distance = (
            None
            if config.distance == "none"
            else learned_distance(
                config.distance,
                layers=config.distance_layers,
                precision=config.precision,
                device=config.device,
            )
        )
        selection = _compute(config, data, models, distance)
        result = evaluation_result(
            data,
            models,
            config.out,
            selection,
            bootstrap,
            distance,
            progress=lambda what: print(f"making {what}", file=sys.stderr),
        )
    if config.truncate:
        result.notes.append("Results are cut off at the truncation of the data.")
    result.notes += sorted({str(w.message) for w in caught if issubclass(w.category, AtmodistWarning)})
    for entry in caught:
        if not issubclass(entry.category, AtmodistWarning):
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)
    _report(config, result, shlex.join(["python", "train/judge.py", *arguments]))
    return _cli.EXIT_OK


def _check(config: JudgeConfig) -> None:
    if not config.models or not config.data:
        raise UserError("Expected at least one model and one data set, found none; see --help.")
    if config.every < 1 or config.cities_every < 0:
        raise UserError(
            f"Expected --every 1 or more and --cities-every 0 or more, found {config.every} and "
            f"{config.cities_every}."
        )
    if len(config.period) > 2:
        raise UserError(f"Expected one or two dates after --period, found {len(config.period)}.")
    if config.block_days < 1 or config.replicates < 0:
        raise UserError(
            f"Expected --block-days 1 or more and --replicates 0 or more, found {config.block_days} and "
            f"{config.replicates}."
        )
    if len(config.reference) not in (1, len(config.candidates)):
        raise UserError(
            f"Expected one --reference, or one for each of {len(config.candidates)} candidates, found "
            f"{len(config.reference)}."
        )
    require_document(config.markdown)


def _compute(
    config: JudgeConfig,
    data: "list[EvaluationData]",
    models: "list[EvaluatedModel]",
    distance: "LearnedDistance | None",
) -> "Selection":
    """Compute what is missing in the stores and return the selection of times."""
    import tqdm

    from atmodist_core.evaluation.run.member_run import MemberRun, Selection
    from atmodist_core.fields.grid.geography import cities

    selection = Selection(config.every, config.cities_every)
    runs = [MemberRun(member, models, config.out, selection, cities(), distance) for member in data]
    total = sum(run.todo for run in runs)
    with tqdm.tqdm(total=total, unit="field", file=sys.stderr, mininterval=2) as bar:
        for run in runs:
            bar.set_description(run.data.label)
            run(bar.update)
    return selection


def _pairs(config: JudgeConfig, result: "EvaluationResult") -> list[tuple[str, str]]:
    """Candidates with their references, of those that were judged."""
    references = config.reference * (len(config.candidates) if len(config.reference) == 1 else 1)
    return [
        pair
        for pair in zip(config.candidates, references, strict=True)
        if pair[0] in result.models and pair[1] in result.models and pair[0] != pair[1]
    ]


def _report(config: JudgeConfig, result: "EvaluationResult", command: str) -> None:
    from atmodist_core.evaluation.results.tables import TABLES, heading, plain_values, table
    from atmodist_core.evaluation.results.targets import targets_table

    reference = next((label for label in config.reference if label in result.models), None)
    texts = {name: table(result, name, reference) for name in TABLES}
    if config.targets:
        texts["targets"] = "\n\n".join(targets_table(result, *pair) for pair in _pairs(config, result))
    first = "\n\n".join([heading(result), *(f"Note: {note}" for note in result.notes)])
    named = {f"{config.name}-{name}": text for name, text in texts.items() if text}
    whole = "\n\n".join([first, *named.values()])
    print(whole)
    config.out.mkdir(parents=True, exist_ok=True)
    _write(config.out / f"{config.name}.md", f"`{command}`\n\n{whole}\n")
    values = {"command": command, **plain_values(result, reference)}
    _write(config.out / f"{config.name}.json", json.dumps(values, indent=1, allow_nan=False) + "\n")
    tables = {f"{config.name}-basis": first, **named, config.name: whole}
    fill_document(config.markdown, tables, command)


def _write(path: Path, text: str) -> None:
    """Replace the file in one step: a reader never sees half of it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    _cli.run(main)
