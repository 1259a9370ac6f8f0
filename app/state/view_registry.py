"""The views of the page: their names, what draws them, what computes for them and what each exports.

A view is added by one entry. Its parts are named as ``module:name`` and imported when the view is first shown, so that they do not delay the
first paint, and so that the state can know the names of the views without importing Panel.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class ViewEntry:
    """One view; functions and classes are named as ``module:name``."""

    label: str  # name on the page
    view: str  # class of the view; its instances are made with the session
    help: str  # the question that the view answers and how to read it: sentences for a student
    # Function ``(session)`` that returns the Numbers for export, or raises a UserError while they are not computed.
    numbers: str
    # Function ``(session)`` that returns a sentence on what to notice in the results shown; empty while there are none.
    takeaway: str = ""
    # Generator function ``(request, control)`` that computes what is shown and yields an Update after each step; empty for none.
    work: str = ""
    # Parameters of the state whose change starts the work again while the view is shown.
    parameters: tuple[str, ...] = ()
    # Function ``(request, control)`` that is called after the work, while the page has nothing else to do, and may return an Update;
    # empty for none.
    idle_work: str = ""


_COMPARED = ("time", "region", "field", "methods")

VIEW_ENTRIES: dict[str, ViewEntry] = {
    "scorecard": ViewEntry(
        label="Scorecard",
        view="app.views.scorecard.view:ScorecardView",
        work="app.session.scorecard_work:read_scorecard",
        parameters=("reference", "measures"),
        takeaway="app.session.takeaways:scorecard_line",
        numbers="app.export.scorecard:scorecard_shown",
        help=(
            "Which method is right? Each row is a measure, each column a method; the numbers come from an evaluation over many times, with 95 % "
            "intervals. Green cells are closer to the truth than the reference, brown ones farther; cells without colour are undecided, "
            "because the interval of the difference includes zero. A method can be best in one group of measures and worst in another: a "
            "blurred field has small errors and lacks small scales. Point at a cell for its definition; select it to open the view that explains it."
        ),
    ),
    "maps": ViewEntry(
        label="Maps",
        view="app.views.maps.view:MapsView",
        work="app.session.comparison_work:compare",
        idle_work="app.session.prefetch:prefetch_next_time",
        parameters=(*_COMPARED, "layout", "left", "right"),
        takeaway="app.session.takeaways:maps_line",
        numbers="app.export.comparison:maps_numbers",
        help=(
            "All panels show the same time. “Coarse input” is what every method receives: block means of the true field. Each method estimates "
            "the fine field from it, and “Truth” is the fine field that it should reproduce. The scores below a panel compare it with the truth "
            "in this region; a star marks the best, and pointing at a score shows its definition. No single score is sufficient: a blurred field "
            "has a small RMSE but lacks small-scale structure."
        ),
    ),
    "spectra": ViewEntry(
        label="Spectra",
        view="app.views.spectra.view:SpectraView",
        work="app.session.comparison_work:compare",
        parameters=(*_COMPARED, "average", "period", "step"),
        takeaway="app.session.takeaways:spectra_line",
        numbers="app.export.comparison:spectra_numbers_of",
        help=(
            "A spectrum shows the variance of a field at each wavelength, from planetary waves on the left to the grid scale on the right. The "
            "panel below it shows the ratio to the truth: below one, a method is too smooth at that scale; above one, too rough. To the right of "
            "the dashed line are scales that the coarse grid cannot resolve, so all power there is added by the method. The semivariogram gives "
            "the corresponding view in space: the mean squared difference between two points as a function of their distance."
        ),
    ),
    "distances": ViewEntry(
        label="Distances",
        view="app.views.distances.view:DistancesView",
        work="app.session.distances.distance_work:compare_times",
        idle_work="app.session.distances.similar_times:find_similar_times",
        parameters=(*_COMPARED, "period", "step"),
        takeaway="app.session.takeaways:distances_line",
        numbers="app.export.distances:distances_numbers",
        help=(
            "How different is the atmosphere at two times? Each cell of a matrix compares two times of the period; tap a cell to see both fields. "
            "A useful distance grows steadily with the lag, the time between two fields. The point-by-point error soon saturates (marks: the lag "
            "at which it reaches 90 % of its plateau); AtmoDist, which was learned from weather data, grows for longer. The confusion matrix shows "
            "the task that the network was trained for: predicting the lag between two fields. Similar times are the times of the data set most like "
            "the chosen one; select a date to go there."
        ),
    ),
    "cities": ViewEntry(
        label="Cities",
        view="app.views.cities.view:CitiesView",
        work="app.session.city_work:compare_cities",
        parameters=(
            *("time", "field", "globe_field", "methods", "candidate", "baseline"),
            *("period", "step", "sample", "basis", "reach", "cities"),
        ),
        takeaway="app.session.takeaways:cities_line",
        numbers="app.export.cities:cities_numbers",
        help=(
            "Does a method reproduce the local distribution of values? The values at 150 cities are collected over many times, and their "
            "distribution is compared with that of the truth; the logarithmic axis shows rare extremes. The Wasserstein-1 distance is the mean "
            "shift of values that turns one distribution into the other. A city counts as better or worse if the distances of two methods differ "
            "by more than 10 %. Drag to turn the globe, tap a city or type its name to select it; hold Shift to select several."
        ),
    ),
    "models": ViewEntry(
        label="Models",
        view="app.views.models.view:ModelsView",
        work="app.session.model_work:fit_models",
        parameters=("time",),
        takeaway="app.session.takeaways:models_line",
        numbers="app.export.models:models_numbers",
        help=(
            "What each trained model is, the data it was trained on, its scores on data held back from training, and its learning curves. Scores "
            "of different kinds of models cannot be compared. The last card explains how to add your own models and data."
        ),
    ),
    "ensemble": ViewEntry(
        label="Ensemble",
        view="app.views.ensemble.view:EnsembleView",
        work="app.session.ensemble_work:draw_members",
        parameters=(*_COMPARED, "ensemble", "stamps"),
        takeaway="app.session.takeaways:ensemble_line",
        numbers="app.export.ensemble:ensemble_shown",
        help=(
            "What does the coarse field leave open? Many fine fields have the same block means, and each member is one draw of what is possible. "
            "The mean of the members has the smallest error and is too smooth; a single member has realistic small scales in uncertain places. "
            "A good ensemble is calibrated: its spread equals the error of its mean, and the truth has every rank among the members equally "
            "often. The CRPS is the error of the whole ensemble, in the unit of the field; of a single field it is the mean absolute error."
        ),
    ),
    "features": ViewEntry(
        label="Features",
        view="app.views.features.view:FeaturesView",
        work="app.session.distances.feature_work:find_features",
        parameters=("time", "region", "field", "network", "stage", "filter"),
        takeaway="app.session.takeaways:features_line",
        numbers="app.export.features:features_shown",
        help=(
            "What does the distance network see? Its stages have filters, each of which responds to a pattern. The nine patches that excite a filter "
            "most are from different storms or days; tap one to go there. Beside each is the smallest change of the fields that would raise its "
            "activation by a tenth: what in the patch excites it. The lines on the map say where the filter is active at this time. The curve says "
            "which scales the distance reacts to: 1 is the weight that they have in the squared error, and the control has the same network untrained."
        ),
    ),
}
"""By name in the address, in the order of the tabs and of the keys 0 to 7."""

VIEWS = {name: entry.label for name, entry in VIEW_ENTRIES.items()}


def load(reference: str) -> Any:
    """Return the object that ``module:name`` refers to."""
    module, name = reference.split(":")
    return getattr(import_module(module), name)
