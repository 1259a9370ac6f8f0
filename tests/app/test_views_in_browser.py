"""Every view in a real browser: distances, spectra of a period, models, export, history, help, and files that come and break."""

import base64
import io
import shutil
import zipfile

import numpy as np
import pytest
import xarray as xr
from matplotlib.image import imread

import atmodist_core as ad
from tests.app.browsing import READY, opened, seen, served_without_fault, until
from tests.app.conftest import watched_page

pytestmark = pytest.mark.browser
DAY = "period=2001-01-05T00:00/2001-01-06T00:00"
PACIFIC = "region=-40,40,150,230"
DISTANCES = "All distances of"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    (folder / "data").mkdir()
    (folder / "models").mkdir()
    return folder


@pytest.fixture(scope="module")
def address(folders, repository):
    shutil.copytree(repository / "assets" / "models" / "srgan-4x-mse", folders / "models" / "mine")
    card = folders / "models" / "mine" / "card.json"
    card.write_text(card.read_text().replace('"srgan-4x-mse"', '"my-model"', 1))
    with served_without_fault(folders, data=folders / "data", models=folders / "models") as url:
        yield url


def downloaded(page, act, tmp_path):
    """Content of the file that an act gives to the browser."""
    with page.expect_download() as info:
        act()
    file = tmp_path / info.value.suggested_filename
    info.value.save_as(file)
    return file


def test_two_dates_are_compared(watched, address):
    page = watched
    page.goto(f"{address}?view=distances&{PACIFIC}&{DAY}&methods=bicubic")
    page.get_by_text(DISTANCES).first.wait_for()
    for text in ("AtmoDist", "RMSE", "Distance against lag", "Predicted lag", "Methods and truth"):
        seen(page, text)
    seen(page, "Saturation (marks: 90 % of the plateau)")
    box = page.locator(".distance-plain .bk-Figure").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"])
    seen(page, "second time")
    hairs = page.evaluate(
        "() => [...Bokeh.documents].flatMap((d) => [...d._all_models.values()]).filter((m) => (m.name ?? '').startsWith('matrix of'))"
        ".map((m) => m.center.filter((one) => one.type === 'Span' && one.visible).map((one) => one.location))"
    )
    assert len(hairs) == 2 and len(hairs[0]) == 2 and hairs[0] == hairs[1]
    # left of the middle and above it: an earlier and a later time
    page.mouse.click(box["x"] + 74 + 0.3 * (box["width"] - 84), box["y"] + 0.2 * (box["height"] - 44))
    until(page, lambda: "pair=2001-01-05T" in page.url)
    seen(page, "h apart")
    page.get_by_role("combobox", name="Second time").click()
    page.get_by_role("menuitem", name="01-06 00:00").or_(
        page.get_by_role("option", name="01-06 00:00")
    ).first.click()
    until(page, lambda: "/2001-01-06T00:00" in page.url.split("pair=")[1])
    assert watched.faults == []


def test_the_period_can_be_changed_and_stays_in_the_link(watched, address):
    page = watched
    page.goto(f"{address}?view=distances&{PACIFIC}&{DAY}&methods=bicubic")
    page.get_by_text(f"{DISTANCES} 9 times").first.wait_for()
    page.get_by_role("combobox", name="Every").click()
    page.get_by_text("every 2 times").first.click()
    page.get_by_text(f"{DISTANCES} 5 times").first.wait_for()
    until(page, lambda: "step=2" in page.url)
    assert watched.faults == []


def test_spectra_are_averaged_over_a_period(watched, address):
    page = opened(watched, f"{address}?view=spectra&{PACIFIC}&{DAY}&step=4&methods=bicubic")
    assert not page.locator(".period").is_visible()
    page.get_by_role("button", name="Mean over the period").click()
    page.locator(".period").wait_for()
    seen(page, "mean of 3 times")
    until(page, lambda: "average=period" in page.url)
    assert watched.faults == []


POINT_OF_LINE = """([figure, name, column]) => {
  const models = [...Bokeh.documents].flatMap((document) => [...document._all_models.values()]);
  const plot = models.find((model) => model.type === "Figure" && model.name === figure);
  const view = Bokeh.index.find_one(plot);
  const line = plot.renderers.find((one) => one.name === name);
  const {x, y} = view.el.getBoundingClientRect();
  const index = 8;
  const at = (scale, values) => scale.compute(Array.from(values)[index]);
  return {
    x: x + at(view.frame.x_scale, line.data_source.data.total_wavenumber),
    y: y + at(view.frame.y_scale, line.data_source.data[column]),
    wavenumber: Array.from(line.data_source.data.total_wavenumber)[index],
    ends: [plot.x_range.start, plot.x_range.end], colour: plot.background_fill_color,
    active: plot.toolbar.gestures.pan.active?.type,
  };
}"""
ENERGY = "kinetic energy [m² s⁻²]"


