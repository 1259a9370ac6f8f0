"""Many changes of a figure as one change of the document."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from atmodist_core.plots.live import batch_model_updates

__all__ = ["add_missing", "batch_model_updates"]


def add_missing(
    figure: Any, wanted: Iterable[str], present: Container[str], add: Callable[[str], Any]
) -> None:
    """Add the ``wanted`` parts that are not ``present`` to a figure; ``add`` makes the part of a name."""
    missing = [name for name in wanted if name not in present]
    if missing:
        with batch_model_updates(figure):
            for name in missing:
                add(name)
