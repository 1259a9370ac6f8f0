"""The views of the page: their names, what draws them, what computes for them and what each can export.

A view is added by one entry. Its parts are named as ``module:name`` and imported when the view first comes to the front, so that they do not
hold up the first paint, and so that the state can know the names of the views without knowing Panel.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class ViewEntry:
    """One view.

    Attributes
    ----------
    label : str
        Name on the page.
    view : str
        Class that is made with the session and shown.
    work : str
        Coroutine function ``(session, control)`` that computes what the view shows and puts it into the session; empty for none.
    parameters : tuple of str
        Parameters of the state upon whose change the work is done anew while the view is in front.
    numbers : str
        Function ``(session)`` that returns the :class:`atmodist_core.figures.numbers.numbers.Numbers` behind the view, for export; raises a
        UserError while they are not there.
    help : str
        What the view answers and how to read it, for a student: sentences.
    """

    label: str
    view: str
    work: str
    parameters: tuple[str, ...]
    numbers: str
    help: str


_COMPARED = ("time", "region", "field", "methods")

VIEW_ENTRIES: dict[str, ViewEntry] = {
    "maps": ViewEntry(
        label="Maps",
        view="app.views.maps.view:MapsView",
        work="app.session.comparison_work:compare",
        parameters=(*_COMPARED, "layout", "left", "right"),
        numbers="app.export.comparison:maps_numbers",
        help=(
            "Every panel shows the same moment. “Coarse input” is what each method is given: means over blocks of the truth. The methods "
            "guess the fine field from it, and “Truth” is what they should have found. The scores under a panel compare it with the truth in this "
            "region; a star marks the best, and pointing at a score defines it. No single score is enough: a blurred field has a small RMSE and "
            "no storms."
        ),
    ),
    "spectra": ViewEntry(
        label="Spectra",
        view="app.views.spectra.view:SpectraView",
        work="app.session.comparison_work:compare",
        parameters=(*_COMPARED, "average", "period", "step"),
        numbers="app.export.comparison:spectra_numbers_of",
        help=(
            "A spectrum says how much variance a field has at each wavelength, from planetary waves on the left to grid points on the right. "
            "The panel below each is the ratio to the truth: below one a method is too smooth at that scale, above one too rough. Right of the dashed "
            "line lies what the coarse input cannot carry: all of it is the method's own. The semivariogram says the same in space: how different "
            "two points are that lie a distance apart."
        ),
    ),
    "distances": ViewEntry(
        label="Distances",
        view="app.views.distances.view:DistancesView",
        work="app.session.distance_work:compare_times",
        parameters=(*_COMPARED, "period", "step"),
        numbers="app.export.distances:distances_numbers",
        help=(
            "How different are two moments? Each cell of a matrix compares two times of the period: tap one to see both fields. A good distance "
            "grows steadily with the time between them. The error of a point-by-point comparison is soon as large as it gets (marked: the lag at which "
            "90 % of the plateau is reached); AtmoDist, learned from the weather, keeps growing for longer. The confusion matrix shows what the "
            "network was trained for: guessing the hours between two fields."
        ),
    ),
    "cities": ViewEntry(
        label="Cities",
        view="app.views.cities.view:CitiesView",
        work="app.session.city_work:compare_cities",
        parameters=(
            *("time", "field", "drape", "methods", "judged", "baseline"),
            *("period", "step", "sample", "basis", "reach", "cities"),
        ),
        numbers="app.export.cities:cities_numbers",
        help=(
            "Do the methods give each place the right weather? At 150 cities the values over many times are collected, and their distribution "
            "is compared with that of the truth; the axis is logarithmic, so that rare strong values count for the eye. The Wasserstein-1 distance says "
            "how far values must be moved, on average, to turn one distribution into the other. A city counts as better or worse when the distances of two "
            "methods differ by more than 10 %. Turn the globe, tap a city or type its name; with Shift, several."
        ),
    ),
    "models": ViewEntry(
        label="Models",
        view="app.views.models.view:ModelsView",
        work="",
        parameters=(),
        numbers="app.export.models:models_numbers",
        help=(
            "What each trained model is, what it learned from and how well it does on data held back from training, with its learning curves. "
            "Scores of different kinds of models are not comparable. Below: how to add models and data of your own."
        ),
    ),
}
"""By name in the address; the order is that of the tabs and of the keys 1 to 5."""

VIEWS = {name: entry.label for name, entry in VIEW_ENTRIES.items()}


def load(reference: str) -> Any:
    """Return what ``module:name`` names."""
    module, name = reference.split(":")
    return getattr(import_module(module), name)