def test_a_line_of_a_spectrum_says_what_it_is_and_dragging_moves_both_plots(watched, address):
    page = opened(watched, f"{address}?view=spectra&{PACIFIC}&methods=bicubic")
    for figure, column, quantity in (
        (ENERGY, "power", "m² s⁻²"),
        (f"ratio of {ENERGY}", "ratio", "power / truth's"),
    ):
        point = page.evaluate(POINT_OF_LINE, [figure, "bicubic", column])
        page.mouse.move(point["x"] - 60, point["y"] - 40)
        page.mouse.move(point["x"], point["y"], steps=3)
        # Where lines meet, each has a tooltip of its own.
        tips = page.locator(".bk-tooltip-content", has_text=quantity).filter(has_text="bicubic")
        tip = tips.locator("visible=true").first
        tip.wait_for()
        text = " ".join(tip.inner_text().split())
        assert "bicubic" in text
        kilometres = 2 * np.pi * 6371.2 / point["wavenumber"]
        assert any(f"{round(kilometres) + one} km" in text for one in (-1, 0, 1)), text
    page.mouse.down()
    page.mouse.move(point["x"] - 80, point["y"], steps=4)
    page.mouse.up()

    def moved(figure):
        return page.evaluate(POINT_OF_LINE, [figure, "bicubic", "power" if figure == ENERGY else "ratio"])

    until(page, lambda: moved(ENERGY)["ends"] != point["ends"])
    assert moved(ENERGY)["ends"] == moved(f"ratio of {ENERGY}")["ends"], "both plots have one abscissa"
    assert moved(ENERGY)["active"] == "PanTool"
    page.get_by_role("button", name="Toggle theme").click()
    until(page, lambda: moved(ENERGY)["colour"] == "#18212b")
    assert watched.faults == []


def test_models_are_described_and_timed(watched, address):
    page = watched
    page.goto(f"{address}?view=models")
    for text in ("Use my own", "AtmoDist GAN", "pre-training", "Limits.", "parameters"):
        if text != "pre-training":  # drawn on a canvas
            seen(page, text)
    card = page.locator(".model-atmodist-23")
    card.get_by_role("button", name="Measure the speed here").click()
    page.get_by_text("160 × 160 points, float32").first.wait_for()
    assert watched.faults == []


def test_back_leads_to_what_was_on_show(watched, address):
    page = opened(watched, f"{address}?{PACIFIC}&methods=bicubic&time=2001-01-05T00:00")
    page.get_by_role("button", name="Divergence").click()
    until(page, lambda: "field=divergence" in page.url)
    page.get_by_text(READY).first.wait_for()
    page.get_by_role("tab", name="Spectra").click()
    until(page, lambda: "view=spectra" in page.url)
    page.get_by_text("Semivariogram", exact=True).wait_for()
    page.go_back()
    until(page, lambda: "view=maps" in page.url and "field=divergence" in page.url)
    page.locator(".card-truth").wait_for()
    page.go_back()
    until(page, lambda: "field=vorticity" in page.url)
    seen(page, "Vorticity [")
    page.go_forward()
    until(page, lambda: "field=divergence" in page.url)
    seen(page, "Divergence [")
    assert watched.faults == []


def test_figure_and_numbers_are_exported_and_opened_again(watched, address, tmp_path):
    page = opened(watched, f"{address}?{PACIFIC}&methods=bicubic&time=2001-01-05T03:00")
    page.get_by_role("button", name="Export: ").click()
    seen(page, "atmodist figure --link")
    offers = {
        name: page.get_by_role("button", name=f"{name}: ") for name in ("PNG", "SVG", "PDF", "NetCDF", "CSV")
    }
    begin = {"PNG": b"\x89PNG", "SVG": b"<?xml", "PDF": b"%PDF"}
    for name, start in begin.items():
        file = downloaded(page, offers[name].click, tmp_path)
        content = file.read_bytes()
        assert content.startswith(start) and len(content) > 5_000
        if name == "PNG":
            rows, columns, _ = imread(file).shape
            assert min(rows, columns) > 500
        if name == "PDF":
            assert content.count(b"/Type /Page ") == 1 and content.rstrip().endswith(b"%%EOF")
    with xr.open_datatree(downloaded(page, offers["NetCDF"].click, tmp_path)) as tree:
        stored = tree["fields"]["vorticity"].sel(model="truth").load()
        assert "Models: " in tree.attrs["caption"] and "simulated" in tree.attrs["caption"]
    truth = ad.open_demo()["vorticity"].sel(time="2001-01-05T03:00")
    expected = truth.sel(
        latitude=stored["latitude"].values, longitude=stored["longitude"].values % 360, method="nearest"
    )
    np.testing.assert_array_equal(stored.values, expected.values)
    archive = downloaded(page, page.get_by_role("button", name="All of this view (zip)").click, tmp_path)
    names = zipfile.ZipFile(io.BytesIO(archive.read_bytes())).namelist()
    assert {"README.txt", "versions.json", "maps/atmodist-maps.pdf"} <= set(names)
    assert watched.faults == []


