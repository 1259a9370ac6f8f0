"""Embed every time of a record in a store, in which the command similar finds the times most like a given one.

python train/applications/embed.py --data FILE [FILE ...] --out STORE [--model NAME] [--layer NAME] [--level 850] [--period 2001-01 2001-02]

The same command continues a store that was interrupted.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import Cancelled, UserError
from train import _cli

_SECONDS_BETWEEN_LINES = 20.0


@dataclasses.dataclass(frozen=True)
class EmbedCommand:
    """Which record to embed, and where."""

    data: tuple[str, ...] = ("demo",)
    """Files, stores or a pattern that open_fields reads as one record, or "demo"."""
    out: Path = Path("runs/embeddings")
    """Folder of the store."""
    model: str | None = None
    """Name or folder of a distance network; by default that whose training fields differ least from these."""
    layer: str | None = None
    """Layer of the network; the last by default."""
    level: str | None = None
    """Level, where there are several."""
    period: tuple[str, ...] = ()
    """First and last date, both included, or one date such as 2001-01; everything by default."""
    device: str | None = None
    """Device of the network; a GPU where there is one by default."""
    progress: bool = True
    """Show the progress."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        EmbedCommand, {"default": EmbedCommand()}, arguments, "python train/applications/embed.py"
    )
    from atmodist_core.inference.atmodist import load_distance
    from atmodist_core.inference.similar.embedded_record import embed_record, network_for

    fields = open_record(command.data, command.level, command.period)
    name = command.model or network_for(fields)
    try:
        record = embed_record(
            fields,
            command.out,
            model=load_distance(name, device=command.device),
            layer=command.layer,
            progress=_Lines(command.progress),
            cancel=_cli.stop_requests("Stopping after this time"),
        )
    except Cancelled:
        print("Stopped; the same command continues.", file=sys.stderr)
        return _cli.EXIT_INTERRUPTED
    first, last = (str(when.astype("datetime64[m]")) for when in record.times[[0, -1]])
    size = sum(block.nbytes for block in record.blocks)
    print(
        f"{record.times.size} times from {first} to {last}, embedded by {name}, are in {command.out} ({size / 1e6:.0f} MB): "
        f"atmodist similar --store {command.out} --query {first}"
    )
    return _cli.EXIT_OK


def open_record(data: Sequence[str], level: str | None, period: Sequence[str]):  # type: ignore[no-untyped-def]
    """Open a record lazily; a UserError if its period is empty."""
    import atmodist_core as ad
    from atmodist_core.common.assets import asset_folder

    if len(period) > 2:
        raise UserError(f"Expected one date or a first and a last one for --period, found {len(period)}.")
    places = [str(asset_folder("demo")) if name == "demo" else name for name in data]
    span = {"time": slice(period[0], period[-1])} if period else {}
    return ad.open_fields(places[0] if len(places) == 1 else places, level=level, **span)


class _Lines:
    """A line of progress now and then."""

    def __init__(self, shown: bool) -> None:
        self._shown, self._last = shown, time.monotonic()

    def __call__(self, share: float, message: str) -> None:
        if self._shown and (time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES or share == 1.0):
            self._last = time.monotonic()
            print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    _cli.run(main)
