"""Scores of filled gaps as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

_FIELDS = {"vorticity": "vorticity", "divergence": "divergence"}
_SCALE = 1e6
"""RMSE and CRPS are printed in 1e-6 s-1."""


def gap_tables(measures: xr.Dataset) -> str:
    """Return two tables of :func:`~atmodist_core.evaluation.gaps.gap_scores.gap_measures`: all gaps together, and by shape."""
    first = _table(
        [
            "method",
            *(f"{what} {name}" for what in ("RMSE [1e-6 s-1]", "CRPS [1e-6 s-1]") for name in _FIELDS),
            "gradient, vorticity / divergence",
            "edge, vorticity / divergence",
            "spread over error, vorticity / divergence",
            "AtmoDist",
        ],
        [
            [
                str(method),
                *(
                    _with_interval(at, name, _SCALE, 2, field=field)
                    for name in ("rmse", "crps")
                    for field in _FIELDS
                ),
                *(_pair(at, name, _with_interval) for name in ("gradient_ratio", "edge_ratio")),
                _pair(at, "spread_error_ratio", _plain),
                _with_interval(at, "distance", 1.0, 3),
            ]
            for method in measures["model"].values
            for at in [measures.sel(model=method, shape="all")]
        ],
    )
    shapes = [str(shape) for shape in measures["shape"].values if shape != "all"]
    second = _table(
        ["method", *(f"{shape}: {what}" for shape in shapes for what in ("RMSE", "gradient"))],
        [
            [
                str(method),
                *(
                    text
                    for shape in shapes
                    for at in [measures.sel(model=method, shape=shape)]
                    for text in (
                        _with_interval(at, "rmse", _SCALE, 1, field="vorticity"),
                        _with_interval(at, "gradient_ratio", 1.0, 2, field="vorticity"),
                    )
                ),
            ]
            for method in measures["model"].values
        ],
    )
    return f"{first}\n\nVorticity by shape of the gap:\n\n{second}\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _pair(at: xr.Dataset, name: str, text: Callable[..., str]) -> str:
    return " / ".join(text(at, name, 1.0, 2, field=field) for field in _FIELDS)


def _plain(at: xr.Dataset, name: str, scale: float, digits: int, field: str) -> str:
    value = float(at[name].sel(field=field)) * scale
    return f"{value:.{digits}f}" if value else "0"


def _with_interval(at: xr.Dataset, name: str, scale: float, digits: int, field: str | None = None) -> str:
    """A value with its interval, where there is one: ``12.34 [12.10, 12.60]``."""
    numbers = [
        float(at[key] if field is None else at[key].sel(field=field)) * scale
        for key in (name, f"{name}_low", f"{name}_high")
    ]
    if not np.isfinite(numbers[0]):
        return ""
    text = f"{numbers[0]:.{digits}f}"
    if not np.isfinite(numbers[1:]).all():
        return text
    return f"{text} [{numbers[1]:.{digits}f}, {numbers[2]:.{digits}f}]"
