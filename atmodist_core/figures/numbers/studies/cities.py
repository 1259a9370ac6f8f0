"""The numbers of the view Cities from the data, without the page."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.city_file import city_series, open_city_values
from atmodist_core.fields.canonical.shown_dates import time_texts
from atmodist_core.fields.grid.interpolation import KERNELS
from atmodist_core.figures.numbers.cities import (
    FIELDS,
    TRUTH,
    city_tables,
    city_values,
    spread_order,
    wasserstein_table,
)
from atmodist_core.figures.numbers.city_areas import area_around, computes_whole
from atmodist_core.figures.numbers.city_store import fitting_file
from atmodist_core.figures.numbers.compute import Study
from atmodist_core.figures.numbers.numbers import Numbers
from atmodist_core.figures.numbers.slices import read_slice

FIRST_CITY = "Seattle"
FIRST_SAMPLE = 12
CANDIDATE, BASELINE = "srgan-4x-atmodist", "srgan-4x-mse"


def cities(study: Study) -> Numbers:
    """Values at the selected cities, and Wasserstein distances and verdicts at all that were computed."""
    request, others = study.request, dict(study.request.others or {})
    created = {name: str(card.created) for name, card in study.cards.items()}
    level = str(study.ds.attrs.get("level", ""))
    file = fitting_file(
        others.get("basis", ""), request.data, (request.level, level), request.period, created
    )
    chosen = list(request.cities or (FIRST_CITY,))
    candidate, baseline = others.get("judged", CANDIDATE), others.get("baseline", BASELINE)
    if file is not None:
        series = open_city_values(file)
        basis = f"Stored: {series.attrs.get('title', file.name)}, {series.attrs.get('precision', 'float32')}"
    else:
        series = computed_series(
            study,
            chosen,
            others.get("reach", "auto"),
            int(others.get("sample", FIRST_SAMPLE)),
            list(dict.fromkeys([*request.methods, *_available(study, candidate, baseline)])),
        )
        basis = "Computed, float32"
    field = request.field if request.field in FIELDS else FIELDS[0]
    shown = [name for name in request.methods if name in series["model"].values]
    tables = city_tables(
        series,
        wasserstein_table(series),
        chosen,
        [TRUTH, *shown],
        field=field,
        box=int(request.box),
        candidate=candidate,
        baseline=baseline,
    )
    when = study.dates.span(time_texts(series))
    extra = f"{basis}. Better or worse: Wasserstein-1 distances differ by more than 10 %."
    return Numbers("cities", tables, study.caption(when, field, extra=extra))


def computed_series(
    study: Study, chosen: list[str], reach: str, sample: int, methods: list[str]
) -> xr.Dataset:
    """Return values of the truth and models at cities over at most ``sample`` times spread over the period.

    ``reach`` is "auto", "all" or "selected": which cities are computed.
    """
    table = ad.cities()
    period = study.period
    times = [period[i] for i in spread_order(len(period))[:sample]]
    whole, table = _reached(study, table, chosen, reach)
    downscalers = {name: partial(study.predict, name) for name in methods}
    gathered: dict[str, list[NDArray[np.float32]]] = {}
    for number, time in enumerate(times):
        study.tell(f"cities, time {number + 1} of {len(times)}")
        truth, coarse = read_slice(study.ds, study.times.index(time), study.factor)
        gathered.setdefault(TRUTH, []).append(city_values(truth, table))
        for name, downscaler in downscalers.items():
            gathered.setdefault(name, []).append(_values(downscaler, coarse, table, whole=whole))
    attributes = {
        "title": f"{study.label}, values at cities",
        "data_set": study.request.data,
        "level": str(study.ds.attrs.get("level", "")),
        "factor": study.factor,
        "precision": "float32",
        "reach": "all" if whole else "selected",
        "simulated": int(bool(study.ds.attrs.get("simulated", False))),
        "versions": json.dumps(
            {name: str(study.cards[name].created) for name in methods if name in study.cards}
        ),
    }
    stacked = {name: np.stack(rows) for name, rows in gathered.items()}
    series = city_series(stacked, table, np.array(times, dtype="datetime64[m]"), attributes=attributes)
    return study.dates.put_on(series)


def _reached(study: Study, table: pd.DataFrame, chosen: list[str], reach: str) -> tuple[bool, pd.DataFrame]:
    cells = study.ds.sizes["latitude"] * study.ds.sizes["longitude"] // study.factor**2
    whole = computes_whole(reach, cells)
    reached = table if whole else table[table["name"].isin(chosen)]
    if not len(reached):
        raise UserError("Expected at least one of the 150 cities, found none; name one with cities=Seattle.")
    return whole, reached


def _available(study: Study, *names: str) -> list[str]:
    """Those that can be computed: the models that are compared where nothing is said need not be installed."""
    return [name for name in names if name in study.cards or name in KERNELS]


def _values(downscaler: Any, coarse: xr.Dataset, table: pd.DataFrame, *, whole: bool) -> NDArray[np.float32]:
    if whole:
        return city_values(downscaler(coarse), table)
    rows = [table.iloc[[row]] for row in range(len(table))]
    return np.concatenate(
        [city_values(downscaler(coarse, region=area_around(coarse, row)), row) for row in rows]
    )
