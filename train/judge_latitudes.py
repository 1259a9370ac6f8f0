"""Say where on the globe the small scales of downscaled fields are too weak: power of a band by latitude.

python train/judge_latitudes.py --data data/member-5 --models srgan-4x-mse srgan-4x-atmodist --every 40
    [--edges 0 20 40 60 90] [--markdown docs/experiments.md --name latitudes]
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import UserError
from train import _cli
from train._documents import fill_document, require_document

if TYPE_CHECKING:
    import numpy as np

    from atmodist_core.evaluation.run.data import EvaluationData
    from atmodist_core.evaluation.run.member_run import EvaluatedModel
    from atmodist_core.evaluation.statistics.latitude_power import LatitudePower


@dataclasses.dataclass(frozen=True)
class JudgeLatitudesConfig:
    """What to judge, on which data."""

    data: str = "demo"
    """File, store, pattern or URL that open_fields reads, or "demo"."""

    models: tuple[str, ...] = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
    """Names or folders of downscalers, or label=folder."""

    every: int = 1
    """Use every n-th time."""

    edges: tuple[float, ...] = (0.0, 20.0, 40.0, 60.0, 90.0)
    """Distances from the equator at which belts begin and end [degrees]."""

    block_days: int = 3
    """Length of the blocks of days that are resampled."""

    replicates: int = 1000
    """Number of resamplings; 0 for no intervals."""

    seed: int = 0
    """Of the resampling."""

    device: str | None = None
    """Where networks compute; a GPU where there is one by default."""

    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Of the networks."""

    name: str = "latitudes"
    """Of the table in the document."""

    markdown: Path | None = None
    """Document whose table of that name is replaced."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        JudgeLatitudesConfig,
        {"default": JudgeLatitudesConfig()},
        arguments,
        "python train/judge_latitudes.py",
    )
    if config.every < 1:
        raise UserError(f"Expected --every 1 or more, found {config.every}.")
    require_document(config.markdown)
    # Only now, since torch takes seconds to import: a wrong flag is told at once.
    from atmodist_core.evaluation.run.data import open_evaluation_data
    from atmodist_core.evaluation.run.models import load_models
    from atmodist_core.evaluation.statistics.latitude_power import LatitudePower, power_band

    models = load_models(config.models, precision=config.precision, device=config.device)
    data = open_evaluation_data(config.data, factor=models[0].downscaler.factor)
    power = LatitudePower(data.template, *power_band(data), config.edges)
    text = _table(config, data, models, power, _compute(config, data, models, power))
    print(text)
    command = shlex.join(["python", "train/judge_latitudes.py", *arguments])
    fill_document(config.markdown, {config.name: text}, command)
    return _cli.EXIT_OK


def _compute(
    config: JudgeLatitudesConfig,
    data: "EvaluationData",
    models: "list[EvaluatedModel]",
    power: "LatitudePower",
) -> "np.ndarray":
    """Power of the truth and of the models, shape ``(time, 1 + model, field, belt)``."""
    import numpy as np
    import tqdm

    from atmodist_core.fields import coarsen

    rows = data.template["latitude"].values
    found: list[list[np.ndarray]] = []
    chosen = range(0, data.times.size, config.every)
    with tqdm.tqdm(total=len(chosen) * (1 + len(models)), unit="field", file=sys.stderr) as bar:
        for index in chosen:
            fine = data.at(index)
            coarse = coarsen(fine, data.factor)
            found.append([])
            for model in (None, *models):
                fields = fine.sel(latitude=rows) if model is None else model.downscaler(coarse)
                found[-1].append(power(np.stack([fields[name].values[0] for name in data.names])))
                bar.update()
    return np.array(found)


def _table(
    config: JudgeLatitudesConfig,
    data: "EvaluationData",
    models: "list[EvaluatedModel]",
    power: "LatitudePower",
    found: "np.ndarray",
) -> str:
    """Share of the belts in the truth's power, and power of the models relative to it, as Markdown."""
    import numpy as np

    from atmodist_core.evaluation.bootstrap import (
        Bootstrap,
        DayAxis,
        Estimate,
        bootstrap_counts,
        day_sums,
    )
    from atmodist_core.evaluation.results.tables import cell, number

    axis, times = DayAxis.of([data.times]), data.times[:: config.every]
    counts = bootstrap_counts(axis, Bootstrap(config.block_days, config.replicates, seed=config.seed))
    sums = np.tensordot(counts, day_sums(found, axis.index(0, times), axis.size), axes=1)
    belts = [f"{near:g} to {far:g}" for near, far in pairwise(config.edges)]
    interval = (
        f"95 % intervals from {len(counts) - 1} resamplings of blocks of {config.block_days} days"
        if len(counts) > 1
        else "no intervals, the record is too short"
    )
    lines = [
        f"{times.size} times of {data.label}; {interval}. Mean square in degrees {power.first} to {power.last} by distance from the equator "
        "[degrees], north and south together, relative to the truth's (1 is right). First: share of the belt in the truth's power, and in the area.",
        "",
        f"| model | field | {' | '.join(belts)} |",
        "|---|---|" + "---:|" * len(belts),
    ]
    for n, field in enumerate(data.names):
        truth = sums[:, 0, n]
        share = truth / truth.sum(axis=-1, keepdims=True)
        cells = [
            f"{cell(Estimate.of(share[:, belt]))} of {number(float(area))}"
            for belt, area in enumerate(power.area)
        ]
        lines.append(f"| truth, share | {field} | {' | '.join(cells)} |")
        for column, model in enumerate(models, start=1):
            ratio = sums[:, column, n] / truth
            cells = [cell(Estimate.of(ratio[:, belt])) for belt in range(len(belts))]
            lines.append(f"| {model.label} | {field} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    _cli.run(main)
