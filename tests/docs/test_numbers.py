"""Every estimate that is published lies inside its own interval: in texts, in tables and in the results that ship."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])
RESULTS = sorted((ROOT / "assets" / "results").glob("*.nc"))

_NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_INTERVAL = re.compile(
    rf"(?<![\w.])(?P<value>{_NUMBER}|inf)\s*(?:%|x|ms|s|h|GB|MB)?\s*"
    rf"(?:\[(?P<low>{_NUMBER}|inf), (?P<high>{_NUMBER}|inf)\]"
    rf"|\((?P<low2>{_NUMBER}|inf)(?: to |-)(?P<high2>{_NUMBER}|inf)\))"
)
"""``0.48 [0.47, 0.49]``, ``5.5 (5.3 to 5.8)`` or ``77 ms (70-80)``."""


def intervals(text: str) -> list[tuple[float, float, float, str]]:
    """Value, low end, high end and wording of every estimate with an interval."""
    found = []
    for match in _INTERVAL.finditer(text):
        ends = match["low"] or match["low2"], match["high"] or match["high2"]
        value, low, high = (float(part.replace(",", "")) for part in (match["value"], *ends))
        found.append((value, low, high, match[0]))
    return found


def outside(text: str) -> list[str]:
    """Estimates outside their own interval; an endpoint is printed with the digits of the value."""
    return [words for value, low, high, words in intervals(text) if not low <= value <= high]


def test_intervals_are_found_in_every_form():
    text = "| 0.48 [0.47, 0.49] | 5.5 (5.3 to 5.8) h | 3.0e-06 [2.9e-06, 3.1e-06] | .83 [.5, inf] | 77 ms (70-80) |"
    assert [found[:3] for found in intervals(text)] == [
        (0.48, 0.47, 0.49),
        (5.5, 5.3, 5.8),
        (3.0e-6, 2.9e-6, 3.1e-6),
        (0.83, 0.5, math.inf),
        (77.0, 70.0, 80.0),
    ]
    assert outside("2.79e-05 [6.74e-05, 0.00109]") == ["2.79e-05 [6.74e-05, 0.00109]"]
    assert not outside("180 (a grid) and 4 [H, C] and 9 x 9 [Y] and the years 2000 [1979-1998]")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_estimates_in_texts_lie_inside_their_intervals(text):
    assert not outside(text.read_text())


def _triples(group: xr.Dataset):
    """Name, values and both ends of every variable of a group that has an interval."""
    for name in group.data_vars:
        base = f"{name}_"
        if name == "value" and {"low", "high"} <= set(group.data_vars):
            base = ""
        if {f"{base}low", f"{base}high"} <= set(group.data_vars):
            yield name, group[name], group[f"{base}low"], group[f"{base}high"]


@pytest.mark.parametrize("file", RESULTS, ids=lambda path: path.name)
def test_estimates_in_results_lie_inside_their_intervals(file):
    """Float32 rounding aside. A missing estimate has no interval, and one end alone is never missing."""
    wrong, checked = [], 0
    with xr.open_datatree(file) as tree:
        for path in tree.groups:
            for name, value, low, high in _triples(tree[path].to_dataset()):
                v, a, b = (np.asarray(part.values, dtype=float) for part in (value, low, high))
                known = ~(np.isnan(v) | np.isnan(a) | np.isnan(b))
                room = 1e-6 * np.abs(v)
                bad = known & ((v < a - room) | (v > b + room))
                bad |= np.isnan(a) != np.isnan(b)
                checked += int(known.sum())
                wrong += [f"{path}/{name}: {int(bad.sum())} of {bad.size}"] if bad.any() else []
    assert checked or file.name != "evaluation.nc"
    assert not wrong
