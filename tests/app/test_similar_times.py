"""The list of similar times in the Distances view: what is found, its place in the page's work, and going to a date."""

import asyncio
import warnings

import numpy as np
import pytest

from app.session.distances import similar_times
from app.session.session import Session
from app.state.state import StudioState
from app.views.distances.similar_list import SimilarList
from tests.app.conftest import settled_session

REGION = "-60,60,100,200"


def rows_of(session):
    """Distances of the chosen time to all, from the fields of the region, by the network itself."""
    result = session.results["distances"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = session.engine.distance().matrix(result.fields)
    return matrix.sel(time=np.datetime64(session.state.time)).values, result.fields["time"].values


@pytest.mark.parametrize("region", ["Globe", REGION])
def test_the_closest_times_of_the_region_are_found(globe, models, engine, region):
    session = settled_session(engine, view="distances", region=region, time="2001-01-05T12:00")
    found = session.results["distances"].similar.found
    distances, times = rows_of(session)
    order = np.argsort(np.where(times == np.datetime64("2001-01-05T12:00"), np.inf, distances))
    np.testing.assert_array_equal(found["time"].values, times[order[:5]])
    np.testing.assert_allclose(
        found["distance"], distances[order[:5]], rtol=5e-3, atol=1e-4 * distances.max()
    )
    assert session.results["distances"].similar.note == "All 12 times of the data were searched."
    assert session.activity.startswith("All distances of 12 times") and not session.busy


def test_a_date_of_the_list_is_a_way_to_go_there(globe, models, engine):
    async def steps():
        session = Session(StudioState(view="distances", region="Globe", time="2001-01-05T12:00"), engine)
        listed = SimilarList(session)
        session.start([])
        await session.settled()
        similar = session.results["distances"].similar
        listed.draw(similar, session.state.time)
        first = similar.found["time"].values[0]
        assert listed.dates[0].label == str(first.astype("datetime64[m]")).replace("T", " ")
        assert f"distance {float(similar.found['distance'][0]):.3g}" in listed._values[0].object
        share = float(similar.found["percentile"][0])
        assert f"closer pairs {share:.1f} %" in listed._values[0].object
        listed.dates[0].clicks += 1
        assert session.state.time == str(first.astype("datetime64[m]"))
        listed.draw(similar, session.state.time)  # another time: nothing of the former one is left
        assert not any(date.visible for date in listed.dates) and "Searching" in listed._note.object
        await session.settled()
        again = session.results["distances"].similar
        assert again.question.time == session.state.time and again.record is similar.record
        session.close()

    asyncio.run(steps())


def test_known_times_are_found_before_anything_else(globe, models, engine, monkeypatch):
    """After another time was chosen, the list is there with the first step, without embedding anything."""

    async def steps():
        session = Session(StudioState(view="distances", region="Globe", time="2001-01-05T12:00"), engine)
        session.start([])
        await session.settled()
        published = []
        session.param.watch(lambda event: published.append(event.new["distances"]), "results")
        monkeypatch.setattr(similar_times, "_record", None)
        session.state.time = "2001-01-06T00:00"
        await session.settled()
        assert published[0].similar.question.time == "2001-01-06T00:00" and not published[0].complete
        session.close()

    asyncio.run(steps())


def test_long_records_are_thinned_out_and_keep_the_chosen_time(globe, models, engine, monkeypatch):
    monkeypatch.setattr(similar_times, "MOST_TIMES", 5)
    session = settled_session(engine, view="distances", region="Globe", time="2001-01-05T12:00")
    similar = session.results["distances"].similar
    # Every third of twelve, and the fifth.
    np.testing.assert_array_equal(similar.record.times, globe["time"].values[[0, 3, 4, 6, 9]])
    assert similar.note == "5 of the 12 times of the data were searched, evenly spaced."


def test_a_region_smaller_than_a_cell_of_the_encoder_says_so(globe, models, engine):
    session = settled_session(engine, view="distances", region="-20,30,120,180")
    similar = session.results["distances"].similar
    assert similar.found is None and "Expected fields of at least 32 x 32 points" in similar.note


def test_without_a_network_the_list_says_so(globe, no_models, engine):
    session = settled_session(engine, view="distances")
    similar = session.results["distances"].similar
    assert similar.found is None and "Expected a trained distance network" in similar.note
    listed = SimilarList(session)
    listed.draw(similar, session.state.time)
    assert "distance network" in listed._note.object and not any(date.visible for date in listed.dates)
