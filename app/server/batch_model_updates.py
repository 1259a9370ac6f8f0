"""Many changes of a figure as one change of the document."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def batch_model_updates(figure: Any) -> Iterator[None]:
    """Let Bokeh collect the models of a page once, after all changes of a figure within this context.

    Otherwise it collects them for every line that is added to a figure of the page: a view shown for the first time would block the server for
    seconds. Use it only where models are added, because it always collects once; and only for Bokeh models, because Panel components made
    within would not know their document, and so where their style sheets come from.
    """
    if figure.document is None:
        yield
        return
    frozen = figure.document.models.freeze()
    frozen.__enter__()
    try:
        yield
    finally:
        # Without the error, which would leave the models frozen.
        frozen.__exit__(None, None, None)


def add_missing(
    figure: Any, wanted: Iterable[str], present: Container[str], add: Callable[[str], Any]
) -> None:
    """Add the ``wanted`` parts that are not ``present`` to a figure; ``add`` makes the part of a name."""
    missing = [name for name in wanted if name not in present]
    if missing:
        with batch_model_updates(figure):
            for name in missing:
                add(name)
