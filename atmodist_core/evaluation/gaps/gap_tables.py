"""Scores of filled gaps as Markdown tables."""

from __future__ import annotations

import numpy as np
import xarray as xr

_FIELDS = ("vorticity", "divergence")
_RATIOS = {
    "gradient_ratio": "neighbours in the gap",
    "far_ratio": "4 points apart",
    "edge_ratio": "across the edge",
    "spread_error_ratio": "spread over error",
}


def gap_tables(measures: xr.Dataset) -> dict[str, str]:
    """Return tables of :func:`~atmodist_core.evaluation.gaps.gap_scores.gap_measures` by name.

    ``errors`` (RMSE and CRPS [1e-6 s-1], AtmoDist distance), ``structure`` (squared differences over the truth's, spread over error) and
    ``shapes`` (vorticity by shape of the gap).
    """
    together = {str(name): measures.sel(model=name, shape="all") for name in measures["model"].values}
    errors = [
        [
            name,
            *(_estimate(at, key, 1e6, 2, field) for key in ("rmse", "crps") for field in _FIELDS),
            _estimate(at, "distance", 1.0, 3),
        ]
        for name, at in together.items()
    ]
    structure = [
        [name, *(_estimate(at, key, 1.0, 2, field) for key in _RATIOS for field in _FIELDS)]
        for name, at in together.items()
    ]
    shapes = [str(shape) for shape in measures["shape"].values if shape != "all"]
    by_shape = [
        [
            name,
            *(
                _estimate(measures.sel(model=name, shape=shape), key, scale, digits, "vorticity")
                for shape in shapes
                for key, scale, digits in (("rmse", 1e6, 1), ("gradient_ratio", 1.0, 2))
            ),
        ]
        for name in together
    ]
    columns = [f"{what}, {field}" for what in ("RMSE [1e-6 s-1]", "CRPS [1e-6 s-1]") for field in _FIELDS]
    return {
        "errors": _table(["filled by", *columns, "AtmoDist"], errors),
        "structure": _table(
            ["filled by", *(f"{what}, {field}" for what in _RATIOS.values() for field in _FIELDS)], structure
        ),
        "shapes": _table(
            [
                "filled by",
                *(f"{shape}: {what}" for shape in shapes for what in ("RMSE [1e-6 s-1]", "neighbours")),
            ],
            by_shape,
        ),
    }


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _estimate(at: xr.Dataset, name: str, scale: float, digits: int, field: str | None = None) -> str:
    """A value with its interval, where there is one: ``12.34 [12.10, 12.60]``; nothing where there is no value."""
    numbers = [
        float(at[key] if field is None else at[key].sel(field=field)) * scale
        for key in (name, f"{name}_low", f"{name}_high")
    ]
    if not np.isfinite(numbers[0]) or (name == "spread_error_ratio" and not numbers[0]):
        return ""
    text = f"{numbers[0]:.{digits}f}"
    if not np.isfinite(numbers[1:]).all():
        return text
    return f"{text} [{numbers[1]:.{digits}f}, {numbers[2]:.{digits}f}]"
