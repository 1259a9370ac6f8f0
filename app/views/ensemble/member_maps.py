"""Four members beside truth, mean, spread and error, as small maps with one visible area."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import LinearColorMapper

import atmodist_core as ad
from app.compute.colour_limits import ends, rounded_limit
from app.compute.comparison import PREVIEW
from app.session.ensemble_work import EnsembleResult
from app.state.choices import FIELDS, STAMPS_AT_ONCE
from app.views.maps.map_figure import MapFigure, SharedMap, share_pointer
from app.views.maps.painter import Painter
from app.views.maps.pixels import centred
from app.views.shared import colour_bar
from app.views.shared.elements import CARD_STYLES, HEAD_STYLES, Element, column, head_html, html
from app.views.shared.size_probe import SizeProbe
from app.views.shared.veil import Veil
from atmodist_core.plots.look.style import colour_map
from atmodist_core.plots.look.units import field_unit, is_signed

_GRID_STYLES = """
:host { display: grid; gap: 8px; grid-auto-rows: max-content; height: auto; grid-template-columns: repeat(4, minmax(0, 1fr)); align-items: start; }
@media (max-width: 1000px) { :host { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (min-width: 2600px) { :host { grid-template-columns: repeat(8, minmax(0, 1fr)); } }
"""
_CARD_STYLES = CARD_STYLES + ":host { padding: 4px 6px 2px 4px; }"
STATISTICS = {
    "truth": (
        "Truth",
        "The fine field that was averaged to the coarse input; the ensemble has never seen it.",
    ),
    "mean": ("Mean", "Mean of all members: smoother than any of them, with the smallest squared error."),
    "spread": (
        "Spread",
        "Standard deviation of the members about their mean, at every point: where the coarse input leaves room.",
    ),
    "error": (
        "Error of the mean",
        "Absolute difference of the mean from the truth. In a calibrated ensemble its root mean square is that of the spread.",
    ),
}
"""Title and explanation of the maps that are no members."""

MEMBER_TIP = "One draw of what the coarse input allows. All members have the same block means, and differ where the coarse input leaves room."


class MemberMaps(Element):
    """The maps, and their two colour bars in ``bars``."""

    def __init__(self) -> None:
        super().__init__()
        self._shared = SharedMap()
        self._painter = Painter(self._shared)
        self._scales = {
            kind: LinearColorMapper(palette=["#888888"], low=-1, high=1, nan_color="#00000000")
            for kind in ("field", "spread")
        }
        probe = SizeProbe()
        names = [*(f"stamp {n}" for n in range(STAMPS_AT_ONCE)), *STATISTICS]
        self._maps = {
            name: MapFigure(
                self._shared, self._scales["spread" if name in ("spread", "error") else "field"], name, probe
            )
            for name in names
        }
        self._maps["truth"].carry_probe()
        self._heads = {name: html(css=HEAD_STYLES, height=28) for name in names}
        self._veils = {name: Veil("32px 10px 24px 44px") for name in names}
        cards = [
            column(
                self._heads[name],
                one.pane,
                self._veils[name].pane,
                css=_CARD_STYLES,
                css_classes=["member-card"],
            )
            for name, one in self._maps.items()
        ]
        self._content = column(*cards, css=_GRID_STYLES)
        self.bars = html(
            css=colour_bar.STYLES,
            height=34,
            sizing_mode=None,
            styles={"flex": "1 1 460px", "min-width": "min(460px, 100%)"},
        )
        self._area: Any = None
        self._look: Any = None
        self._pointed = False

    def use_theme(self, theme: str) -> None:
        """Set the colours of a theme."""
        for one in self._maps.values():
            one.use_theme(theme)

    def draw(
        self, result: EnsembleResult | None, stamps: Sequence[int], theme: str, *, waiting: bool
    ) -> None:
        """Show members, truth and statistics as far as they are computed."""
        if result is not None:
            self._set_area(result)
            self._set_scales(result, theme)
            if not self._pointed:
                share_pointer(list(self._maps.values()), self._shared)
                self._pointed = True
        for place in range(STAMPS_AT_ONCE):
            name, number = f"stamp {place}", stamps[place]
            answer = None if result is None else result.members.get(number)
            detail = "preview" if answer is not None and answer.quality == PREVIEW else ""
            self._heads[name].object = head_html(f"Member {number + 1}", detail, MEMBER_TIP)
            drawn: tuple[Any, Any] = (None, None)
            if answer is not None and result is not None:
                drawn = answer.given[result.question.field].isel(time=0), (answer.stamp, answer.quality)
            self._paint(name, result, *drawn, waiting=waiting)
        for name, (title, tip) in STATISTICS.items():
            drawn, detail = (None, None), ""
            if result is not None and name == "truth":
                drawn = result.truth[result.question.field].isel(time=0), "truth"
            elif result is not None and "maps" in result.tables:
                drawn = result.tables["maps"][name], (result.method.stamp, result.seed, result.done)
                detail = f"{result.done} members"
            self._heads[name].object = head_html(title, detail, tip)
            self._paint(name, result, *drawn, waiting=waiting)

    def _paint(
        self,
        name: str,
        result: EnsembleResult | None,
        field: xr.DataArray | None,
        token: Any,
        *,
        waiting: bool,
    ) -> None:
        one = self._maps[name]
        self._veils[name].show(waiting and field is None)
        if result is None or field is None:
            self._painter.clear(one.draw)
            return
        unit = np.float32(field_unit(result.question.field).factor)
        values = centred(np.asarray(field.values) * unit, field)
        self._painter.paint(one, (result.question, name, token), *values, "native")

    def _set_area(self, result: EnsembleResult) -> None:
        key = (result.question.data_set, result.question.level, result.question.region)
        if key == self._area:
            return
        self._area = key
        with suppress(ad.UserError):
            self._shared.show_area(result.truth)
        for one in self._maps.values():
            one.fit_area()

    def _set_scales(self, result: EnsembleResult, theme: str) -> None:
        field = result.question.field
        unit = field_unit(field)
        limit = rounded_limit(result.truth[field].values, unit.factor)
        errors = result.tables["maps"]["error"].values if "maps" in result.tables else None
        largest = rounded_limit(errors, unit.factor) if errors is not None else limit
        look = (field, limit, largest, theme)
        if look == self._look:
            return
        self._look = look
        low, high = ends(limit, field)
        colours, shades = colour_map(is_signed(field), theme), colour_map(False, theme)
        self._scales["field"].update(palette=list(colours), low=low, high=high)
        self._scales["spread"].update(palette=list(shades), low=0.0, high=largest)
        self._shared.unit.text = unit.text
        self.bars.object = colour_bar.colour_bar_html(
            [
                (f"{FIELDS[field]} [{unit.text}]", colours, low, high),
                (f"Spread and error [{unit.text}]", shades, 0.0, largest),
            ]
        )
