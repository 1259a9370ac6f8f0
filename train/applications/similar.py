"""Find the times of an embedded record whose atmosphere is most like a given one, by AtmoDist.

python train/applications/similar.py --store STORE --query 2001-01-05T00:00 [--k 10] [--region Europe] [--exclude-hours 240] [--apart-hours 24]

STORE is made by the command embed. With --query-data FILE, the query is a time of another file on the same grid.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class SimilarCommand:
    """What to look for, and where."""

    store: Path = Path("runs/embeddings")
    """Store of the command embed."""
    query: str = ""
    """Time that the others are compared with, such as 2001-01-05T00:00."""
    query_data: str | None = None
    """File that holds the query, on the grid of the record; by default the query is a time of the record."""
    model: str | None = None
    """Folder of the network of the store, for --query-data, where it is not among the listed models."""
    k: int = 10
    """Number of times to list."""
    region: str | None = None
    """Name of the region to compare, or south,north,west,east in degrees; everything by default."""
    exclude_hours: float = 0.0
    """Leave out times within so many hours of the query; 240 is usual for analogues."""
    apart_hours: float = 0.0
    """Least time between any two of the listed times [h]."""
    level: str | None = None
    """Level of --query-data, where there are several."""
    out: Path | None = None
    """File for the table as CSV."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        SimilarCommand, {"default": SimilarCommand()}, arguments, "python train/applications/similar.py"
    )
    if not command.query:
        raise UserError("Expected a time for --query, found none; give one such as 2001-01-05T00:00.")
    import atmodist_core as ad
    from atmodist_core.figures.numbers.request import parse_region

    query: Any = command.query
    if command.query_data is not None:
        fields = ad.open_fields(command.query_data, level=command.level)
        try:
            query = fields.sel(time=[command.query])
        except (KeyError, ValueError):
            raise UserError(
                f"Expected a time of {command.query_data} for --query, found {command.query!r}; choose one of its times."
            ) from None
    found = ad.find_similar(
        command.store,
        query,
        command.k,
        None if command.region is None else parse_region(command.region),
        exclude_hours=command.exclude_hours,
        apart_hours=command.apart_hours,
        model=command.model,
    )
    print(table_of(found, command.query, command.region))
    if command.out is not None:
        found.to_dataframe().to_csv(command.out)
        print(f"Written to {command.out}.")
    return _cli.EXIT_OK


def table_of(found: "xr.Dataset", query: str, region: str | None = None) -> str:
    """Return a table of the results, and what its columns are."""
    lines = [
        f"Times most like {query}{'' if region is None else f' over {region}'}, by {found.attrs['model']}:",
        f"{'rank':>4}  {'time':<16}  {'distance':>9}  {'hours away':>10}  {'closer pairs':>12}  {'of':>7}",
    ]
    for rank in range(found.sizes["rank"]):
        one = found.isel(rank=rank)
        when = str(one["time"].values.astype("datetime64[m]"))
        hours, share = float(one["separation"]), float(one["percentile"])
        lines.append(
            f"{rank + 1:>4}  {when:<16}  {float(one['distance']):>9.4f}  {'-' if hours != hours else f'{hours:+g}':>10}  "
            f"{'-' if share != share else f'{share:.1f} %':>12}  {int(one['pairs']):>7}"
        )
    lines.append(
        "Closer pairs: of pairs of times about as far apart (within 10 %), the share with a smaller distance; few is unusual."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    _cli.run(main)
