"""What a computation for the page starts from, and what each of its steps gives the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.compute.catalogue import Method
from app.compute.comparison import Comparison, Question
from app.compute.engine import Engine
from app.session.messages import Message
from app.state.data_description import DataDescription
from app.state.state import StudioState, shown_methods


@dataclass(frozen=True)
class Request:
    """A computation to be done; nothing in it changes while it runs."""

    engine: Engine
    state: StudioState  # a copy of the state of the page
    data: DataDescription  # the open data set
    methods: list[Method]  # all methods found
    comparison: Comparison | None = None  # what Maps and Spectra show now
    results: Mapping[str, Any] = field(default_factory=dict)  # what the other views show now, by view
    heading: int = 0  # direction of the last step through time, 1 or -1; 0 before the first

    @property
    def compared_methods(self) -> list[Method]:
        """Methods that the present view needs."""
        names = set(shown_methods(self.state, [method.name for method in self.methods]))
        if self.state.layout == "swipe" and self.state.view == "maps":
            names = {self.state.left, self.state.right}
        return [method for method in self.methods if method.name in names]

    def question(self, **changes: Any) -> Question:
        """Return the question that the state asks."""
        names = ("data_set", "level", "time", "region", "field", "factor")
        asked = {name: getattr(self.state, name) for name in names}
        return Question(**{**asked, "stamp": self.data.stamp, **changes})


@dataclass(frozen=True)
class Update:
    """What one step of a computation gives the page."""

    comparison: Comparison | None = None  # replaces what Maps and Spectra show
    results: Mapping[str, Any] = field(default_factory=dict)  # by view: replaces what it shows
    message: Message | None = None  # for the user; one with an empty text removes the earlier one
    is_shown: bool = False  # whether the page now shows the user's choice, so that playing may go on
    is_enough_for_playing: bool = False  # whether the rest is left out while time is playing
    summary: str = ""  # of the last step: what was computed
