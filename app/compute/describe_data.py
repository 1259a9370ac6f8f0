"""Open and describe data sets."""

from __future__ import annotations

import numpy as np
import xarray as xr

import atmodist_core as ad
from app.compute.public_text import public_text
from app.state.data_description import DataDescription
from atmodist_core.fields.canonical.model_calendars import MODEL_DATE
from atmodist_core.figures.findings.shown_evaluation import traits_shown
from atmodist_core.figures.numbers.data_sets import Source


def describe(source: Source, level: str) -> tuple[xr.Dataset, DataDescription]:
    """Open a data set lazily and describe it, at a level or, if that is empty, the first one; raise a UserError if it cannot be read."""
    ds = source.open(level or None)
    return ds, description_of(ds, source)


def description_of(ds: xr.Dataset, source: Source) -> DataDescription:
    """Return the description of an open canonical dataset."""
    from atmodist_core.evaluation.geometry import is_global_grid

    latitude = np.asarray(ds["latitude"].values, dtype=float)
    longitude = np.asarray(ds["longitude"].values, dtype=float)
    times = np.atleast_1d(ds["time"].values).astype("datetime64[m]")
    spacing = float(abs(latitude[-1] - latitude[0]) / max(latitude.size - 1, 1))
    whole_globe = is_global_grid(ds) and ds.attrs.get("grid") != "limited-area"
    extent = (
        ad.Region(-90, 90, 0, 360)
        if whole_globe
        else ad.Region(float(latitude[-1]), float(latitude[0]), float(longitude[0]), float(longitude[-1]))
    )
    simulated = bool(ds.attrs.get("simulated", False))
    area = "globe" if whole_globe else "limited area"
    steps = "1 time" if times.size == 1 else f"{times.size} times"
    parts = [f"{latitude.size} × {longitude.size} points", f"{spacing:.3g}° {area}", steps, _level_text(ds)]
    notes = tuple(line for line in public_text(ds.attrs.get("notes", "")).split("\n") if line)
    return DataDescription(
        key=source.key,
        label=source.label,
        times=times,
        level=_level_text(ds),
        levels=_listed(ds, "available_levels"),
        further_fields=_listed(ds, "further_fields"),
        simulated=simulated,
        is_global=whole_globe,
        extent=extent,
        spacing_deg=spacing,
        shape=(latitude.size, longitude.size),
        summary=" · ".join(part for part in parts if part),
        notes=notes,
        stamp=source.stamp,
        traits=traits_shown(ds),
        model_dates=tuple(map(str, ds[MODEL_DATE].values)) if MODEL_DATE in ds.coords else (),
    )


def _listed(ds: xr.Dataset, attribute: str) -> tuple[str, ...]:
    return tuple(part for part in str(ds.attrs.get(attribute, "")).split(", ") if part)


def _level_text(ds: xr.Dataset) -> str:
    level = ds.attrs.get("level", "")
    return str(level) if level not in ("", None, "unknown") else ""
