"""The list of the times most like the chosen one; choosing a date goes there."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from app.session.distances.similar_times import SHOWN, SimilarTimes
from app.session.session import Session
from app.views.shared.elements import HEAD_STYLES, Element, button, column, head_html, html, row
from atmodist_core.fields.canonical.shown_dates import ShownDates, time_texts

TIP = (
    "The times of the data set whose activations in this region differ least from those of the chosen time. In data of five days and more they are "
    "at least a day from it and from each other. Closer pairs: of all pairs of times about as far apart (within 10 %), the share with a smaller "
    "distance; below 1 % such closeness is unusual, 50 % is what any two times have."
)
_STYLES = (
    HEAD_STYLES
    + ".value { font-size: 12px; color: var(--studio-text); padding: 2px 8px; font-variant-numeric: tabular-nums; }"
)
_ROW_STYLES = ":host { flex-wrap: wrap; gap: 6px 18px; align-items: flex-start; min-height: 62px; }"
_ITEM_STYLES = ":host { width: max-content; }"


class SimilarList(Element):
    """Five dates with their distances, and how unusual these are."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._times: list[str] = []
        self._head = html(css=_STYLES, height=28)
        self._note = html(css=_STYLES, min_height=20)
        self.dates = [button("", visible=False, on_click=self._chooser(place)) for place in range(SHOWN)]
        self._values = [html(css=_STYLES, sizing_mode=None) for _ in range(SHOWN)]
        items = [
            column(date, value, css=_ITEM_STYLES, sizing_mode=None)
            for date, value in zip(self.dates, self._values, strict=True)
        ]
        self._content = column(self._head, row(*items, css=_ROW_STYLES), self._note)

    def draw(self, similar: SimilarTimes | None, time: str) -> None:
        """Show what was found for the chosen time, as far as it is computed."""
        fresh = similar if similar is not None and similar.question.time == time else None
        found = None if fresh is None else fresh.found
        data = self._session.data
        dates = ShownDates() if data is None else data.dates
        self._head.object = head_html("Similar times", f"to {dates.words(time)}, this region", TIP)
        count = 0 if found is None else found.sizes["rank"]
        known = [] if found is None else time_texts(found)
        self._times = known
        for place, (date, value) in enumerate(zip(self.dates, self._values, strict=True)):
            date.visible = place < count
            if found is None or place >= count:
                value.object = ""
                continue
            date.label = dates.text(known[place])
            value.object = value_html(float(found["distance"][place]), float(found["percentile"][place]))
        note = "Searching the other times of the data in the background." if fresh is None else fresh.note
        self._note.object = f'<div class="note">{escape(note)}</div>'

    def _chooser(self, place: int) -> Any:
        def choose(_event: Any) -> None:
            if place < len(self._times):
                self._session.state.time = self._times[place]

        return choose


def value_html(distance: float, percentile: float) -> str:
    """Return a distance and the share of pairs that are closer.

    Examples
    --------
    >>> value_html(1.234, 0.4)
    '<div class="value">distance 1.23<br>closer pairs 0.4 %</div>'
    """
    share = "unknown" if np.isnan(percentile) else f"{percentile:.1f} %"
    return f'<div class="value">distance {distance:.3g}<br>closer pairs {share}</div>'
