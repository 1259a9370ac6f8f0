"""What to notice in the results of each view, in a sentence made from their numbers."""

from __future__ import annotations

import numpy as np

from app.session.city_result import CityResult
from app.session.distances.distance_work import TimeDistances
from app.session.distances.feature_work import FeatureResult
from app.session.ensemble_work import EnsembleResult
from app.session.long_record import long_record
from app.session.model_work import ModelFits
from app.session.period_spectra import PeriodSpectra
from app.session.scorecard_work import Scorecards
from app.session.session import Session
from app.state.choices import WHOLE
from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.fields.canonical.channels import FIELD_ATTRS, field_words
from atmodist_core.fields.grid.regions import REGIONS
from atmodist_core.figures.findings import takeaways
from atmodist_core.figures.findings.feature_takeaway import features_takeaway
from atmodist_core.figures.findings.wording import name_in_sentence
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.numbers.cities import verdicts
from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree

_PLACES = {"Pacific": "over the Pacific", WHOLE: "over all of the data"}


def scorecard_line(session: Session) -> str:
    """Which model is best by the evaluation."""
    cards: Scorecards | None = session.results.get("scorecard")
    if cards is None:
        return ""
    if not cards.differences:
        return cards.sentences[0]
    return f"No evaluation is of data like those shown. Of {cards.record.description}: {cards.sentences[0]}"


def maps_line(session: Session) -> str:
    """Smallest error and small-scale power at this time."""
    comparison = session.comparison
    if comparison is None:
        return ""
    question = comparison.question
    scores = {name: comparison.scores[name] for name in session.shown_names if name in comparison.scores}
    names = _names(session)
    place = _PLACES.get(
        question.region, f"in {question.region}" if question.region in REGIONS else "in this region"
    )
    return takeaways.maps_takeaway(
        place,
        field_words(question.field),
        {names[name]: one.rmse for name, one in scores.items()},
        {names[name]: one.energy_ratio for name, one in scores.items()},
        FIELD_ATTRS.get(question.field, {"units": "m s-1"})["units"],
    )


def spectra_line(session: Session) -> str:
    """Down to which scale each model has the power of the truth."""
    comparison = session.comparison
    if comparison is None:
        return ""
    question, names = comparison.question, _names(session)
    spectra, when = comparison.spectra or {}, "at this time"
    if session.state.average == "period":
        period: PeriodSpectra | None = session.results.get("spectra")
        spectra = {} if period is None else period.spectra
        when = "" if period is None else f"(mean of {len(period.times)} times)"
    quantity = "kinetic_energy" if question.field == "wind_speed" else question.field
    ratios = {}
    for name in session.shown_names[1:-1]:
        if name in spectra and "truth" in spectra:
            own, truth = (spectra[one]["spectrum"][quantity] for one in (name, "truth"))
            if "time" in own.dims:
                own, truth = own.mean("time"), truth.mean("time")
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios[names[name]] = (
                    truth["total_wavenumber"].values.astype(float),
                    own.values / truth.values,
                )
    nyquist = coarse_nyquist_degree(comparison.truth, question.factor)
    return takeaways.spectra_takeaway(quantity.replace("_", " "), ratios, nyquist, when)


def distances_line(session: Session) -> str:
    """How long the distances grow with the lag."""
    result: TimeDistances | None = session.results.get("distances")
    if result is None or result.curves is None:
        return ""
    curves, confusion = result.curves, result.confusion
    saturation = {
        str(name): float(hours)
        for name, hours in zip(curves["measure"].values, curves["saturation"].values, strict=True)
    }
    accuracy = chance = np.nan
    if confusion is not None:
        accuracy, chance = float(confusion.attrs.get("accuracy", np.nan)), 1 / confusion.sizes["lag"]
    return takeaways.distances_takeaway(saturation, float(curves["lag"].max()), accuracy, chance)


def cities_line(session: Session) -> str:
    """At how many cities the compared methods are closer to the truth."""
    result, state = session.results.get("cities"), session.state
    if not isinstance(result, CityResult) or result.distances is None or state.candidate == state.baseline:
        return ""
    if not {state.candidate, state.baseline} <= set(map(str, result.distances["model"].values)):
        return ""
    field = state.field if state.field in ("vorticity", "divergence") else "vorticity"
    box, names = int(state.box), _names(session)
    found = verdicts(result.distances, state.candidate, state.baseline)[field].sel(box=box).values
    record = long_record(session.data)
    totals = None if record is None else record.city_totals(state.candidate, state.baseline, field, box)
    ratio = None if totals is None else Estimate(totals.ratio.value, totals.ratio.low, totals.ratio.high)
    times = "" if record is None else f"{record.city_times} times of the evaluation"
    counts = [int((found == sign).sum()) for sign in (1, 0, -1)]
    pair = (names.get(state.candidate, state.candidate), names.get(state.baseline, state.baseline))
    return takeaways.cities_takeaway(pair, field, counts, result.done, ratio, times)


def models_line(session: Session) -> str:
    """Which model is recommended for what, and which fit the data."""
    fits: ModelFits | None = session.results.get("models")
    if fits is None:
        return ""

    def named(found: dict[str, list[str]]) -> dict[str, list[str]]:
        return {name_in_sentence(method_style(name).label): list(one) for name, one in found.items()}

    return takeaways.models_takeaway(named(dict(fits.wins)), named(dict(fits.differences)))


def ensemble_line(session: Session) -> str:
    """How the members compare with the single fields, and how well they are calibrated."""
    result: EnsembleResult | None = session.results.get("ensemble")
    if result is None or "spectra" not in result.tables:
        return ""
    scores, question, names = result.tables["scores"], result.question, _names(session)
    crps = {
        str(name): float(value)
        for name, value in zip(scores["model"].values, scores["crps"].values, strict=True)
    }
    place = _PLACES.get(
        question.region, f"in {question.region}" if question.region in REGIONS else "in this region"
    )
    return takeaways.ensemble_takeaway(
        place,
        question.field.replace("_", " "),
        (result.done, crps.pop(result.method.name)),
        {names.get(name, name): value for name, value in crps.items()},
        float(scores["ratio"]),
        float(scores["energy_ratio"]),
        "m s-1" if question.field == "wind_speed" else "s-1",
    )


def features_line(session: Session) -> str:
    """What excites the filter shown, and to which scales the distance reacts."""
    result: FeatureResult | None = session.results.get("features")
    return "" if result is None else features_takeaway(result.tables, result.network)


def _names(session: Session) -> dict[str, str]:
    return {name: name_in_sentence(label) for name, label in session.labels.items()}
