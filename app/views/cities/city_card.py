"""One selected city: densities of both fields for three box sizes, and a table of quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from app.state.choices import FIELDS as FIELD_LABELS
from app.theme.theme import LIGHT, line_sample
from app.views.cities.density_figure import DensityFigure
from app.views.shared.elements import CARD_STYLES, column, figure_pane, html
from atmodist_core.evaluation.city_verdicts import wasserstein_estimate
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.fields.canonical.shown_dates import shown_dates, time_texts
from atmodist_core.fields.grid.transects import place_text
from atmodist_core.figures.numbers.cities import BOXES, FIELDS, QUANTILES, quantiles, sample_of
from atmodist_core.plots.look.units import field_unit

_GRID_STYLES = ":host { display: grid; gap: 2px 4px; grid-template-columns: repeat(3, minmax(0, 1fr)); }"
_TEXT_STYLES = """
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 12px; padding: 0 4px 2px 6px; }
.head b { font-size: 15px; color: var(--studio-text); } .head span { font-size: 12px; color: var(--studio-muted); }
.part { font-size: 11.5px; font-weight: 600; color: var(--studio-text); padding-left: 22px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.part span { font-weight: 400; color: var(--studio-muted); }
.numbers { overflow-x: auto; padding: 4px 4px 0 6px; }
table { border-collapse: collapse; width: 100%; font-size: 12px; color: var(--studio-text); font-variant-numeric: tabular-nums; }
caption { text-align: left; white-space: normal; color: var(--studio-muted); font-size: 11.5px; padding-bottom: 3px; }
th, td { padding: 2px 5px; text-align: right; white-space: nowrap; border-top: 1px solid var(--studio-line); font-weight: 400; }
thead th { color: var(--studio-muted); border-top: 0; }
tr > :first-child { text-align: left; } tbody th svg { width: 22px; height: 6px; vertical-align: middle; margin-right: 7px; }
td small { display: block; font-size: 10.5px; line-height: 1.1; color: var(--studio-muted); } .least { font-weight: 700; color: var(--studio-best); }
.waiting { color: var(--studio-muted); font-size: 12.5px; padding: 4px 6px; }
"""

WASSERSTEIN = f"{MEASURES['wasserstein'].definition} Here the area is the box of points around the city."


class CityCard:
    """Densities and quantiles of one city; ``number`` is the place of the card, for the names of its figures."""

    def __init__(self, number: int) -> None:
        self._head = html(css=_TEXT_STYLES)
        self._table = html(css=_TEXT_STYLES)
        self._figures = {
            (field, box): DensityFigure(field, f"density of {field}, {box} x {box}, city {number}")
            for field in FIELDS
            for box in BOXES
        }
        self._titles = {key: html(css=_TEXT_STYLES) for key in self._figures}
        cells = []
        for field in FIELDS:
            cells += [self._titles[field, box] for box in BOXES]
            cells += [figure_pane(self._figures[field, box].figure) for box in BOXES]
        grid = column(*cells, css=_GRID_STYLES)
        self.view = column(self._head, grid, self._table, css=CARD_STYLES, css_classes=["city-card"])
        self._drawn: Any = None
        self._theme = LIGHT

    def use_theme(self, theme: str) -> None:
        """Take the colours of a theme."""
        if theme != self._theme:
            self._theme = theme
            for one in self._figures.values():
                one.plot.restyle(theme)

    def wait(self, city: str, sentence: str) -> None:
        """Show a city without values, and a sentence."""
        self._drawn = None
        self._head.object = f'<div class="head"><b>{escape(city)}</b></div>'
        self._table.object = f'<div class="waiting">{escape(sentence)}</div>'
        for (field, box), one in self._figures.items():
            self._titles[field, box].object = _title_html(field, box, None)
            one.draw({}, {})

    def draw(
        self,
        series: xr.Dataset,
        city: str,
        methods: list[str],
        styles: Mapping[str, tuple[str, str]],
        *,
        field: str,
        box: int,
        theme: str,
        intervals: Mapping[str, tuple[float, float]],
    ) -> None:
        """Show a city; ``styles`` are label and colour by name, ``intervals`` the ends of the bootstrap's intervals of W1 [s-1] by method, if computed."""
        key = (id(series), city, tuple(methods), field, box, theme, bool(intervals))
        if key == self._drawn:
            return
        names = ["truth", *methods]
        for (one, size), drawn in self._figures.items():
            factor = np.float32(field_unit(one).factor)
            samples = {name: sample_of(series, name, city, one, size) * factor for name in names}
            self._titles[one, size].object = _title_html(one, size, int(samples["truth"].size))
            drawn.draw(samples, styles)
        self._head.object = _head_html(series, city)
        self._table.object = _table_html(series, city, names, styles, field, box, intervals)
        self._drawn = key


def _head_html(series: xr.Dataset, city: str) -> str:
    at = series.sel(city=city)
    place = place_text(float(at["latitude"]), float(at["longitude"]))
    return f'<div class="head"><b>{escape(city)}</b><span>{escape(str(at["country"].values))} · {place} · {period_text(series)}</span></div>'


def period_text(series: xr.Dataset) -> str:
    """Return the number of times, and the first and last of them."""
    times = series["time"].values
    count = f"{times.size} time{'' if times.size == 1 else 's'}"
    if not times.size or np.isnat(times).any():
        return count
    texts = time_texts(series)
    return f"{count}, {shown_dates(series).between(texts[0], texts[-1])}"


def _title_html(field: str, box: int, count: int | None) -> str:
    values = "" if count is None else f"n = {count}"
    return f'<div class="part">{FIELD_LABELS[field]}, {box} × {box} <span>{values}</span></div>'


def _table_html(
    series: xr.Dataset,
    city: str,
    names: list[str],
    styles: Mapping[str, tuple[str, str]],
    field: str,
    box: int,
    intervals: Mapping[str, tuple[float, float]],
) -> str:
    factor = field_unit(field).factor
    truth = sample_of(series, "truth", city, field, box) * np.float32(factor)
    distances, rows = {}, []
    for name in names[1:]:
        sample = sample_of(series, name, city, field, box) * np.float32(factor)
        distance = float(np.abs(np.sort(sample, axis=None).astype(float) - np.sort(truth, axis=None)).mean())
        ends = intervals.get(name, (float("nan"), float("nan")))
        distances[name] = (sample, distance, (ends[0] * factor, ends[1] * factor))
    least = min((distance for _, distance, _ in distances.values()), default=0.0)
    for name in names:
        label, colour = styles[name]
        sample, distance, interval = distances.get(name, (truth, float("nan"), (float("nan"),) * 2))
        known = np.isfinite(interval[0])
        spread = f"<small>{interval[0]:.2g}–{interval[1]:.2g}</small>" if known else ""
        best = ' class="least"' if distance == least and len(distances) > 1 else ""
        cells = "".join(f"<td>{value:.2f}</td>".replace("-", "−") for value in quantiles(sample))
        line = line_sample(name, colour, length=22, width=2.4)
        rows.append(
            f'<tr><th scope="row">{line}{escape(label)}</th>'
            f"<td>{'–' if np.isnan(distance) else f'<span{best}>{distance:.3g}</span>{spread}'}</td>{cells}</tr>"
        )
    heads = "".join(
        f'<th scope="col" title="Value below which {100 * q:g} % of the values lie [{field_unit(field).text}]">{100 * q:g} %</th>'
        for q in QUANTILES
    )
    caption = (
        f"{FIELD_LABELS[field]}, {box} × {box} points [{field_unit(field).text}]: Wasserstein-1 distance to the truth (small: 95 % interval "
        "of a bootstrap over blocks of three days) and quantiles. Dotted lines in the figures: 2 and 98 % of the truth."
    )
    return (
        f'<div class="numbers"><table><caption>{caption}</caption><thead><tr><th scope="col">Method</th><th scope="col" title="{escape(WASSERSTEIN)}">Wasserstein-1</th>{heads}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def intervals_of(
    series: xr.Dataset, city: str, methods: list[str], field: str, box: int
) -> dict[str, tuple[float, float]]:
    """Return the intervals of the Wasserstein-1 distances of methods at a city [s-1]; takes a fraction of a second."""
    truth, times = sample_of(series, "truth", city, field, box), series["time"].values
    found = {}
    for name in methods:
        estimate = wasserstein_estimate(sample_of(series, name, city, field, box), truth, times)
        found[name] = (estimate.low, estimate.high)
    return found
