"""One sentence for each view of the page: what to notice in its numbers, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.comparison import Side, side_of
from atmodist_core.figures.findings.wording import estimate_text, joined, number, sentence_start, units_text

TIE = 0.01
"""Values of one time that differ by less than this share are called equal."""

FIDELITY = 0.2
"""Departure of the ratio of power from 1 up to which a model is said to follow the truth."""


def maps_takeaway(
    place: str, field: str, rmse: Mapping[str, float], power: Mapping[str, float], units: str = "s-1"
) -> str:
    """Write which model has the smallest error at one time, and how much small-scale power the models keep.

    Parameters
    ----------
    place : str
        The region with its preposition.
    field : str
        Name of the field.
    rmse, power : mapping of str to float
        Root mean square error [``units``] and power beyond the coarse Nyquist wavenumber relative to the truth's, by name of the model.
    units : str
        Those of the field.

    Returns
    -------
    str
        Empty without a finite value.

    Examples
    --------
    >>> maps_takeaway("in Europe", "vorticity", {"A": 9e-6, "B": 1.1e-5}, {"A": 0.48, "B": 0.76})
    'In Europe at this time, A has the smallest RMSE of vorticity (9.00 × 10⁻⁶ s⁻¹); B is closest to the small-scale power of the truth (76 %; A 48 %). One time decides nothing: the scorecard has intervals.'
    """
    errors, shares = _finite(rmse), _finite(power)
    if not errors:
        return ""
    unit = units_text(units)
    best = _least(errors)
    value = f"{number(min(errors.values()))} {unit}".strip()
    if len(errors) == 1:
        text = f"{best[0]} has an RMSE of {field} of {value}"
        return f"{sentence_start(place)} at this time, {text}{_kept(shares)}. There is no other model to compare it with."
    verb = "has" if len(best) == 1 else "have equally"
    text = (
        f"{sentence_start(place)} at this time, {joined(best)} {verb} the smallest RMSE of {field} ({value})"
    )
    away = {name: abs(np.log(share)) for name, share in shares.items() if share > 0}
    if away:
        closest = _least(away)
        others = [
            f"{name} {_percent(shares[name])}" for name in best if name not in closest and name in shares
        ]
        listed = "; ".join([joined([_percent(shares[name]) for name in closest]), *others])
        text += f"; {joined(closest)} {'is' if len(closest) == 1 else 'are'} closest to the small-scale power of the truth ({listed})"
    return f"{text}. One time decides nothing: the scorecard has intervals."


def ensemble_takeaway(
    place: str,
    field: str,
    crps: tuple[int, float],
    errors: Mapping[str, float],
    ratio: float,
    power: float,
    units: str = "s-1",
) -> str:
    """Write how the CRPS of members compares with the absolute errors of single fields, and whether they are calibrated at one time.

    Parameters
    ----------
    place, field, units : str
        As for :func:`maps_takeaway`.
    crps : tuple of int and float
        Number of members, and their CRPS [``units``].
    errors : mapping of str to float
        Mean absolute error [``units``] by name of the model.
    ratio, power : float
        Spread over error, and power of one member beyond the coarse Nyquist wavenumber relative to the truth's.

    Examples
    --------
    >>> ensemble_takeaway("in Europe", "vorticity", (8, 3e-6), {"A": 4e-6, "B": 5e-6}, 0.97, 0.95)
    'In Europe at this time, the CRPS of vorticity of 8 members (3.00 × 10⁻⁶ s⁻¹) is 25 % below the smallest absolute error of a single field (A). Spread over error is 0.97; one member has 95 % of the small-scale power of the truth. One time decides nothing: the evaluation has intervals.'
    """
    count, value = crps
    text = f"{sentence_start(place)} at this time, the CRPS of {field} of {count} members ({number(value)} {units_text(units)})"
    known = _finite(errors)
    if known:
        best = _least(known)
        share = 1 - value / known[best[0]]
        way = "below" if share >= 0 else "above"
        text += (
            f" is {_percent(abs(share))} {way} the smallest absolute error of a single field ({joined(best)})"
        )
    else:
        text += " has no single field to be compared with"
    text += f". Spread over error is {ratio:.2f}"
    if np.isfinite(power):
        text += f"; one member has {_percent(power)} of the small-scale power of the truth"
    return f"{text}. One time decides nothing: the evaluation has intervals."


def spectra_takeaway(
    field: str, ratios: Mapping[str, tuple[np.ndarray, np.ndarray]], nyquist: float | None, when: str
) -> str:
    """Write down to which wavelength each model's power follows the truth's within 20 %.

    ``ratios`` are total wavenumbers and ratios of power to the truth, shape ``(wavenumber,)``, by name of the model; ``nyquist`` is the last
    wavenumber that the coarse grid resolves; ``when`` is the time or period with its preposition.

    Examples
    --------
    >>> degree = np.arange(1.0, 101.0)
    >>> spectra_takeaway("vorticity", {"A": (degree, np.where(degree > 50, 0.5, 1.0))}, 45.0, "at this time")
    'The power of vorticity at this time stays within 20 % of the truth down to wavelengths of 801 km (A). The coarse grid ends at 890 km.'
    """
    reach = {name: faithful_degree(*ratio) for name, ratio in ratios.items()}
    known = {name: degree for name, degree in reach.items() if degree is not None}
    if not known:
        return ""
    order = sorted(known, key=lambda name: -known[name])
    groups: dict[str, list[str]] = {}
    for name in order:
        groups.setdefault(_wavelength(known[name], ratios[name][0]), []).append(name)
    never = groups.pop("", [])
    parts = [f"{length} ({joined(names)})" for length, names in groups.items()]
    text = f"The power of {field} {when} stays within {100 * FIDELITY:.0f} % of the truth"
    text += f" down to wavelengths of {joined(parts)}" if parts else ""
    text += f"{', and' if parts else ''} at no scale for {joined(never)}." if never else "."
    return text if nyquist is None else f"{text} The coarse grid ends at {_kilometres(nyquist)} km."


def faithful_degree(degree: np.ndarray, ratio: np.ndarray) -> float | None:
    """Return the largest total wavenumber up to which all ratios are within 20 % of 1.

    Zero if the first one is not; None without a finite ratio. Two neighbouring wavenumbers must both depart: single ones scatter where
    a region has few waves.

    Examples
    --------
    >>> faithful_degree(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.1, 0.7, 0.5]))
    2.0
    """
    finite = np.isfinite(ratio) & (degree > 0)
    degree, ratio = degree[finite], ratio[finite]
    if not degree.size:
        return None
    away = np.abs(ratio - 1) > FIDELITY
    lost = away & np.append(away[1:], True)
    first = int(np.argmax(lost)) if lost.any() else degree.size
    return float(degree[first - 1]) if first else 0.0


def distances_takeaway(
    saturation: Mapping[str, float], longest: float, accuracy: float, chance: float
) -> str:
    """Write how long AtmoDist grows with the lag, against l2.

    ``saturation`` are the lags [h] at which each distance reaches 90 % of its plateau, ``longest`` is the longest lag [h], and ``accuracy``
    and ``chance`` are shares of lags that are predicted correctly (missing where they are not known).

    Examples
    --------
    >>> distances_takeaway({"AtmoDist": 30.0, "l2": 12.0}, 69.0, 0.22, 1 / 23)
    'Over this period AtmoDist grows up to a lag of 30 h, l2 up to 12 h. It predicts 22 % of the lags correctly, chance would be 4.3 %. Pairs of one period are few and not independent.'
    """
    learned, plain = (saturation.get(name, np.nan) for name in ("AtmoDist", "l2"))
    parts = []
    if np.isfinite(learned) and np.isfinite(plain):
        end = " or longer" if learned >= longest else ""
        if learned == plain:
            parts.append(f"Over this period AtmoDist and l2 both saturate at a lag of {learned:g} h{end}.")
        else:
            parts.append(
                f"Over this period AtmoDist grows up to a lag of {learned:g} h{end}, l2 up to {plain:g} h."
            )
    elif np.isfinite(plain):
        parts.append(
            f"Over this period l2 grows up to a lag of {plain:g} h; there is no AtmoDist to compare it with."
        )
    if np.isfinite(accuracy) and np.isfinite(chance):
        what = "It" if np.isfinite(learned) else "AtmoDist"
        parts.append(
            f"{what} predicts {_percent(accuracy)} of the lags correctly, chance would be {_percent(chance)}."
        )
    return " ".join([*parts, "Pairs of one period are few and not independent."]) if parts else ""


def cities_takeaway(
    pair: tuple[str, str], field: str, counts: Sequence[int], times: int, ratio: Estimate | None, basis: str
) -> str:
    """Write at how many cities each of two models is closer to the truth, and whether a longer record decides it.

    ``counts`` are cities where the first model is better, equal and worse over the ``times`` shown; ``ratio`` is the improved-to-degraded
    ratio over a longer record, described by ``basis``, or None.

    Examples
    --------
    >>> cities_takeaway(("A", "B"), "vorticity", (90, 32, 28), 12, Estimate(3.2, 2.5, 4.1), "280 times")
    'A is closer to the local distribution of vorticity at 90 cities, B at 28, 32 are equal (12 times). Over 280 times the ratio is 3.20 [2.50, 4.10]: decided for A.'
    """
    better, equal, worse = counts
    text = (
        f"{pair[0]} is closer to the local distribution of {field} at {better} cities, {pair[1]} at {worse}, {equal} are equal "
        f"({times} time{'' if times == 1 else 's'})."
    )
    if ratio is None:
        return f"{text} Whether that is more than chance is not decided by these times."
    decision = {
        Side.ABOVE: f"decided for {pair[0]}",
        Side.BELOW: f"decided for {pair[1]}",
        Side.WITHIN: "not decided, as the interval contains 1",
    }.get(side_of(ratio), "not decided, as there is no interval")
    return f"{text} Over {basis} the ratio is {estimate_text(ratio)}: {decision}."


def models_takeaway(
    best: Mapping[str, Sequence[str]], differences: Mapping[str, Sequence[str]] | None
) -> str:
    """Write which model is recommended for what, and which were trained on data like those shown.

    ``best`` are what each model is significantly best in, by name; ``differences`` are how the data shown differ from those that each model
    was trained on, empty where they do not, or None while that is not known.

    Examples
    --------
    >>> models_takeaway({"A": ["small-scale power"]}, {"A": [], "B": ["grid spacing 0.25 degrees instead of 0.5"]})
    'Recommended by the evaluation: A for small-scale power. For the data shown fits A; not made for them: B (grid spacing 0.25 degrees instead of 0.5).'
    """
    parts = [f"{name} for {joined(list(what))}" for name, what in best.items() if what]
    text = f"Recommended by the evaluation: {'; '.join(parts)}." if parts else ""
    return " ".join(filter(None, [text, fitting_text(differences)]))


def fitting_text(differences: Mapping[str, Sequence[str]] | None) -> str:
    """Write which models were trained on data like those shown; empty while that is not known."""
    if not differences:
        return ""
    fitting = [name for name, found in differences.items() if not found]
    reasons: dict[str, list[str]] = {}
    for name, found in differences.items():
        if found:
            reasons.setdefault("; ".join(found), []).append(name)
    if not reasons:
        return "All models were trained on data like those shown."
    if not fitting and len(reasons) == 1:
        return f"No model was trained on data like those shown: {next(iter(reasons))}."
    others = "; ".join(f"{joined(names)} ({reason})" for reason, names in reasons.items())
    first = (
        f"For the data shown fits {joined(fitting)}"
        if len(fitting) == 1
        else f"For the data shown fit {joined(fitting)}"
    )
    return f"{first if fitting else 'No model was trained on data like those shown'}; not made for them: {others}."


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}


def _least(values: Mapping[str, float]) -> list[str]:
    """Names with the least value, and those that differ by less than a tie."""
    least = min(values.values())
    return [name for name, value in values.items() if value <= least * (1 + TIE)]


def _kept(shares: Mapping[str, float]) -> str:
    return f" and keeps {_percent(next(iter(shares.values())))} of the small-scale power" if shares else ""


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def _wavelength(degree: float, all_degrees: np.ndarray) -> str:
    if degree == 0:
        return ""
    if degree >= float(np.nanmax(all_degrees)):
        return "the grid's own"
    return f"{_kilometres(degree)} km"


def _kilometres(degree: float) -> str:
    """Wavelength of a total wavenumber [km]: 2 pi a / l, as on the axis of the figures."""
    return f"{2e-3 * np.pi * EARTH_RADIUS_M / degree:.0f}"
