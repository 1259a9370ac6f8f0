"""Format numbers, intervals, units and lists for sentences and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from atmodist_core.evaluation.bootstrap import Estimate

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTHING = "–"
"""Text of an undefined number."""


def units_text(units: str) -> str:
    """Format units with superscript exponents; empty for a plain number.

    Examples
    --------
    >>> units_text("m2 s-2"), units_text("1")
    ('m² s⁻²', '')
    """
    if units in ("", "1"):
        return ""
    raise_exponent = re.compile(r"([A-Za-z])(-?\d+)(?=\s|$)")
    return raise_exponent.sub(lambda found: found[1] + found[2].translate(_RAISED), units)


def bracketed(name: str, units: str) -> str:
    """Format the head of a column: ``RMSE [s⁻¹]``."""
    text = units_text(units)
    return f"{name} [{text}]" if text else name


def _exponent(size: float) -> int:
    """Power of ten of a number; 0 if the plain number is short."""
    if size == 0 or not np.isfinite(size):
        return 0
    power = int(np.floor(np.log10(size)))
    return power if power < -2 or power > 4 else 0


def _plain(value: float, digits: int) -> str:
    if np.isnan(value):
        return NOTHING
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}f}".replace("-", "−")


def _digits(size: float, wanted: int = 3) -> int:
    """Number of decimals for the wanted significant digits."""
    if size == 0 or not np.isfinite(size):
        return 0
    return max(0, wanted - 1 - int(np.floor(np.log10(size))))


def number(value: float) -> str:
    """Format a number with three significant digits, and a power of ten if it is long.

    Examples
    --------
    >>> number(0.4821), number(1.152e-05), number(float("nan"))
    ('0.482', '1.15 × 10⁻⁵', '–')
    """
    power = _exponent(abs(value))
    scaled = value / 10.0**power
    text = _plain(scaled, _digits(abs(scaled)))
    return f"{text} × 10{str(power).translate(_RAISED)}" if power else text


def estimate_text(estimate: Estimate, units: str = "1") -> str:
    """Format a value with its interval and unit.

    Examples
    --------
    >>> estimate_text(Estimate(1.15e-5, 1.12e-5, 1.17e-5), "s-1")
    '1.15 [1.12, 1.17] × 10⁻⁵ s⁻¹'
    >>> estimate_text(Estimate(0.5, float("nan"), float("nan")))
    '0.500'
    """
    unit = units_text(units)
    tail = f" {unit}" if unit and not np.isnan(estimate.value) else ""
    if not has_interval(estimate):
        return number(estimate.value) + tail
    finite = [
        abs(part) for part in (estimate.value, estimate.low, estimate.high) if np.isfinite(part) and part
    ]
    power = _exponent(finite[0]) if finite else 0
    parts = [part / 10.0**power for part in (estimate.value, estimate.low, estimate.high)]
    size = next((abs(part) for part in parts if np.isfinite(part) and part), 0.0)
    # A narrow interval needs enough digits to distinguish its ends.
    digits = min(max(_digits(size), _digits(abs(parts[2] - parts[1]), 1)), 6)
    own, low, high = (_plain(part, digits) for part in parts)
    return f"{own} [{low}, {high}]{f' × 10{str(power).translate(_RAISED)}' if power else ''}{tail}"


def percent(estimate: Estimate) -> str:
    """Format a share in per cent with its interval.

    Examples
    --------
    >>> percent(Estimate(0.48, 0.46, 0.50)), percent(Estimate(0.0123, float("nan"), float("nan")))
    ('48 % [46, 50]', '1.2 %')
    """
    value, low, high = (100 * part for part in (estimate.value, estimate.low, estimate.high))
    digits = max(0, min(4, _digits(abs(value), 2)))
    if not has_interval(estimate):
        return f"{_plain(value, digits)} %"
    digits = max(digits, min(4, _digits(abs(high - low), 1)))
    return f"{_plain(value, digits)} % [{_plain(low, digits)}, {_plain(high, digits)}]"


def has_interval(estimate: Estimate) -> bool:
    """Return whether both ends of the interval are known."""
    return not (np.isnan(estimate.low) or np.isnan(estimate.high))


def count(value: float) -> str:
    """Format a whole number with commas: ``17,536``."""
    return f"{round(value):,}"


def things(value: float, noun: str, plural: str | None = None) -> str:
    """Format a number with a noun: ``1 city``, ``3 models``.

    Examples
    --------
    >>> things(1, "city", "cities"), things(1200, "time")
    ('1 city', '1,200 times')
    """
    return f"{count(value)} {noun if round(value) == 1 else plural or noun + 's'}"


def joined(parts: Sequence[str]) -> str:
    """Join words as ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def name_in_sentence(name: str) -> str:
    """Write a model's name without a comma, since commas separate models in sentences.

    Examples
    --------
    >>> name_in_sentence("MSE, no GAN")
    'MSE (no GAN)'
    """
    head, _, tail = name.partition(", ")
    return f"{head} ({tail})" if tail else name


def sentence_start(text: str) -> str:
    """Capitalise the first letter."""
    return text[:1].upper() + text[1:]
