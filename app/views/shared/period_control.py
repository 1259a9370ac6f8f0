"""Choice of the period of a view over many times."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel_material_ui as pmui
import param

from app.server.programmatic_update import ProgrammaticUpdate
from app.session.session import Session
from app.state.period import period_text, period_times
from app.views.shared.elements import Element, html, row, select

STEPS = (1, 2, 4, 8)
_STYLES = ".text { font-size: 12.5px; color: var(--studio-text); font-variant-numeric: tabular-nums; white-space: nowrap; }"
# Rows are flexible by themselves; setting `display` here would show a row that is not visible.
_ROW_STYLES = ":host { flex-wrap: wrap; align-items: center; gap: 6px 16px; min-height: 34px; }"


class PeriodControl(Element):
    """First and last time as two handles of a slider over the data, and the step between times."""

    visible = param.Boolean(default=True, doc="Whether it is shown.")

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
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
        self._step = select("Every", 130, options={"every time": 1})
        self._text = html(css=_STYLES, sizing_mode=None)
        self._content = row(self._range, self._text, self._step, css=_ROW_STYLES, css_classes=["period"])
        self.param.watch(lambda event: setattr(self._content, "visible", event.new), "visible")
        self._range.param.watch(self._on_range, "value_throttled")
        self._step.param.watch(self._on_step, "value")
        session.param.watch(self._update, "data")
        session.state.param.watch(self._update, ["period", "step"])
        self._update()

    def _update(self, *_events: Any) -> None:
        data, state = self._session.data, self._session.state
        usable = data is not None and data.times.size > 1 and not np.isnat(data.times).any()
        self._range.disabled = self._step.disabled = not usable
        if data is None or not usable:
            self._text.object = ""
            return
        index = period_times(state.period, state.step, data)
        with self._updating():
            # The slider shows the end of the period, which the last step may not reach.
            last = int(index[-1] + state.step - 1) if state.step > 1 else int(index[-1])
            self._range.param.update(
                end=data.times.size - 1, value=(int(index[0]), min(last, data.times.size - 1))
            )
            steps = sorted({*STEPS, state.step})
            self._step.param.update(options={_every(step): step for step in steps}, value=state.step)
        first, last_text = (data.date_texts[int(place)].replace("T", " ") for place in (index[0], index[-1]))
        self._text.object = f'<div class="text">{first} to {last_text} · {index.size} times</div>'

    def _on_range(self, event: Any) -> None:
        data = self._session.data
        if self._updating or data is None:
            return
        first, last = (int(place) for place in event.new)
        whole = first == 0 and last == data.times.size - 1
        self._session.state.period = "" if whole else period_text(data.times[first], data.times[last])

    def _on_step(self, event: Any) -> None:
        if not self._updating and event.new:
            self._session.state.step = int(event.new)


def _every(step: int) -> str:
    return "every time" if step == 1 else f"every {step} times"
