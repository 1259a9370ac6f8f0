"""The plot of a state and the most similar times."""

import holoviews as hv
import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.plots.distance_plots.similar_days import CURVE, FOUND
from tests.networks.mock_models import globe, saved_distance


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    """Twenty times, and what a tiny network makes of them."""
    folder = saved_distance(tmp_path_factory.mktemp("models") / "tiny-distance", grid_spacing_deg=5.625)
    fields = globe(rows=32, columns=64, times=20)
    return fields, ad.load_distance(folder), ad.embed_record(fields, model=str(folder))


def test_maps_and_curve_show_what_is_found(weather):
    fields, network, record = weather
    layout = ad.plots.similar_days(fields, "2001-01-02", 2, embeddings=record, apart_hours=6, columns=2)
    found = ad.find_similar(record, "2001-01-02", 2, apart_hours=6)
    *maps, curve = list(layout)
    texts = [str(one.astype("datetime64[m]")).replace("T", " ") for one in found["time"].values]
    distances = [f"{one:.3g}" for one in found["distance"].values]
    assert [one.label for one in maps] == [
        "2001-01-02 00:00 (query)",
        *(f"{text} ({distance})" for text, distance in zip(texts, distances, strict=True)),
    ]
    image = maps[1].get(0)
    expected = fields["vorticity"].sel(time=found["time"].values[0]).values
    np.testing.assert_allclose(
        np.sort(image.data["value"].ravel()), np.sort(expected.ravel()) * 1e4, rtol=1e-5
    )
    line = next(layer for layer in curve if layer.label == CURVE)
    direct = network.matrix(fields).values[8]  # the ninth time is the query
    drawn = line.dimension_values("distance")
    assert np.isnan(drawn[8]) and drawn.size == 20
    np.testing.assert_allclose(np.delete(drawn, 8), np.delete(direct, 8), rtol=2e-3)
    marks = next(layer for layer in curve if layer.label == FOUND)
    np.testing.assert_array_equal(marks.dimension_values("time"), found["time"].values)
    assert hv.render(layout)


def test_a_region_is_cut_out_and_mistakes_are_said(weather):
    fields, _, record = weather
    layout = ad.plots.similar_days(fields, "2001-01-02", 1, embeddings=record, region="Pacific", theme="dark")
    area = ad.REGIONS["Pacific"]
    picture = next(iter(layout)).get(0)
    longitudes = picture.dimension_values("longitude")
    assert longitudes.min() >= area.west - 6 and longitudes.max() <= 360 + area.east + 6
    later = fields.isel(time=slice(4))
    with pytest.raises(UserError, match="Expected fields at 2001-01-02 00:00, found none"):
        ad.plots.similar_days(later, "2001-01-02", 1, embeddings=record)
