"""Coastlines and cities: complete, in the stated conventions, and on a map where they are on Earth."""

from types import SimpleNamespace

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.geography import cities, coastlines


def test_cities_are_150_complete_rows():
    table = cities()
    assert list(table.columns) == ["name", "country", "latitude", "longitude", "population"]
    assert len(table) == 150
    assert not table.isna().any().any()
    assert not table.duplicated(["name", "country"]).any()
    assert (table.population > 500_000).all()
    assert (table.population > 1_000_000).sum() > 100


def test_cities_lie_where_they_lie():
    """Western longitudes are 360 + lon; the authors' code used 180 - lon, which puts Seattle at 302 E."""
    table = cities().set_index("name")
    expected = {
        "Seattle": (47.61, 237.67),
        "Sydney": (-33.87, 151.21),
        "Lima": (-12.04, 282.97),
        "Dublin": (53.33, 353.75),
    }
    for name, (latitude, longitude) in expected.items():
        np.testing.assert_allclose(
            table.loc[name, ["latitude", "longitude"]].astype(float), [latitude, longitude], atol=0.05
        )


def test_dense_regions_do_not_dominate():
    table = cities()
    phi, lam = np.radians(table.latitude.to_numpy()), np.radians(table.longitude.to_numpy())
    cosine = np.sin(phi)[:, None] * np.sin(phi) + np.cos(phi)[:, None] * np.cos(phi) * np.cos(
        lam[:, None] - lam
    )
    distance_km = 6371.229 * np.arccos(np.clip(cosine, -1, 1)) + 1e9 * np.eye(150)
    assert distance_km.min() > 640
    # Every inhabited part of the world has some: longitude and latitude boxes [W, E), [S, N).
    boxes = {
        "North America": (190, 310, 15, 70),
        "South America": (270, 330, -60, 15),
        "Africa": (0, 50, -35, 30),
        "Europe": (0, 40, 36, 70),
        "South and East Asia": (65, 150, 5, 55),
        "Oceania": (110, 180, -50, -10),
    }
    for name, (west, east, south, north) in boxes.items():
        count = (table.longitude.between(west, east) & table.latitude.between(south, north)).sum()
        assert 6 <= count <= 50, (name, count)


def test_cities_are_near_land():
    """No city is more than 100 km from the nearest coast point on the sea side: compare with a swapped
    sign.
    """
    shapely = pytest.importorskip("shapely")
    land = shapely.polygonize([shapely.LineString(line) for line in coastlines("50m")])
    table = cities()
    west180 = (table.longitude + 180) % 360 - 180
    # Eurasia and Antarctica are cut at +-180 and so are no closed rings: test the continents that are.
    points = shapely.points(west180, table.latitude)[table.longitude.between(190, 330).to_numpy()]
    on_land = shapely.dwithin(shapely.union_all(land), points, 0.2)
    assert on_land.all()


@pytest.mark.parametrize("resolution", ["110m", "50m"])
def test_coastlines_stay_on_the_map(resolution):
    lines = coastlines(resolution)
    assert len(lines) > 100
    for line in lines:
        assert line.shape[1] == 2 and len(line) > 1
        assert np.abs(line[:, 0]).max() <= 180 and np.abs(line[:, 1]).max() < 90
        assert np.abs(np.diff(line[:, 0])).max() < 30, "a line runs across the map"
        assert not (np.abs(line[:, 0]) == 180)[:-1][np.abs(line[1:, 0]) == 180].any(), (
            "the map's edge drawn as coast"
        )


def test_lines_cut_at_greenwich_join_there():
    """Cut at 0 and 360: every end on the left edge has its partner on the right edge, and no length is
    lost.
    """
    lines = coastlines("50m", west=0)
    assert min(line[:, 0].min() for line in lines) == 0 and max(line[:, 0].max() for line in lines) == 360
    ends = np.concatenate([line[[0, -1]] for line in lines])
    left, right = (np.sort(ends[ends[:, 0] == edge, 1]) for edge in (0, 360))
    assert len(left) > 5
    np.testing.assert_allclose(left, right, atol=1e-9)

    def length(parts):
        return sum(np.hypot(*np.diff(part, axis=0).T).sum() for part in parts)

    assert length(lines) == pytest.approx(length(coastlines("50m")), rel=1e-9)


def test_a_region_across_greenwich_uses_its_own_longitudes():
    europe = SimpleNamespace(south=35, north=70, west=-15, east=40)
    same = SimpleNamespace(south=35, north=70, west=345, east=400)
    lines = coastlines("110m", europe)
    points = np.concatenate(lines)
    assert -60 < points[:, 0].min() < -9 and points[:, 0].max() < 80  # one point beyond the region is kept
    # Lisbon's coast (38.7 N, 9.4 W) is drawn west of the Greenwich meridian, not at 350.
    assert np.hypot(points[:, 0] + 9.4, points[:, 1] - 38.7).min() < 1
    shifted = np.concatenate(coastlines("110m", same))
    np.testing.assert_allclose(shifted - [360, 0], points, atol=1e-9)


def test_a_region_without_coast_is_empty_and_the_globe_is_whole():
    ocean = SimpleNamespace(south=-40, north=-35, west=240, east=260)
    assert coastlines("110m", ocean) == []
    globe = SimpleNamespace(south=-90, north=90, west=0, east=360)
    assert len(coastlines("110m", globe)) == len(coastlines("110m", west=0))


def test_mistakes_are_told():
    with pytest.raises(UserError, match="110m, 50m, got '10m'"):
        coastlines("10m")


def test_a_missing_file_is_told(tmp_path, monkeypatch):
    (tmp_path / "geography").mkdir()
    monkeypatch.setenv("ATMODIST_ASSETS", str(tmp_path))
    with pytest.raises(UserError, match=r"found none; take it .* or remake it"):
        cities()
