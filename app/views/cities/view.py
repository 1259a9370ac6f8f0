"""The view Cities: the globe, the densities of the selected cities, and the table of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from html import escape
from typing import Any

import panel as pn

import atmodist_core as ad
from app.session.city_result import CityResult
from app.session.long_record import long_record
from app.session.session import Session
from app.state.choices import FIELDS
from app.state.city_choices import BOXES, REACHES, SAMPLES, city_names
from app.state.state import shown_methods
from app.theme.theme import FITTING
from app.views.cities import city_marks
from app.views.cities.city_card import CityCard, intervals_of, period_text
from app.views.cities.city_search import CitySearch
from app.views.cities.city_table import CityTable
from app.views.cities.density_figure import template
from app.views.cities.globe_card import GlobeCard
from app.views.shared.choice import Choices, choice
from app.views.shared.elements import CARD_STYLES, HEAD_STYLES, TOOL_STYLES, Element, column, html, row
from app.views.shared.long_record_texts import city_html
from atmodist_core.figures.numbers.cities import FIELDS as FIGURE_FIELDS
from atmodist_core.figures.numbers.city_store import stored_files
from atmodist_core.plots.look.style import theme_of
from atmodist_core.plots.look.units import field_unit

MOST_CARDS = 4
"""Most cities whose densities are drawn; more can be selected, and are in the table."""

SPARE_COLOUR = "#8c6bb1"
"""Of a method in stored results that is not among the models found."""

_GRID_STYLES = """
:host { display: grid; gap: 10px; grid-auto-rows: max-content; height: auto; grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); align-items: start; }
@media (max-width: 1000px) { :host { grid-template-columns: minmax(0, 1fr); } }
@media (min-width: 2600px) { :host { grid-template-columns: minmax(0, 4fr) minmax(0, 8fr); } }
"""
_CARDS_STYLES = """
:host { display: grid; gap: 10px; grid-auto-rows: max-content; height: auto; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 2600px) { :host { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
"""
_TEXT_STYLES = (
    HEAD_STYLES
    + """
.totals { font-size: 13px; color: var(--studio-text); font-variant-numeric: tabular-nums; padding-bottom: 8px; }
.totals b { font-size: 14px; } .totals small { color: var(--studio-muted); font-size: 12px; }
.share { display: flex; height: 22px; border-radius: 6px; overflow: hidden; margin: 6px 0 5px; background: var(--studio-raised); }
.share span { display: flex; align-items: center; justify-content: center; min-width: 0; overflow: hidden; font-size: 12px; font-weight: 600;
  white-space: nowrap; color: #10161d; }
.record { font-size: 12px; line-height: 1.45; color: var(--studio-muted); padding-top: 4px; } .record b { font-size: 12px; color: var(--studio-text); }
.note.problem { color: var(--studio-text); }
"""
)


class CitiesView(Element):
    """Globe, densities and table."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._state = session, session.state
        self._globe = GlobeCard(session)
        self._search = CitySearch(cities=_city_list(), selected=list(self._state.cities), margin=0)
        self._table = CityTable(sizing_mode="stretch_width", margin=0, selected=list(self._state.cities))
        self._totals, self._note = html(css=_TEXT_STYLES), html(css=_TEXT_STYLES)
        self._cards: list[CityCard] = []
        self._intervals: dict[Any, dict[str, tuple[float, float]]] = {}
        self._counting: asyncio.Task[None] | None = None
        choices = {
            name: Choices(self._state, name, label, width)
            for name, label, width in (
                ("candidate", "Is", 170),
                ("baseline", "closer than", 170),
                ("basis", "Values", 200),
                ("sample", "At most", 110),
                ("reach", "Where", 150),
            )
        }
        self._choices = choices
        tools = row(
            self._search,
            pn.Spacer(sizing_mode="stretch_width", height=1, styles={"flex": "1 1 0"}),
            choice(self._state, "box", BOXES, "Grid points around the city: side of the box"),
            css=TOOL_STYLES,
        )
        self._stack = column(css=_CARDS_STYLES)
        comparison = row(*[one.widget for one in choices.values()], css=TOOL_STYLES, margin=(0, 0, 8, 0))
        all_cities = column(
            comparison, self._totals, self._table, css=CARD_STYLES + FITTING, css_classes=["cities-table"]
        )
        middle = column(self._globe, self._stack, css=_GRID_STYLES)
        self._content = column(tools, self._note, middle, all_cities, css=FITTING, styles={"gap": "8px"})
        for chooser in (self._search, self._table):
            chooser.param.watch(self._on_selected, "selected")
        session.param.watch(self._update, ["results", "methods", "busy"])
        session.param.watch(self._on_find, "find_city")
        self._state.param.watch(
            self._update,
            [
                "cities",
                "box",
                "candidate",
                "baseline",
                "marking",
                "field",
                "methods",
                "theme",
                "view",
                "basis",
            ],
        )
        self._on_find()
        self._update()

    @staticmethod
    def prepare() -> None:
        """Render the figures that every visitor gets copies of."""
        for field in FIGURE_FIELDS:
            template(field)

    @property
    def field(self) -> str:
        """Field of table and marks: vorticity or divergence."""
        return self._state.field if self._state.field in ("vorticity", "divergence") else "vorticity"

    @property
    def _result(self) -> CityResult:
        found = self._session.results.get("cities")
        return found if isinstance(found, CityResult) else CityResult()

    def _on_find(self, *_events: Any) -> None:
        if self._session.find_city > self._search.focused:
            self._search.focused = self._session.find_city

    def _on_selected(self, event: Any) -> None:
        if list(event.new) != list(self._state.cities):
            self._state.cities = list(event.new)

    def _update(self, *_events: Any) -> None:
        if self._state.view != "cities":
            return
        with pn.io.hold():
            self._fill_choices()
            for chooser in (self._search, self._table):
                if list(chooser.selected) != list(self._state.cities):
                    chooser.selected = list(self._state.cities)
            self._globe.show_field(self._result.globe_field)
            self._show_verdicts()
            self._show_cards()

    def _labels(self) -> dict[str, str]:
        found = {method.name: method.label for method in self._session.methods}
        return {**{name: name for name in self._result.methods}, **found}

    def _styles(self) -> dict[str, tuple[str, str]]:
        colours = {method.name: method.colour for method in self._session.methods}
        styles = {name: (label, colours.get(name, SPARE_COLOUR)) for name, label in self._labels().items()}
        return {"truth": ("Truth", theme_of(self._state.theme).text), **styles}

    def _fill_choices(self) -> None:
        labels = self._labels()
        stored = {name: attributes.get("title", name) for name, attributes in stored_files().items()}
        basis = {"": "Stored where available", "computed": "Computed here", **stored}
        options: dict[str, Mapping[Any, str]] = {
            **{"candidate": labels, "baseline": labels, "basis": basis},
            **{"sample": SAMPLES, "reach": REACHES},
        }
        for name, offered in options.items():
            self._choices[name].fill(offered)
        for name in ("sample", "reach"):
            self._choices[name].widget.disabled = self._result.stored

    def _show_verdicts(self) -> None:
        """Marks on the globe, totals and table."""
        state, result, field, box = self._state, self._result, self.field, int(self._state.box)
        unit, labels = field_unit(field), self._labels()
        pair = (labels.get(state.candidate, state.candidate), labels.get(state.baseline, state.baseline))
        words = city_marks.verdict_words(result.distances, state.candidate, state.baseline, field, box)
        tables = {
            name: city_marks.distances_of(result.distances, name, field, box, unit.factor)
            for name in result.methods
        }
        own, other = tables.get(state.candidate, {}), tables.get(state.baseline, {})
        same: dict[str, Any] = {"marking": state.marking, "words": words, "own": own, "labels": pair}
        same["unit"] = unit.text
        names = [name for name, _ in self._search.cities]
        self._globe.show_marks(city_marks.marks(names, other=other, **same), city_marks.legend_html(**same))
        self._totals.object = self._totals_html(words, pair, field, box)
        self._note.object = self._note_html(result)
        title = f"Wasserstein-1 distance to the truth [{unit.text}], {FIELDS[field].lower()}, {box} × {box} points"
        columns = [
            {"label": "City", "title": "Sort by city", "kind": "text"},
            {"label": "Country", "title": "Sort by country", "kind": "text"},
            *[{"label": labels[name], "title": title, "kind": "number"} for name in tables],
            {"label": "Verdict", "title": f"{pair[0]} against {pair[1]}", "kind": "verdict"},
        ]
        rows = [
            [city, country, *[table.get(city) for table in tables.values()], words.get(city)]
            for city, country in self._search.cities
        ]
        if columns != self._table.columns or rows != self._table.rows:
            self._table.param.update(
                columns=columns, rows=rows, caption=f"{title}; the smallest of each city is bold"
            )

    def _totals_html(self, words: Mapping[str, str], pair: tuple[str, str], field: str, box: int) -> str:
        result = self._result
        if result.series is None or not words:
            sentence = (
                "No verdict: the two methods are the same."
                if pair[0] == pair[1]
                else "No verdict yet: the values at the cities are not computed."
            )
            return f'<div class="totals"><small>{sentence}</small><div class="share"></div><small>&nbsp;</small></div>'
        counts = {word: sum(one == word for one in words.values()) for word in city_marks.VERDICTS.values()}
        bar = "".join(
            f'<span style="flex: {count} 1 0; background: {city_marks.VERDICT_MARKS[word][1]}">{count} {word}</span>'
            for word, count in counts.items()
            if count
        )
        count = result.done * box**2
        values = f"{count} value{'' if count == 1 else 's'}"
        text = ", ".join(f"{count} {word}" for word, count in counts.items())
        return (
            f'<div class="totals"><b>{escape(pair[0])}</b> against <b>{escape(pair[1])}</b>: '
            f'<span class="counts">{text}</span> of {len(words)} cities'
            f'<div class="share" role="img" aria-label="{text}">{bar}</div>'
            f"<small>{FIELDS[field]}, {box} × {box} points: {values} per city from {escape(period_text(result.series))}. "
            f"Better or worse: the distances differ by more than 10 %. {escape(result.basis)}.{_caution(result.done)}</small>"
            f"{city_html(long_record(self._session.data), self._state.candidate, self._state.baseline, field, box, pair)}</div>"
        )

    def _note_html(self, result: CityResult) -> str:
        parts = [f"{name}: {sentence}" for name, sentence in result.problems.items()]
        if self._state.field == "wind_speed":
            parts.append(
                "Statistics at cities are available for vorticity and divergence; the wind speed is shown on the globe only."
            )
        if len(self._state.cities) > MOST_CARDS:
            parts.append(
                f"Densities are drawn for the first {MOST_CARDS} of {len(self._state.cities)} cities."
            )
        return "".join(f'<div class="note problem">{escape(part)}</div>' for part in parts)

    def _show_cards(self) -> None:
        state, result = self._state, self._result
        chosen = list(state.cities)[:MOST_CARDS]
        while len(self._cards) < max(1, len(chosen)):
            self._cards.append(CityCard(len(self._cards) + 1))
        wanted = [card.view for card in self._cards[: max(1, len(chosen))]]
        if list(self._stack.objects) != wanted:
            self._stack.objects = wanted
        styles = self._styles()
        for card in self._cards:
            card.use_theme(state.theme)
        if not chosen:
            self._cards[0].wait("No city is selected", "Tap a city on the globe, or type its name.")
        shown = shown_methods(state, result.methods)
        series = result.series
        for card, city in zip(self._cards, chosen, strict=False):
            if series is None or city not in series["city"].values:
                card.wait(
                    city, "Values are being computed." if self._session.busy else "No values at this city."
                )
                continue
            if not _has_values(series, city):
                card.wait(city, "This city is outside the area of these data.")
                continue
            intervals = self._interval(series, city, shown)
            options = {"field": self.field, "box": int(state.box), "theme": state.theme}
            card.draw(series, city, shown, styles, intervals=intervals, **options)

    def _interval(self, series: Any, city: str, methods: list[str]) -> dict[str, tuple[float, float]]:
        """Bootstrap intervals of a city, computed in a thread; empty until they are ready."""
        key = (id(series), city, self.field, self._state.box, tuple(methods))
        found = self._intervals.get(key)
        if found is not None:
            return found
        field, box = self.field, int(self._state.box)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # outside the server, in a test or a script
            return intervals_of(series, city, methods, field, box)

        async def count() -> None:
            intervals = await asyncio.to_thread(intervals_of, series, city, methods, field, box)
            # Only of the present series: an older one is not needed again.
            kept = {other: value for other, value in self._intervals.items() if other[0] == id(series)}
            self._intervals = {**kept, key: intervals}
            if self._result.series is series:
                with self._session.within(), pn.io.hold():
                    self._show_cards()

        if not self._session.busy:
            self._counting = loop.create_task(count())
        return {}


def _caution(times: int) -> str:
    """A sentence on the uncertainty of a small sample."""
    if times >= 60:
        return ""
    return f" With {times} time{'' if times == 1 else 's'} many verdicts are due to chance; use more times for reliable ones."


def _has_values(series: Any, city: str) -> bool:
    return bool(series["vorticity"].sel(city=city).notnull().all())


def _city_list() -> list[Any]:
    if not city_names():
        return []
    return [list(pair) for pair in ad.cities()[["name", "country"]].itertuples(index=False, name=None)]
