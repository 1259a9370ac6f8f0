"""The two fields of a cell of the distance matrices, as small maps on one colour scale."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import LinearColorMapper

import atmodist_core as ad
from app.compute.colour_limits import ends, rounded_limit
from app.server.programmatic_update import ProgrammaticUpdate
from app.session.distances.distance_work import TimeDistances
from app.session.session import Session
from app.state.choices import FIELDS
from app.views.maps.map_figure import MapFigure, SharedMap, share_pointer
from app.views.maps.painter import Painter
from app.views.maps.pixels import centred
from app.views.shared import colour_bar
from app.views.shared.elements import HEAD_STYLES, Element, column, head_html, html, select
from app.views.shared.size_probe import SizeProbe
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import field_unit, is_signed

_STYLES = (
    colour_bar.STYLES
    + HEAD_STYLES
    + ".head { align-items: baseline; flex-wrap: wrap; } .detail { white-space: normal; }"
)


class PairMaps(Element):
    """Two maps, lists to choose their times, and the distances between them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._updating = ProgrammaticUpdate()
        self._shared = SharedMap()
        self._painter = Painter(self._shared)
        self._scale = LinearColorMapper(palette=["#888888"], low=-1, high=1, nan_color="#00000000")
        self._probe = SizeProbe()
        self._maps = [
            MapFigure(self._shared, self._scale, label, self._probe)
            for label in ("first time", "second time")
        ]
        share_pointer(self._maps, self._shared)
        self._area: Any = None
        self._theme = ""
        self._head, self._bar = html(css=_STYLES, min_height=28), html(css=_STYLES, height=34)
        size = {"margin": (8, 0, 0, 0), "sizing_mode": "stretch_width", "min_width": 138}
        self._lists = [select(label, None, options=[], **size) for label in ("First time", "Second time")]
        for one in self._lists:
            one.param.watch(self._on_list, "value")
        # Below each other where the card is narrow, so that no time is cut off.
        lists = pn.FlexBox(
            *self._lists, margin=(0, 0, 2, 0), sizing_mode="stretch_width", styles={"gap": "0 8px"}
        )
        maps = [one.pane for one in self._maps]
        self._content = column(self._head, lists, *maps, self._bar, styles={"gap": "2px"})

    def draw(self, result: TimeDistances | None, first: int, second: int) -> None:
        """Show the fields of two times of the period, or nothing."""
        theme = self._session.state.theme
        if theme != self._theme:
            self._theme = theme
            for one in self._maps:
                one.use_theme(theme)
        if result is None:
            for one in self._maps:
                self._painter.clear(one.draw)
            self._head.object = head_html("Two times", "tap a cell of a matrix")
            return
        field = result.question.field
        unit = field_unit(field)
        fields = result.fields
        self._set_area(result)
        shown = [fields[field].values[place] * np.float32(unit.factor) for place in (first, second)]
        low, high = ends(rounded_limit(np.stack(shown), 1.0), field)
        signed = is_signed(field)
        self._scale.update(palette=list(colour_map(signed, theme)), low=low, high=high)
        self._shared.unit.text = unit.text
        for map_figure, values, place in zip(self._maps, shown, (first, second), strict=True):
            token = (result.question, result.texts[place])
            self._painter.paint(map_figure, token, *centred(values, fields), "native")
        caption = f"{FIELDS[field]} [{unit.text}]"
        self._bar.object = colour_bar.colour_bar_html(
            [(caption, colour_map(signed, theme), self._scale.low, self._scale.high)]
        )
        self._head.object = head_html("Two times", _distances(result, first, second))
        with self._updating():
            dates = {result.dates.text(text): text for text in result.texts}
            one_year = len({date[:4] for date in dates}) == 1
            options = {date[5 if one_year else 0 :]: text for date, text in dates.items()}
            for times, place in zip(self._lists, (first, second), strict=True):
                times.param.update(options=options, value=result.texts[place])

    def _set_area(self, result: TimeDistances) -> None:
        question = result.question
        projection = self._session.state.projection
        key = (question.data_set, question.level, question.region, projection)
        if key == self._area:
            return
        self._area = key
        with suppress(ad.UserError):  # plate carree, as the view Maps says
            self._shared.show_area(result.fields, projection)
        for one in self._maps:
            one.fit_area()

    def _on_list(self, _event: Any) -> None:
        chosen = [one.value for one in self._lists]
        if not self._updating and all(chosen):
            self._session.state.pair = "/".join(chosen)


def _distances(result: TimeDistances, first: int, second: int) -> str:
    """Lag and distances of a pair."""
    times = [np.datetime64(result.texts[place]) for place in (first, second)]
    hours = abs((times[1] - times[0]) / np.timedelta64(1, "h"))
    parts = [f"{hours:g} h apart"]
    if result.matrices is not None:
        if "atmodist" in result.matrices:
            parts.append(f"AtmoDist {float(result.matrices['atmodist'][second, first]):.3g}")
        unit = field_unit(result.question.field)
        parts.append(f"RMSE {float(result.matrices['rmse'][second, first]) * unit.factor:.3g}")
    return " · ".join(parts)
