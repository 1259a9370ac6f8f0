"""Many changes of a figure as one for the page library."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def batch_model_updates(figure: Any) -> Iterator[None]:
    """Have the page library look for new models once, after all changes within.

    Without it every line that a figure on the page is given has all models of the page collected anew: a view that came to the
    front for the first time kept the server from all its users for seconds.

    The look itself comes at the end in any case, so use it only where there is something new.

    Only for models of Bokeh: components of Panel that are made within would not know their document, and so where their
    stylesheets come from.

    Parameters
    ----------
    figure : bokeh.model.Model
        On a page or not.
    """
    if figure.document is None:
        yield
        return
    frozen = figure.document.models.freeze()
    frozen.__enter__()
    try:
        yield
    finally:
        # Told of no error: it would leave the models of the document frozen.
        frozen.__exit__(None, None, None)


def add_missing(
    figure: Any, wanted: Iterable[str], present: Container[str], add: Callable[[str], Any]
) -> None:
    """Give a figure the parts that it lacks, in one look.

    Parameters
    ----------
    figure : bokeh.model.Model
        On a page or not.
    wanted : iterable of str
        Names of the parts that are to be there.
    present : container of str
        Names of those that are.
    add : callable
        Makes the part of a name.
    """
    missing = [name for name in wanted if name not in present]
    if missing:
        with batch_model_updates(figure):
            for name in missing:
                add(name)