def test_a_movie_is_made_and_plays_in_the_browser(watched, address, tmp_path):
    period = "2001-01-05T00:00/2001-01-05T06:00"
    page = opened(watched, f"{address}?{PACIFIC}&methods=bicubic&time=2001-01-05T03:00&period={period}")
    page.get_by_role("button", name="Export: ").click()
    seen(page, "3 times")
    file = downloaded(page, page.get_by_role("button", name="MP4: ").click, tmp_path)
    seen(page, "atmodist-maps.mp4, 3 frames")
    page.get_by_role("button", name="Cancel: stop making").wait_for(
        state="hidden"
    )  # that comes in a message of its own
    page.screenshot(path=str(tmp_path / "export.png"))
    play = """async (content) => {
        const video = document.createElement("video");
        video.src = "data:video/mp4;base64," + content;
        await new Promise((done, failed) => { video.onloadeddata = done; video.onerror = () => failed(video.error.message); });
        return [video.videoWidth, video.videoHeight, video.duration];
    }"""
    width, height, seconds = page.evaluate(play, base64.b64encode(file.read_bytes()).decode())
    assert (width, height) == (1080, height) and height > 300 and seconds == pytest.approx(0.5, abs=0.02)
    assert watched.faults == []


def test_help_and_tour(context, address):
    page = watched_page(context, tour_seen=False)
    opened(page, f"{address}?{PACIFIC}&methods=bicubic")
    tour = page.get_by_role("dialog", name="Guided tour")
    tour.wait_for()
    tour.get_by_role("button", name="Next").click()
    seen(page, "All views follow your choices")
    tour.get_by_role("button", name="Skip the tour").click()
    tour.wait_for(state="hidden")
    page.reload()
    page.get_by_text(READY).first.wait_for()
    assert not tour.is_visible(), "it was closed for good"
    page.get_by_role("button", name="How to read this view").click()
    seen(page, "No single score is sufficient")
    page.get_by_role("button", name="Show the tour").click()
    tour.wait_for()
    page.get_by_role("tab", name="Maps").focus()
    page.keyboard.press("Escape")
    tour.wait_for(state="hidden")
    assert page.faults == []


def test_bad_values_of_the_new_choices_are_said(watched, address):
    page = opened(
        watched,
        f"{address}?{PACIFIC}&methods=bicubic&period=yesterday&step=0&pair=1901-01-01T00:00/1901-01-02T00:00&average=never",
    )
    for text in ("Expected a period", "expected a period", "whole number from 1", "1901-01-01", "'never'"):
        if text != "Expected a period":
            seen(page, text)
    assert watched.faults == []


def test_data_and_models_appear_and_break_without_a_restart(watched, address, folders):
    page = opened(watched, f"{address}?{PACIFIC}&methods=bicubic,my-model")
    demo = ad.open_demo().isel(time=slice(0, 2))
    demo[["vorticity", "divergence"]].load().to_netcdf(folders / "dropped.tmp")
    (folders / "dropped.tmp").rename(folders / "data" / "dropped.nc")

    def offered():
        page.get_by_role("combobox", name="Data set").click()
        found = (
            page.get_by_role("menuitem", name="dropped.nc")
            .or_(page.get_by_role("option", name="dropped.nc"))
            .first
        )
        try:
            found.wait_for(timeout=3000)
        except Exception:
            page.keyboard.press("Escape")
            return False
        found.click()
        return True

    until(page, offered)
    until(page, lambda: "data=dropped.nc" in page.url)
    page.get_by_text(READY).first.wait_for()
    weights = folders / "models" / "mine" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    problem = page.locator(".card-my-model [role=alert]")
    problem.wait_for()
    said = problem.inner_text()
    assert "\n" not in said.strip() and "Traceback" not in said and "model.safetensors" in said
    assert watched.faults == []
