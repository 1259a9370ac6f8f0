"""The scorecard as an HTML table, with the explanation of every cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import xarray as xr

from app.theme.theme import line_sample
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.cell_colours import cell_colour, scale_colours, text_colour
from atmodist_core.figures.findings.comparison import Verdict
from atmodist_core.figures.findings.measure_groups import GROUPS
from atmodist_core.figures.findings.scorecard import (
    REFERENCE,
    ROUNDING,
    SMALLEST_DEPARTURE,
    cell_text,
    estimate_of,
)
from atmodist_core.figures.findings.wording import estimate_text, has_interval, percent
from atmodist_core.figures.method_styles import method_style
from atmodist_core.plots.look.units import DisplayUnit, display_unit

VIEW_OF_GROUP = {
    **{"power": "spectra", "values": "cities", "cities": "cities"},
    **{"errors": "maps", "artefacts": "maps", "others": "maps"},
}
"""View that explains the measures of a group."""

_VERDICTS = {
    Verdict.CLOSER.value: "closer to the truth than {reference}: decided",
    Verdict.FURTHER.value: "farther from the truth than {reference}: decided",
    Verdict.UNDECIDED.value: "not distinguishable from {reference}: undecided",
    Verdict.NO_INTERVAL.value: "compared with {reference}: undecided, as there is no interval",
    Verdict.UNDEFINED.value: "not defined",
    ROUNDING: "equal to {reference} within rounding errors",
}
_IDEALS = {"one": "ideal 1", "zero": "ideal 0", "more": "interval of the ratio"}


def view_of(measure: str, group: str) -> str:
    """Return the view that explains a measure."""
    return "distances" if measure == "atmodist" else VIEW_OF_GROUP[group]


def table_html(
    table: xr.Dataset,
    names: Mapping[str, str],
    views: Mapping[str, str],
    costs: Mapping[str, float],
    outdated: Sequence[str],
) -> str:
    """Return the table of one field.

    ``table`` is as :func:`~atmodist_core.figures.findings.scorecard.scorecard_table` returns it, ``names`` are those of its models, ``views``
    the labels of all views, ``costs`` numbers of parameters by model, and ``outdated`` the models that are installed in another version.
    """
    models = [str(name) for name in table["model"].values]
    reference = str(table.attrs["reference"])
    heads = "".join(_head(model, names[model], model == reference, model in outdated) for model in models)
    groups = [str(name) for name in table["group"].values]
    body = []
    for group, title in GROUPS.items():
        measures = [str(m) for m, of in zip(table["measure"].values, groups, strict=True) if of == group]
        if measures:
            body.append(
                f'<tr class="group"><th colspan="{len(models) + 1}" scope="colgroup">{escape(title)}</th></tr>'
            )
        body += [_row(table, measure, models, names, views[view_of(measure, group)]) for measure in measures]
    if costs:
        cells = "".join(_cost(model, names[model], costs.get(model), views["models"]) for model in models)
        body.append(f'<tr class="group"><th colspan="{len(models) + 1}" scope="colgroup">Cost</th></tr>')
        body.append(f'<tr><th scope="row">weights<small>millions; no interval</small></th>{cells}</tr>')
    field = str(table.attrs["field"])
    return (
        f'<table><caption>{escape(field.capitalize())}</caption><thead><tr><th scope="col">Measure</th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def legend_html(theme: str, reference: str) -> str:
    """Return the meaning of the colours."""
    gradient = ", ".join(scale_colours(theme, 9))
    return (
        f'<div class="legend" role="note"><span>twice as far</span><span class="scale" style="background:linear-gradient(90deg, {gradient})"></span>'
        f'<span>at the truth</span><span class="mid">middle: as far from the truth as {escape(reference)}</span>'
        '<span class="swatch"></span><span>undecided</span></div>'
    )


def _head(model: str, name: str, is_reference: bool, is_outdated: bool) -> str:
    colour = str(method_style(model).colour)
    note = "<small>reference</small>" if is_reference else ""
    note += (
        '<small title="The installed model was saved at another time than the one evaluated.">other version</small>'
        if is_outdated
        else ""
    )
    return f'<th scope="col">{line_sample(model, colour, length=22, width=3)}{escape(name)}{note}</th>'


def _row(table: xr.Dataset, measure: str, models: list[str], names: Mapping[str, str], view: str) -> str:
    one = table.sel(measure=measure)
    units = str(one["units"].item())
    finite = np.abs(one["value"].values[np.isfinite(one["value"].values)])
    # One unit for the row, so that its numbers can be compared.
    unit = DisplayUnit(1.0, "") if units == "1" else display_unit(units, float(finite.max(initial=0.0)))
    title = str(one["long_name"].item()).replace(" relative to the truth", " / truth's")
    small = ", ".join(part for part in (unit.text, _IDEALS.get(str(one["ideal"].item()), "")) if part)
    cells = "".join(_cell(table, measure, model, names, unit, view) for model in models)
    definition = escape(str(one["definition"].item()))
    return f'<tr><th scope="row" tabindex="0" data-tip="{definition}">{escape(title)}<small>{escape(small)}</small></th>{cells}</tr>'


def _cell(
    table: xr.Dataset, measure: str, model: str, names: Mapping[str, str], unit: DisplayUnit, view: str
) -> str:
    one = table.sel(measure=measure, model=model)
    state, theme_free = str(one["state"].item()), ""
    sure = bool(one["sure"])
    text = cell_text(one, unit.factor)
    found = estimate_of(table, model, measure)
    ends = [_end(end * unit.factor) for end in (found.low, found.high)]
    interval = f"<small>{ends[0]} – {ends[1]}</small>" if has_interval(found) else "<small>&nbsp;</small>"
    if sure:
        improvement = float(one["improvement"])
        # Both themes in variables: a change of the theme needs no new table.
        theme_free = ";".join(
            f"--{theme}:{(colour := cell_colour(improvement, theme))};--{theme}-ink:{text_colour(colour)}"
            for theme in ("light", "dark")
        )
    kind = "sure" if sure else "reference" if state == REFERENCE else "undecided"
    tip = escape(_tip(table, measure, model, names, view))
    return (
        f'<td class="{kind}" style="{theme_free}"><button type="button" data-measure="{escape(measure)}" data-model="{escape(model)}" '
        f'data-field="{escape(str(table.attrs["field"]))}" data-tip="{tip}" aria-label="{tip}">{escape(text)}{interval}</button></td>'
    )


def _end(value: float) -> str:
    return "0" if abs(value) < SMALLEST_DEPARTURE else f"{value:.3g}"


def _tip(table: xr.Dataset, measure: str, model: str, names: Mapping[str, str], view: str) -> str:
    """Value, unit, interval, the reference's value, the verdict and the definition, a line each."""
    one = table.sel(measure=measure, model=model)
    reference, units = str(table.attrs["reference"]), str(one["units"].item())
    name, other = names[model], names[reference]
    what = f"{one['long_name'].item()} of {table.attrs['field']}"
    ideal = _IDEALS.get(str(one["ideal"].item()), "")
    lines = [f"{name} · {what}"]
    state = str(one["state"].item())
    if measure.startswith("cities_"):
        if state != REFERENCE:
            ratio = estimate_text(estimate_of(table, model, measure))
            lines.append(
                f"Closer at {int(one['better'])}, farther at {int(one['worse'])} cities; ratio {ratio}"
            )
    else:
        lines.append(f"{estimate_text(estimate_of(table, model, measure), units)}; {ideal}")
        if state != REFERENCE:
            lines.append(
                f"{other} (reference): {estimate_text(estimate_of(table, reference, measure), units)}"
            )
    if state == REFERENCE:
        lines.append("This is the reference that the others are compared with.")
    else:
        lines.append(_VERDICTS[state].format(reference=other).capitalize() + _share(table, measure, model))
    return "\n".join([*lines, str(one["definition"].item()), f"Select to open the view {view}."])


def _share(table: xr.Dataset, measure: str, model: str) -> str:
    """By how much it is closer or farther, where that is a plain share."""
    found: Estimate = estimate_of(table, model, measure, "improvement")
    sure = bool(table["sure"].sel(measure=measure, model=model))
    if measure.startswith("cities_") or not sure or not math.isfinite(found.value):
        return ""
    if found.value < -10:
        return ", more than ten times as far"
    way = "closer" if found.value > 0 else "farther"
    sign = 1 if found.value > 0 else -1
    ends = sorted((sign * found.low, sign * found.high))
    return f", by {percent(Estimate(abs(found.value), *ends))} of the reference's distance ({way})"


def _cost(model: str, name: str, millions: float | None, view: str) -> str:
    text = "0" if millions == 0 else "–" if millions is None else f"{millions:.2g}"
    tip = escape(f"{name}: {text} million weights.\nSelect to open the view {view}.")
    return (
        f'<td class="reference"><button type="button" data-measure="cost" data-model="{escape(model)}" data-field="" data-tip="{tip}" '
        f'aria-label="{tip}">{text}<small>&nbsp;</small></button></td>'
    )
