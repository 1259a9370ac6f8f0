"""The state of the page: one object, independent of Panel, that widgets, views and the address bar share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import param

import atmodist_core as ad
from app.state.choices import (
    ALWAYS_IN_ADDRESS,
    AVERAGES,
    DRAWS,
    FIELD_LABELS,
    FURTHER_FIELDS,
    LAYOUTS,
    MAP_PROJECTIONS,
    MEASURES,
    MEMBERS,
    PIXELS,
    QUERY_NAMES,
    SCALES,
    SHOWS,
    STAMPS,
    WHOLE,
)
from app.state.city_choices import BASELINE, BOXES, CANDIDATE, FIRST_CITY, MARKINGS, REACHES, fit_cities
from app.state.data_description import DataDescription
from app.state.period import parse_period
from app.state.view_registry import VIEWS
from app.theme.theme import DARK, LIGHT
from atmodist_core.fields.grid.transects import parse_transect
from atmodist_core.figures.numbers.request import parse_region


def region_text(region: Any) -> str:
    """Return the text of a region that :func:`parse_region` reads: the name of a preset, or four numbers."""
    for name, preset in ad.REGIONS.items():
        if preset == region:
            return str(name)
    return ",".join(f"{edge:g}" for edge in (region.south, region.north, region.west, region.east))


class StudioState(param.Parameterized):
    """Everything that a link restores.

    Whether a time, level, region or method exists depends on the data: :meth:`fit` replaces those that do not, once the data are open.
    """

    view: Any = param.Selector(default="maps", objects=list(VIEWS), doc="The view in front.")
    data_set = param.String(default="demo", doc="Key of the data set.")
    level = param.String(default="", doc="Level, where the data have several.")
    time = param.String(default="", doc="Date and hour, as 2001-01-05T03:00; empty is the first of the data.")
    field: Any = param.Selector(default="vorticity", objects=list(FIELD_LABELS), doc="The field shown.")
    region = param.String(default="Europe", doc="Name of a preset, or south,north,west,east in degrees.")
    factor = param.Integer(default=4, bounds=(2, 64), doc="Fine points per coarse point in each direction.")
    methods = param.List(
        default=[], item_type=str, allow_None=True, doc="Methods shown; None for the defaults."
    )
    show: Any = param.Selector(
        default="field", objects=list(SHOWS), doc="The field, or its difference from the truth."
    )
    layout: Any = param.Selector(
        default="panels", objects=list(LAYOUTS), doc="All panels, or two under a swipe."
    )
    left = param.String(default="bicubic", doc="Left of the swipe.")
    right = param.String(default="truth", doc="Right of the swipe.")
    pixels: Any = param.Selector(
        default="native", objects=list(PIXELS), doc="Native grid points, or their mean per pixel."
    )
    projection: Any = param.Selector(
        default="plate-carree", objects=list(MAP_PROJECTIONS), doc="Projection of the maps."
    )
    transect = param.String(
        default="", doc="Line latitude,longitude,latitude,longitude on the maps; empty for none."
    )
    scale: Any = param.Selector(
        default="quantile", objects=list(SCALES), doc="How the ends of the colour scale are set."
    )
    limit = param.Number(
        default=None, bounds=(0, None), inclusive_bounds=(False, True), doc="End of a fixed scale."
    )
    average: Any = param.Selector(
        default="time", objects=list(AVERAGES), doc="Spectra of this time, or their mean over the period."
    )
    period = param.String(default="", doc="Period first/last of views over many times; empty for all times.")
    step = param.Integer(default=1, bounds=(1, 1000), doc="Every n-th time of the period is used.")
    pair = param.String(default="", doc="Two times first/second whose fields are shown.")
    # The view Cities.
    cities = param.List(default=[FIRST_CITY], item_type=str, doc="Names of the selected cities.")
    box: Any = param.Selector(
        default="1", objects=list(BOXES), doc="Points along a side of the box at a city."
    )
    candidate = param.String(default=CANDIDATE, doc="Method that is compared with the baseline.")
    baseline = param.String(default=BASELINE, doc="Method that it is compared with.")
    globe_field = param.String(default="truth", doc="Field on the globe: truth, coarse or a method.")
    marking: Any = param.Selector(
        default="verdict", objects=list(MARKINGS), doc="Quantity that the marks of the cities show."
    )
    basis = param.String(
        default="", doc="File of stored values, or computed; empty for stored where they fit."
    )
    reach: Any = param.Selector(default="auto", objects=list(REACHES), doc="Which cities are computed.")
    sample = param.Integer(default=12, bounds=(1, 1_000_000), doc="Most times to compute.")

    # The view Scorecard.
    reference = param.String(
        default="", doc="Model that the others are compared with; empty for that of the evaluation."
    )
    measures: Any = param.Selector(
        default="headline", objects=list(MEASURES), doc="Measures of the scorecard."
    )

    # The view Ensemble, and the members that ensemble models show on the other views.
    ensemble = param.String(default="", doc="The ensemble model; empty for the first.")
    members: Any = param.Selector(default="8", objects=list(MEMBERS), doc="Number of members.")
    seed = param.Integer(default=0, bounds=(0, 999_999), doc="Seed of the noise of all members.")
    stamps: Any = param.Selector(default="1", objects=list(STAMPS), doc="First of the members shown.")
    draw: Any = param.Selector(
        default="1", objects=list(DRAWS), doc="What ensemble models show on the other views."
    )

    # The view Features.
    network = param.String(default="", doc="The distance network; empty for that of the most similar grid.")
    stage = param.String(default="stage2", doc="Stage of the network.")
    filter = param.Integer(default=0, bounds=(0, 4095), doc="Number of the filter of the stage.")

    theme: Any = param.Selector(default=LIGHT, objects=[LIGHT, DARK], doc="Light or dark page.")

    suggested = param.List(
        default=[], item_type=str, doc="Methods that fit the open data, not in the address."
    )

    def __init__(self, **values: Any) -> None:
        values.setdefault("methods", None)
        super().__init__(**values)

    def for_view(self) -> StudioState:
        """Return a copy, with vorticity instead of a field that the present view does not know."""
        copy = StudioState(**{name: getattr(self, name) for name in (*QUERY_NAMES, "suggested")})
        copy.field = "vorticity" if self.shows_instead else self.field
        return copy

    @property
    def shows_instead(self) -> bool:
        """Whether the present view shows vorticity instead of the field chosen, which only the maps know."""
        return self.view != "maps" and self.field in FURTHER_FIELDS

    def to_query(self) -> dict[str, str]:
        """Return the names and values of the address: the main choices always, the others where they differ from the defaults."""
        query = {}
        for name, key in QUERY_NAMES.items():
            value = getattr(self, name)
            default = None if name == "methods" else self.param[name].default
            if value == default and name not in ALWAYS_IN_ADDRESS:
                continue
            if value in ("", None):
                continue
            query[key] = ",".join(value) if isinstance(value, list) else _plain(value)
        return query

    def read_query(self, query: Mapping[str, Any]) -> list[str]:
        """Set the values of an address in one update; return a sentence for each unknown name or impossible value.

        Parameters that the address does not name return to their defaults, so that the browser's back button restores the same page.
        """
        values: dict[str, Any] = {
            name: None if name == "methods" else self.param[name].default for name in QUERY_NAMES
        }
        problems = []
        parameters = {key: name for name, key in QUERY_NAMES.items()}
        for key, asked in query.items():
            if key not in parameters:
                problems.append(
                    f"The link has a setting {_quoted(key)}, which does not exist; it is ignored."
                )
                continue
            name = parameters[key]
            try:
                values[name] = self._parse(name, str(asked))
            except ValueError as error:
                problems.append(f"The link asks for {key} {_quoted(asked)}: {error}")
        self.param.update(**values)
        return problems

    def fit(self, data: DataDescription, methods: Iterable[str], *, from_link: bool) -> list[str]:
        """Replace values that the open data and the methods found do not offer; return sentences for the user.

        After a link every replacement is reported. A user who has just changed the data set expects other dates, so only a region outside the
        data is reported.
        """
        values: dict[str, Any] = {"data_set": data.key}
        notes: list[str] = []
        values["time"], sentence = _nearest_time(self.time, data)
        notes += [sentence] if sentence and from_link else []
        values["level"] = self.level
        if self.level not in data.levels and (self.level or data.levels):
            values["level"] = data.level if data.levels else ""
            if self.level and from_link:
                instead = (
                    f"level {values['level']} is shown"
                    if data.levels
                    else "these data have no levels to choose"
                )
                notes.append(
                    f"The link asks for level {_quoted(self.level)}, which the data do not hold; {instead}."
                )
        if self.field in FURTHER_FIELDS and self.field not in data.further_fields:
            values["field"] = "vorticity"
            if from_link:
                notes.append(
                    f"The link asks for {FURTHER_FIELDS[self.field].lower()}, which these data do not hold; vorticity is shown."
                )
        region = parse_region(self.region)
        if not data.is_global and self.region != WHOLE and not overlaps(region, data.extent):
            values["region"] = WHOLE
            notes.append(f"These data do not reach {_place(self.region)}, so their whole area is shown.")
        names = list(methods)
        known = set(names)
        if self.methods is not None:
            missing = [name for name in self.methods if name not in known]
            values["methods"] = [name for name in self.methods if name in known]
            notes += [f"The method {_quoted(name)} was not found; it is left out." for name in missing]
        for side, fallback in (("left", "bicubic"), ("right", "truth"), ("globe_field", "truth")):
            name = getattr(self, side)
            if name not in known | {"truth", "coarse"}:
                values[side] = fallback
                notes.append(f"The method {_quoted(name)} was not found; {fallback} is shown instead.")
        for name, sentence in _periods_in(self, data).items():
            values[name] = ""
            notes += [sentence] if from_link else []
        city_values, sentences = fit_cities(self.cities, self.candidate, self.baseline, names)
        values |= city_values
        notes += sentences if from_link else []
        self.param.update(**values)
        return notes

    def _parse(self, name: str, text: str) -> Any:
        """Value of a parameter from its text, or a ValueError with the end of a sentence."""
        parameter = self.param[name]
        if isinstance(parameter, param.Selector):
            if text not in parameter.objects:
                raise ValueError(
                    f"expected {', '.join(map(str, parameter.objects))}; {parameter.default} is shown."
                )
            return text
        if name == "region":
            try:
                return region_text(parse_region(text))
            except ad.UserError as error:
                raise ValueError(f"{_sentence_part(error)} {parameter.default} is shown.") from error
        if name == "transect":
            try:
                parse_transect(text)
                return text
            except ad.UserError as error:
                raise ValueError(f"{_sentence_part(error)} no transect is shown.") from error
        if isinstance(parameter, param.List):
            return [part for part in dict.fromkeys(text.split(",")) if part]
        if name == "limit":
            try:
                value = float(text)
            except ValueError:
                value = float("nan")
            if not (np.isfinite(value) and value > 0):
                raise ValueError("expected a number above zero; the scale follows the data.")
            return value
        if name == "period":
            try:
                parse_period(text)
                return text
            except ad.UserError as error:
                raise ValueError(f"{_sentence_part(error)} all times are used.") from error
        if name in ("step", "sample", "seed", "factor", "filter"):
            low, high = parameter.bounds
            if not text.isdigit() or not low <= int(text) <= high:
                raise ValueError(
                    f"expected a whole number from {low} to {high}; {parameter.default} is used."
                )
            return int(text)
        return text


def fit_factor(state: StudioState, factors: Sequence[int]) -> list[str]:
    """Replace a factor of which there is no model; return sentences for the user."""
    asked = state.factor
    if asked in factors:
        return []
    state.factor = 4
    return [f"There is no model of factor {asked}; factor 4 is shown."]


def overlaps(region: Any, extent: Any) -> bool:
    """Return whether two regions overlap, in any convention of longitudes."""
    if min(region.north, extent.north) <= max(region.south, extent.south):
        return False
    offset = (extent.west - region.west) % 360.0
    return bool(offset < region.width or offset + extent.width > 360.0)


PREFERRED_METHODS = ("srgan-4x-atmodist", "srgan-4x-mse", "bicubic", "bilinear", "sr-4x-mse")
"""Methods shown by default, most important first."""

METHODS_AT_FIRST = 4
"""Number of methods shown by default: with the coarse input and the truth they fill two rows of three."""


def shown_methods(state: StudioState, found: Sequence[str]) -> list[str]:
    """Return the names of the methods shown, in the order in which they were found."""
    wanted = state.methods
    if wanted is None:
        preferred = [name for name in dict.fromkeys([*state.suggested, *PREFERRED_METHODS]) if name in found]
        wanted = [*preferred, *[name for name in found if name not in preferred]][:METHODS_AT_FIRST]
    return [name for name in found if name in wanted]


def default_methods(found: Sequence[str], suggested: Sequence[str] = ()) -> list[str]:
    """Return the names of the methods shown by default, of data that suggest some."""
    return shown_methods(StudioState(suggested=list(suggested)), found)


def _periods_in(state: StudioState, data: DataDescription) -> dict[str, str]:
    """Sentences on a period or pair that the data do not cover, by parameter."""
    notes = {}
    bounds = parse_period(state.period)
    if bounds is not None and (
        np.isnat(data.times).any() or bounds[1] < data.times[0] or bounds[0] > data.times[-1]
    ):
        notes["period"] = (
            f"The link asks for the period {_quoted(state.period)}, which these data do not cover; all times are used."
        )
    if state.pair and not set(state.pair.split("/")) <= set(data.time_texts):
        notes["pair"] = (
            f"The link asks for the pair {_quoted(state.pair)}, which these data do not hold; another is shown."
        )
    return notes


def _nearest_time(asked: str, data: DataDescription) -> tuple[str, str]:
    """Text of the time to show, and a sentence if it is not the requested one."""
    texts = data.time_texts
    if asked in texts:
        return asked, ""
    if not asked:
        return texts[0], ""
    try:
        wanted: np.datetime64 = np.datetime64(asked, "m")
    except ValueError:
        wanted = np.datetime64("NaT", "m")
    if np.isnat(wanted) or np.isnat(data.times).all():
        return (
            texts[0],
            f"The link asks for the time {_quoted(asked)}, which is not a date of these data; {texts[0]} is shown.",
        )
    nearest = texts[int(np.abs(data.times - wanted).argmin())]
    return (
        nearest,
        f"The link asks for {_quoted(asked)}, which these data do not hold; the nearest, {nearest}, is shown.",
    )


def _place(region: str) -> str:
    return region if region in ad.REGIONS else f"the region {region}"


def _quoted(value: Any) -> str:
    text = str(value)
    return "'" + (text if len(text) <= 60 else text[:57] + "...") + "'"


def _sentence_part(error: Exception) -> str:
    text = str(error).strip()
    return text[:1].lower() + text[1:] + ("" if text.endswith((".", ";")) else ";")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
