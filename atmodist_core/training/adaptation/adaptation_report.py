"""The report page of an adaptation: verdicts, table, spectra and maps in one HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist_core.common.atomic_write import replacing
from atmodist_core.figures.maps.field_maps import field_maps
from atmodist_core.figures.method_styles import distinct_method_styles
from atmodist_core.figures.report.document import Bullets, Code, Paragraph, Picture, Report, Section, Table
from atmodist_core.figures.report.page import page
from atmodist_core.figures.style import figure_bytes, new_figure, style_axes, style_legend
from atmodist_core.training.adaptation.adaptation_scores import LOWER, UPPER, ScoredModels, log_power_error
from atmodist_core.training.adaptation.validation_scores import UPPER_END

_HEADS = {
    "rmse": "RMSE",
    LOWER: "power, lower half",
    UPPER: "power, upper half",
    "crps": "CRPS",
    "spread_error_ratio": "spread / error",
    "wasserstein": "Wasserstein-1",
    "pattern_modulated": "grid pattern",
}


def write_adaptation_report(
    path: Path,
    verdicts: Mapping[str, str],
    scored: ScoredModels,
    maps: Mapping[str, xr.Dataset],
    facts: Sequence[str],
    command: str,
    factor: int,
) -> None:
    """Write the page. ``verdicts`` are sentences by adapted model, ``maps`` fields of one scored time by model."""
    field = scored.fields[0]
    date = np.datetime_as_string(next(iter(maps.values()))["time"].values.ravel()[0], unit="h")
    panels = {name: ds[field].squeeze(drop=True) for name, ds in maps.items()}
    report = Report(
        "Adaptation of downscaling models",
        facts[0],
        (
            Section("verdict", "Verdict", (Bullets(tuple(f"{n}: {text}" for n, text in verdicts.items())),)),
            Section(
                "scores",
                "Scores",
                (_table(scored),),
                ("A few days of one season and place. Other seasons, levels and regions may differ.",),
            ),
            Section(
                "spectra",
                "Power of the added scales",
                (
                    Picture(
                        "power-ratio",
                        "Power over the truth's",
                        "Mean power of all scored times over that of the truth, by wavenumber as a share of the grid's Nyquist"
                        " wavenumber; 1 is right. Shaded: the lower and the upper half of the added scales.",
                        _spectra_figure(scored, factor),
                        "png",
                    ),
                ),
            ),
            Section(
                "maps",
                "Maps",
                (
                    Picture(
                        "maps",
                        f"{field.capitalize()} at {date} UTC",
                        "A time that no training saw; one member of ensembles.",
                        field_maps(panels),
                        "png",
                    ),
                ),
            ),
            Section("data", "Data and training", (*map(Paragraph, facts), Code(command))),
        ),
    )
    drawn: dict[tuple[str, str], bytes] = {
        (p.name, p.drawn_as): figure_bytes(p.figure, "png", dpi=130) for p in report.pictures()
    }
    with replacing(path) as scratch:
        scratch.write_text(page(report, drawn), encoding="utf-8")


def _table(scored: ScoredModels) -> Table:
    """All models and fields, with units in the heads."""
    unit = scored.units[0]
    heads = [
        head + (f" [{unit}]" if name in ("rmse", "crps", "wasserstein") else "")
        for name, head in _HEADS.items()
    ]
    rows, records = [], []
    for label, scores in scored.all.items():
        for number, field in enumerate(scored.fields):
            values = [scores[name][number] if name in scores else None for name in _HEADS]
            rows.append((label, field, *map(_cell, values)))
            records.append({"model": label, "field": field, **dict(zip(_HEADS, values, strict=True))})
    errors = "; ".join(f"{label} {log_power_error(scores):.2f}" for label, scores in scored.all.items())
    definition = (
        f"Over {scored.times} times that no training saw. RMSE: root mean square error. Power: of all waves of a half of the"
        " added scales over the truth's; 1 is right. CRPS: fair, of four members; of a single field the mean absolute error."
        " Spread / error: 1 for a calibrated ensemble. Wasserstein-1: between the distributions of all values. Grid pattern:"
        " how much the variance of the smallest scales differs between positions in a coarse cell; compare it with bicubic"
        f" interpolation and the model before. Mean absolute logarithm of power over the truth's: {errors}."
    )
    return Table(
        "scores",
        "Models before and after",
        definition,
        ("model", "field", *heads),
        tuple(rows),
        pd.DataFrame(records),
    )


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:.3f}"


def _spectra_figure(scored: ScoredModels, factor: int) -> Any:
    """Power ratios of every field."""
    figure = new_figure(7.0, 3.0)
    row = figure.subplots(1, len(scored.fields), squeeze=False, sharey=True)[0]
    names = [name for name in scored.spectra if name != "truth"]
    styles = distinct_method_styles(names)
    keep = (scored.share > 0.3 / factor) & (scored.share <= 1.0)
    for number, (axes, field) in enumerate(zip(row, scored.fields, strict=True)):
        for first, last, depth in ((1 / factor, 0.5, 0.06), (0.5, UPPER_END, 0.12)):
            axes.axvspan(first, last, color="0.3", alpha=depth, linewidth=0)
        axes.axhline(1.0, color="0.4", linewidth=0.7)
        for name in names:
            ratio = scored.spectra[name][number] / scored.spectra["truth"][number]
            style = styles[name]
            axes.plot(
                scored.share[keep],
                ratio[keep],
                color=style.colour,
                dashes=style.dashes or (),
                label=style.label,
            )
        axes.set_title(field)
        axes.set_xlabel("wavenumber over the Nyquist wavenumber")
        axes.set_ylim(0.0, 2.0)
        style_axes(axes)
    row[0].set_ylabel("power over the truth's")
    style_legend(row[-1])
    return figure
