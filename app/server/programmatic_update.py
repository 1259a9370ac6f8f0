"""Tell a choice of the user from a widget that is being filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ProgrammaticUpdate:
    """Whether widgets are being filled from the state: their values then change without anybody having chosen.

    A select whose options change, for one, takes the first of them by itself.
    """

    def __init__(self) -> None:
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Widgets are being filled inside this context."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
