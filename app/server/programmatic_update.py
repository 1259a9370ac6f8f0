"""Distinguish changes of widgets by the program from choices of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ProgrammaticUpdate:
    """True while widgets are being set from the state, when a changed value is not a choice of the user."""

    def __init__(self) -> None:
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Mark changes of widgets inside this context as made by the program."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
