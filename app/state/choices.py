"""Values that the parameters of the state can take, and their names in the address."""

from __future__ import annotations

from atmodist_core.fields.canonical.channels import FIELD_ATTRS, field_words, is_further
from atmodist_core.fields.grid.projections import PROJECTIONS

FIELDS = {"vorticity": "Vorticity", "divergence": "Divergence", "wind_speed": "Wind speed"}
FURTHER_FIELDS = {name: field_words(name).capitalize() for name in FIELD_ATTRS if is_further(name)}
"""Fields that some data hold besides, which only the maps show."""
FIELD_LABELS = FIELDS | FURTHER_FIELDS
SHOWS = {"field": "Field", "difference": "Difference"}
LAYOUTS = {"panels": "Panels", "swipe": "Swipe"}
PIXELS = {"native": "Native", "mean": "Mean"}
MAP_PROJECTIONS = {name: label[:1].upper() + label[1:] for name, label in PROJECTIONS.items()}
SCALES = {"quantile": "Quantile", "fixed": "Fixed"}
AVERAGES = {"time": "This time", "period": "Mean over the period"}
MEASURES = {"headline": "Headline measures", "all": "All measures"}
MEMBERS = {"4": "4", "8": "8", "16": "16"}
MEAN = "mean"
DRAWS = {MEAN: "Mean of the members", **{str(number): f"Member {number}" for number in range(1, 17)}}
STAMPS_AT_ONCE = 4
STAMPS = tuple(str(first) for first in range(1, 17, STAMPS_AT_ONCE))
"""First of the members that are shown as maps."""

WHOLE = "Globe"
"""Name of the region that covers all of the data, global or not."""

QUERY_NAMES = {
    "view": "view",
    "data_set": "data",
    "level": "level",
    "time": "time",
    "field": "field",
    "region": "region",
    "factor": "factor",
    "methods": "methods",
    "show": "show",
    "layout": "layout",
    "left": "left",
    "right": "right",
    "pixels": "pixels",
    "projection": "projection",
    "transect": "transect",
    "scale": "scale",
    "limit": "limit",
    "average": "average",
    "period": "period",
    "step": "step",
    "pair": "pair",
    "cities": "cities",
    "box": "box",
    "candidate": "judged",
    "baseline": "baseline",
    "globe_field": "globe",
    "marking": "marks",
    "basis": "basis",
    "reach": "reach",
    "sample": "sample",
    "reference": "reference",
    "measures": "measures",
    "ensemble": "ensemble",
    "members": "members",
    "seed": "seed",
    "stamps": "stamps",
    "draw": "draw",
    "network": "network",
    "stage": "stage",
    "filter": "filter",
    "theme": "theme",
}
"""Parameter of the state -> name in the address, in the order of the address."""

ALWAYS_IN_ADDRESS = ("view", "data_set", "time", "field", "region")
HISTORY_PARAMETERS = ("view", "data_set", "level", "region", "field", "factor", "layout", "average")
"""Parameters whose change the browser's back button undoes; steps through time would fill its history."""
