"""Captions of exported figures and numbers."""

from __future__ import annotations

from app.session.session import Session
from app.state.state import shown_methods
from atmodist_core.fields.canonical.shown_dates import ShownDates
from atmodist_core.figures.numbers.captions import caption_of
from atmodist_core.figures.numbers.request import region_words


def session_caption(
    session: Session,
    when: str,
    field: str,
    *,
    count: int = 1,
    extra: str = "",
    uses_distance: bool = True,
    also: str = "",
    network: str = "",
) -> str:
    """Return a caption with data, date (``first/last`` for a period of ``count`` times), region, field and the versions of all models shown.

    ``uses_distance`` is whether the distance network contributes to what is shown; ``extra`` is a further sentence, ``also`` a model that is shown beside
    the methods chosen, ``network`` a distance network instead of that of the comparison.
    """
    data = session.data
    names = [*shown_methods(session.state, [method.name for method in session.methods]), also]
    cards = [method.card for method in session.methods if method.name in names and method.card is not None]
    distance = (network or session.engine.distance_name()) if uses_distance else ""
    cards += [card for card in session.engine.cards() if card.name == distance]
    return caption_of(
        data="" if data is None else data.label,
        simulated=data is not None and data.simulated,
        level="" if data is None else data.level,
        when=when_words(when, count, None if data is None else data.dates),
        region=region_words(session.state.region),
        field=field,
        cards=cards,
        extra=extra,
    )


def when_words(when: str, count: int = 1, dates: ShownDates | None = None) -> str:
    """Return the text of a time, or of a period with its number of times, in the calendar of the data."""
    return (dates or ShownDates()).span(when.split("/"), count) if when else ""
