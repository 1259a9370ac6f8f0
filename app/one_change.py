"""Many changes of a page as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn


@contextmanager
def one_change() -> Iterator[None]:
    """Send what changes within as one message, and have the page library look for new models once.

    Without it every line that a figure on the page is given has all models of the page collected anew: a view that came to the
    front for the first time kept the server from all its users for seconds.
    """
    document = pn.state.curdoc
    with pn.io.hold():
        if document is None:
            yield
            return
        frozen = document.models.freeze()
        frozen.__enter__()
        try:
            yield
        finally:
            # Told of no error: it would leave the models of the document frozen.
            frozen.__exit__(None, None, None)
