"""Widgets for parameters of the state with few values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import panel_material_ui as pmui

from app.server.programmatic_update import ProgrammaticUpdate
from app.views.shared.elements import select


def choice(state: Any, parameter: str, options: Mapping[str, str], description: str) -> Any:
    """Return a group of buttons for a parameter; ``options`` are values with their labels."""
    group = pmui.RadioButtonGroup(
        options={label: value for value, label in options.items()},
        value=getattr(state, parameter),
        size="small",
        margin=0,
        description=description,
        button_style="outlined",
        sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap", "padding": "3px 10px", "lineHeight": 1.6}},
    )
    group.param.watch(lambda event: setattr(state, parameter, event.new), "value")
    state.param.watch(lambda event: setattr(group, "value", event.new), parameter)
    return group


class Choices:
    """A list of values for a parameter of the state, whose options may change."""

    def __init__(self, state: Any, parameter: str, label: str, width: int) -> None:
        self._state, self._parameter = state, parameter
        self._updating = ProgrammaticUpdate()
        self.widget = select(label, width)
        self.widget.param.watch(self._on_value, "value")

    def fill(self, options: Mapping[Any, str]) -> None:
        """Offer values, with their labels, and the present value where it is not among them.

        A list whose value is not among its options selects the first by itself, which would count as the user's choice.
        """
        value = getattr(self._state, self._parameter)
        named = {label: item for item, label in options.items()}
        if value not in named.values():
            named = {**named, str(value): value}
        with self._updating():
            if self.widget.options != named:
                self.widget.options = named
            self.widget.value = value

    def _on_value(self, event: Any) -> None:
        if not self._updating and event.new is not None:
            setattr(self._state, self._parameter, event.new)
