"""Choice of the period that a view over many times rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
import param

from app.server.programmatic_update import Filling
from app.session.session import Session
from app.state.period import period_text, period_times
from app.theme.theme import VARIABLES

STEPS = (1, 2, 4, 8)
_STYLES = (
    VARIABLES
    + ".text { font-size: 12.5px; color: var(--studio-text); font-variant-numeric: tabular-nums; white-space: nowrap; }"
)
# A row is flexible by itself; to say so here would show it where it is not to be visible.
_ROW_STYLES = ":host { flex-wrap: wrap; align-items: center; gap: 6px 16px; min-height: 34px; }"


class PeriodControl(pn.viewable.Viewer):
    """First and last time as two handles of a slider over the data, and every how many of them.

    Parameters
    ----------
    session : Session
    """

    visible = param.Boolean(default=True, doc="Whether it is shown.")

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._filling = Filling()
        self._range = pmui.IntRangeSlider(
            label="Period",
            start=0,
            end=1,
            value=(0, 1),
            show_value=False,
            width=280,
            size="small",
            margin=(0, 8),
            description="First and last time of the period",
        )
        self._step = pmui.Select(label="Every", options={"every time": 1}, size="small", width=130, margin=0)
        self._text = pn.pane.HTML("", stylesheets=[_STYLES], margin=0)
        self._row = pn.Row(
            self._range,
            self._text,
            self._step,
            stylesheets=[_ROW_STYLES],
            sizing_mode="stretch_width",
            margin=0,
            css_classes=["period"],
        )
        self.param.watch(lambda event: setattr(self._row, "visible", event.new), "visible")
        self._range.param.watch(self._on_range, "value_throttled")
        self._step.param.watch(self._on_step, "value")
        session.param.watch(self._update, "data")
        session.state.param.watch(self._update, ["period", "step"])
        self._update()

    def __panel__(self) -> Any:
        """Return what is shown."""
        return self._row

    def _update(self, *_events: Any) -> None:
        data, state = self._session.data, self._session.state
        usable = data is not None and data.times.size > 1 and not np.isnat(data.times).any()
        self._range.disabled = self._step.disabled = not usable
        if data is None or not usable:
            self._text.object = ""
            return
        index = period_times(state, data)
        with self._filling():
            # The end of a step may lie before the end of the period, which is what the slider shows.
            last = int(index[-1] + state.step - 1) if state.step > 1 else int(index[-1])
            self._range.param.update(
                end=data.times.size - 1, value=(int(index[0]), min(last, data.times.size - 1))
            )
            steps = sorted({*STEPS, state.step})
            self._step.param.update(options={_every(step): step for step in steps}, value=state.step)
        first, last_text = (data.time_texts[int(place)].replace("T", " ") for place in (index[0], index[-1]))
        self._text.object = f'<div class="text">{first} to {last_text} · {index.size} times</div>'

    def _on_range(self, event: Any) -> None:
        data = self._session.data
        if self._filling or data is None:
            return
        first, last = (int(place) for place in event.new)
        whole = first == 0 and last == data.times.size - 1
        self._session.state.period = "" if whole else period_text(data.times[first], data.times[last])

    def _on_step(self, event: Any) -> None:
        if not self._filling and event.new:
            self._session.state.step = int(event.new)


def _every(step: int) -> str:
    return "every time" if step == 1 else f"every {step} times"
