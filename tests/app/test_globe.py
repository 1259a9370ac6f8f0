"""The globe without a browser: its picture, its messages, its bundle; and its JavaScript, where there is node."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import atmodist_core as ad
from app.globe.component import Globe, coast_parameters
from app.globe.texture import COLUMNS, ROWS, texture

FOLDER = Path(__file__).resolve().parents[2] / "app" / "globe"
LATITUDE, LONGITUDE = 89.5 - np.arange(180), 0.5 + np.arange(360.0)


def picture(values, latitude=LATITUDE, longitude=LONGITUDE, low=-1.0, high=1.0, **size):
    found = np.frombuffer(texture(values, latitude, longitude, low, high, **size), np.uint8)
    return found.reshape(size.get("rows", ROWS), size.get("columns", COLUMNS))


def at(image, latitude, longitude):
    rows, columns = image.shape
    return image[int((90 - latitude) / 180 * rows), int(((longitude + 180) % 360) / 360 * columns)]


def test_places_keep_their_values():
    values = np.zeros((180, 360), np.float32)
    row, column = 90 - 48, 237  # Seattle: 47.6 N, 237.7 E
    values[row, column] = 1.0
    image = picture(values)
    assert at(image, 47.5, -122.5) == 255 and at(image, 47.5, 122.5) == 128
    assert (image == 255).sum() == pytest.approx(ROWS * COLUMNS / values.size, rel=0.35)


def test_the_ends_of_the_scale_hold_what_lies_beyond():
    values = np.full((180, 360), 7.0, np.float32)
    values[:, :180] = -7.0
    image = picture(values)
    assert at(image, 0, 90) == 1 and at(image, 0, -90) == 255
    assert at(picture(np.zeros((180, 360))), 10, 10) == 128


def test_missing_values_are_zero():
    values = np.zeros((180, 360), np.float32)
    values[:90] = np.nan
    image = picture(values)
    assert (image[: ROWS // 2 - 1] == 0).all() and (image[ROWS // 2 + 1 :] == 128).all()


def test_beyond_a_limited_area_there_is_nothing_even_across_greenwich():
    latitude, longitude = 60.0 - np.arange(21), -10.0 + np.arange(31)
    image = picture(np.ones((21, 31)), latitude, longitude)
    assert at(image, 50, 5) == 255 and at(image, 50, -9) == 255
    for place in ((50, 30), (50, -30), (30, 5), (70, 5)):
        assert at(image, *place) == 0, place


def test_the_same_area_counted_from_greenwich_is_the_same_picture():
    latitude = 60.0 - np.arange(21)
    values = np.random.default_rng(1).normal(size=(21, 31))
    one = picture(values, latitude, 350.0 + np.arange(31))
    other = picture(values, latitude, -10.0 + np.arange(31))
    np.testing.assert_array_equal(one, other)


def test_uneven_rows_and_poles():
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(64)[0][::-1]))
    image = picture(np.repeat(latitude[:, None] / 90, 128, axis=1), latitude, 2.8125 * np.arange(128))
    rows = 90 - 180 * (np.arange(ROWS) + 0.5) / ROWS
    seen = (image[:, 0].astype(float) - 1) / 127 - 1
    assert (image > 0).all() and np.abs(90 * seen - rows).max() < 2.2


def test_finer_fields_are_averaged():
    random = np.random.default_rng(0).normal(size=(64, 128))
    image = picture(
        random,
        90 - 180 * (np.arange(64) + 0.5) / 64,
        -180 + 360 * (np.arange(128) + 0.5) / 128,
        rows=16,
        columns=32,
    )
    blocks = random.reshape(16, 4, 32, 4).mean(axis=(1, 3))
    np.testing.assert_allclose((image.astype(float) - 1) / 127 - 1, np.clip(blocks, -1, 1), atol=0.005)


def test_a_drawn_box_reaches_the_page_and_nonsense_does_not():
    globe, drawn = Globe(), []
    globe.on_region = drawn.append
    globe._handle_msg({"region": [-10, 20.5, 170, -150]})
    for nonsense in (None, "text", {}, {"region": [1, 2, 3]}, {"region": ["a", 1, 2, 3]}):
        globe._handle_msg(nonsense)
    assert drawn == [(-10.0, 20.5, 170.0, -150.0)]
    assert ad.Region(*drawn[0]).width == 40


def test_coastlines_are_those_of_the_assets():
    found = coast_parameters()
    points = np.frombuffer(found["coast_resting"], "<i2").reshape(-1, 2)
    assert (
        len(points) > 50_000 and np.abs(points[:, 0]).max() <= 18_000 and np.abs(points[:, 1]).max() <= 9_000
    )
    assert np.frombuffer(found["coast_moving_starts"], "<i4")[0] == 0


def test_the_bundle_is_there_asks_nobody_and_has_no_source_to_compile():
    bundle = (FOLDER / "globe.bundle.js").read_text()
    assert "Globe" in bundle and "http://" not in bundle.replace("http://www.w3.org", "")
    assert "import(" not in bundle and "https://" not in bundle
    assert Globe._bundle_path == FOLDER / "globe.bundle.js" and not Globe._esm


def test_sources_name_what_is_bundled():
    locked = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    said = (FOLDER / "SOURCES.md").read_text()
    bundled = [name for name, entry in locked.items() if name and not entry.get("dev")]
    assert len(bundled) >= 3
    for name in bundled:
        package, version = name.removeprefix("node_modules/"), locked[name]["version"]
        assert f"{package} {version}" in said, package


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.skipif(not (FOLDER / "node_modules" / "d3-geo").is_dir(), reason="needs npm ci in app/globe")
def test_the_maths_in_javascript():
    done = subprocess.run(
        ["node", "--test", *map(str, sorted((FOLDER / "test").glob("*.test.js")))],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-3000:]
