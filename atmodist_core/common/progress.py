"""Progress and cancelling of a computation over many states of the atmosphere."""

from __future__ import annotations

from collections.abc import Callable

from atmodist_core.common.errors import Cancelled

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]


class ProgressWatch:
    """Count states for a progress bar, called with the fraction done and a message, and check for cancelling."""

    def __init__(self, name: str, total: int, progress: Progress | None, cancel: Cancel | None) -> None:
        self.name = name
        self.progress, self.cancel, self.total, self.count = progress, cancel, max(total, 1), 0

    def before(self) -> None:
        """Raise Cancelled if the caller wants to stop."""
        if self.cancel is not None and self.cancel():
            raise Cancelled(f"Computing {self.name} was cancelled.")

    def done(self) -> None:
        """Report one more state."""
        self.count += 1
        if self.progress is not None:
            self.progress(
                min(self.count / self.total, 1.0), f"{self.name}: state {self.count} of {self.total}"
            )
