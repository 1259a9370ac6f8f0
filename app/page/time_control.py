"""Choice of the time: date, hour, steps and play."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from app.server.programmatic_update import ProgrammaticUpdate
from app.session.session import Session
from app.views.shared.elements import Element, icon_button, select


class TimeControl(Element):
    """Choose a time by date and hour or by a slider over all times, or step and play through them."""

    def __init__(self, session: Session, width: int) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
        half = (width - 8) // 2
        self._date = pmui.DatePicker(
            label="Date",
            size="small",
            width=half + 24,
            margin=0,
            clearable=False,
            sx={"& .MuiPickersInputBase-root, & .MuiInputBase-root": {"minHeight": 34, "height": 34}},
        )
        # No date picker knows 30 February.
        self._model_day = select("Date of the model", half + 24, options=[])
        self._hour = select("Hour (UTC)", half - 24, options=[])
        self._slider = pmui.IntSlider(
            label="",
            start=0,
            end=1,
            value=0,
            width=width - 12,
            margin=(0, 6),
            show_value=False,
            size="small",
            sx={"& .MuiSlider-thumb": {"width": 14, "height": 14}},
        )
        self._back = icon_button("skip_previous", "Previous time (left arrow)", size="medium")
        self._play = icon_button("play_arrow", "Play", size="medium")
        self._next = icon_button("skip_next", "Next time (right arrow)", size="medium")
        buttons = pn.Row(self._back, self._play, self._next, margin=0, align="center")
        self._content = pn.Column(
            pn.Row(self._date, self._model_day, self._hour, margin=0, styles={"gap": "8px"}),
            self._slider,
            buttons,
            margin=0,
            width=width,
            styles={"gap": "6px"},
        )
        self._back.on_click(lambda _event: session.step(-1))
        self._next.on_click(lambda _event: session.step(1))
        self._play.on_click(lambda _event: setattr(session, "playing", not session.playing))
        self._date.param.watch(self._on_date, "value")
        self._model_day.param.watch(self._on_model_day, "value")
        self._hour.param.watch(self._on_hour, "value")
        self._slider.param.watch(self._on_slider, "value_throttled")
        session.param.watch(self._update, ["data", "playing"])
        session.state.param.watch(self._update, "time")
        self._update()

    def _update(self, *_events: Any) -> None:
        session, data = self._session, self._session.data
        dated = data is not None and not np.isnat(data.times).any()
        several = data is not None and data.times.size > 1
        for widget in (
            *(self._date, self._model_day, self._hour),
            *(self._slider, self._back, self._play, self._next),
        ):
            widget.disabled = not (dated and several)
        self._model_day.visible = data is not None and bool(data.model_dates)
        self._date.visible = not self._model_day.visible
        self._play.icon = "pause" if session.playing else "play_arrow"
        if data is None or not dated or session.state.time not in data.time_texts:
            return
        index = data.time_texts.index(session.state.time)
        now = data.times[index].astype(datetime.datetime)
        days = data.times.astype("datetime64[D]")
        distinct = np.unique(days)
        complete = distinct.size == (distinct[-1] - distinct[0]).astype(int) + 1
        texts = data.date_texts
        today = texts[index][:10]
        hours = [text[11:] for text in texts if text[:10] == today]
        with self._updating():
            self._date.param.update(
                start=distinct[0].astype(datetime.date),
                end=distinct[-1].astype(datetime.date),
                enabled_dates=[] if complete else distinct.astype(datetime.date).tolist(),
                value=now.date(),
            )
            if data.model_dates:
                self._model_day.param.update(
                    options=list(dict.fromkeys(text[:10] for text in texts)), value=today
                )
            self._hour.param.update(options=hours, value=texts[index][11:])
            self._slider.param.update(end=max(1, data.times.size - 1), value=index)

    def _on_date(self, event: Any) -> None:
        data = self._session.data
        if self._updating or data is None or event.new is None:
            return
        # The same hour of the new day, or the nearest.
        day = np.datetime64(event.new, "D")
        wanted = day.astype("datetime64[m]") + (np.datetime64(self._session.state.time, "m") - self._today())
        candidates = np.flatnonzero(data.times.astype("datetime64[D]") == day)
        if candidates.size:
            nearest = candidates[np.abs(data.times[candidates] - wanted).argmin()]
            self._session.state.time = data.time_texts[int(nearest)]

    def _today(self) -> np.datetime64:
        return np.datetime64(self._session.state.time[:10], "D").astype("datetime64[m]")

    def _on_model_day(self, event: Any) -> None:
        data = self._session.data
        if self._updating or data is None or not event.new:
            return
        # The same hour of the new day, or the first.
        texts = data.date_texts
        hour = texts[data.time_texts.index(self._session.state.time)][11:]
        found = [index for index, text in enumerate(texts) if text[:10] == event.new]
        same = [index for index in found if texts[index][11:] == hour]
        if found:
            self._session.state.time = data.time_texts[(same or found)[0]]

    def _on_hour(self, event: Any) -> None:
        data = self._session.data
        if not self._updating and data is not None and event.new:
            texts = data.date_texts
            today = texts[data.time_texts.index(self._session.state.time)][:10]
            if f"{today}T{event.new}" in texts:
                self._session.state.time = data.time_texts[texts.index(f"{today}T{event.new}")]

    def _on_slider(self, event: Any) -> None:
        data = self._session.data
        if not self._updating and data is not None:
            self._session.state.time = data.time_texts[int(event.new)]
