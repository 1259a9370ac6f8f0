"""Evaluate whether the times that AtmoDist finds most similar have similar weather, beside RMSE and pattern correlation.

python train/applications/evaluate_similar.py --data FILE [FILE ...] --store STORE [--model NAME] [--markdown docs/similar_days.md --name demo]

The record is embedded in STORE first, unless it is there. The tables are written to <out>/<name>.md.
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli
from train.applications.embed import open_record


@dataclasses.dataclass(frozen=True)
class EvaluateSimilarCommand:
    """Which record to evaluate, and how similar times are chosen."""

    data: tuple[str, ...] = ("demo",)
    """Files, stores or a pattern that open_fields reads as one record of the globe, or "demo"."""
    store: Path = Path("runs/embeddings")
    """Store of the command embed of the same record; it is made where there is none."""
    model: str | None = None
    """Name or folder of a distance network; by default that whose training fields differ least from these."""
    layer: str | None = None
    """Layer of the network; the last by default."""
    level: str | None = None
    """Level, where there are several."""
    period: tuple[str, ...] = ()
    """First and last date, both included, or one date such as 2001-01; everything by default."""
    k: int = 5
    """Similar times of each query whose weather is compared."""
    exclude_hours: float = 120.0
    """Times within so many hours of the query are no candidates where the weather is compared."""
    apart_hours: float = 24.0
    """Least time between any two similar times of a query [h]."""
    control: bool = False
    """Also evaluate the same network with random weights; its store is <store>-untrained."""
    poleward_gradient: float = -5.0
    """Threshold of the index of blocking [m per degree]: -10 in the original at 500 hPa, half of it near the surface."""
    block_days: int = 5
    """Length of the blocks of days that are resampled for intervals."""
    replicates: int = 300
    """Number of resamplings."""
    out: Path = Path("runs/similar")
    """Folder of the tables."""
    name: str = "similar"
    """Name of the tables, in files and in documents."""
    markdown: Path | None = None
    """Document in which the table <name> between markers is replaced."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        EvaluateSimilarCommand,
        {"default": EvaluateSimilarCommand()},
        arguments,
        "python train/applications/evaluate_similar.py",
    )
    if command.k < 1:
        raise UserError(f"Expected --k 1 or more, found {command.k}; 5 is usual.")
    if command.markdown is not None and not command.markdown.is_file():
        raise UserError(f"Expected a document at --markdown {command.markdown}, found none.")
    from atmodist_core.evaluation.bootstrap import Bootstrap
    from atmodist_core.evaluation.diagnostics.similar.agreement import Search
    from atmodist_core.evaluation.diagnostics.similar.similar_evaluation import (
        evaluate_similar,
        similar_table,
    )
    from atmodist_core.evaluation.results.marked_tables import write_tables
    from atmodist_core.features.untrained import untrained
    from atmodist_core.inference.similar.embedded_record import embed_record, network_of

    fields = open_record(command.data, command.level, command.period)
    record = embed_record(fields, command.store, model=command.model, layer=command.layer)
    control = None
    if command.control:
        fresh = untrained(network_of(record, command.model), fields.isel(time=slice(0, 4)))
        place = command.store.with_name(f"{command.store.name}-untrained")
        control = embed_record(fields, place, model=fresh, layer=command.layer)
    result = evaluate_similar(
        fields,
        record,
        control=control,
        search=Search(command.k, command.exclude_hours, command.apart_hours),
        bootstrap=Bootstrap(command.block_days, command.replicates),
        poleward_gradient=command.poleward_gradient,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    table = similar_table(result)
    written = shlex.join(["python", "train/applications/evaluate_similar.py", *arguments])
    command.out.mkdir(parents=True, exist_ok=True)
    file = command.out / f"{command.name}.md"
    file.write_text(f"`{written}`\n\n{table}\n", encoding="utf-8")
    print(f"{table}\n\nWritten to {file}.")
    if command.markdown is not None:
        write_tables(command.markdown, {command.name: table}, written)
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
