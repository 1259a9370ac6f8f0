"""Merging the statistics of several runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.store.statistics_store import IDENTITY_FILE, StatisticsStore
from atmodist_core.evaluation.store.sums_store import PIECES, TOTAL, SumsStore, identity_of

STATISTICS = "statistics"


def merge_statistics(folders: Sequence[Path], out: Path) -> Iterator[Path]:
    """Merge the statistics of other folders, each the ``--out`` of a run, and yield each one after it is merged.

    Merging it again changes nothing. Statistics per time may overlap: a time is taken once. Sums (maps) must not share a
    time. Raises ``UserError`` if a folder holds no statistics, other statistics under the same name, or sums over times
    that are there already.
    """
    for folder in folders:
        source = Path(folder) / STATISTICS
        identities = sorted(source.rglob(IDENTITY_FILE))
        if not identities:
            raise UserError(
                f"Expected statistics to merge in {source}, found none; give the --out of another run."
            )
        for file in identities:
            place = file.parent.relative_to(source)
            identity = identity_of(file.parent)
            assert identity is not None  # the file was just found
            if (file.parent / TOTAL).is_file() or (file.parent / PIECES).is_dir():
                SumsStore(out / STATISTICS / place, identity).merge(SumsStore(file.parent, identity))
            else:
                StatisticsStore(out / STATISTICS / place, identity).merge(
                    StatisticsStore(file.parent, identity)
                )
        yield Path(folder)
