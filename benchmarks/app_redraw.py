"""Time the page in headless Chromium: first paint, first maps, and until all maps are redrawn after a change.

::

    python benchmarks/app_redraw.py
    python benchmarks/app_redraw.py --steps 12

The server is started as `make app` starts it, and the first visitor comes the moment it answers. The region has
160 x 160 fine points. "First paint" is the outline that comes with the HTML, "first maps" when coarse input and
truth are painted. "Maps" is the time from the key press or click until every panel has been painted again
(networks may still show their preview), "float32" until all results and scores are there. "Any time" goes to times
that are in no cache; "next time" is a step with the arrow key after a rest, in which the page looked ahead.
"Spectra" goes from the maps of a region to its spectra, not seen before; "first opening" makes their view. Needs Chromium (or its path in
ATMODIST_CHROMIUM).
"""

import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.server.local_server import CHROMIUM_FLAGS, served_page

READY = "All results in float32"
REGIONS = ("-40,40,-40,40", "-40,40,120,200", "-20,60,-140,-60", "-60,20,100,180")

HOURS = ("12:00", "06:00", "18:00", "21:00")
PRESETS = ("Pacific", "North America", "Europe")

# Data alone are no map: its canvas must show more colours than coast lines and axes have, and nothing may cover it.
DRAWN = """(() => {
  if (typeof Bokeh === "undefined" || document.hidden) { return false; }
  const outline = document.getElementById("loader");
  if (outline !== null && outline.checkVisibility({checkOpacity: true})) { return false; }
  const models = [...Bokeh.documents].flatMap((document) => [...document._all_models.values()]);
  const wanted = models.filter((model) => model.type === "Figure" && ["map of Coarse input", "map of Truth"].includes(model.name));
  return wanted.length === 2 && wanted.every((map) => {
    const layer = Bokeh.index.find_one(map)?.canvas_view?.primary;
    if (!layer || layer.canvas.width < 100) { return false; }
    const {width, height} = layer.canvas;
    const {data} = layer.ctx.getImageData(width / 4, height / 4, width / 2, height / 2);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) { colours.add(data[i] + 256 * data[i + 1] + 65536 * data[i + 2]); }
    return colours.size > 60;
  });
})()"""

# Starts a clock with the next click or key, and stops it in the frame after the last map has taken new data.
WATCH = """(what) => {
  const models = [...Bokeh.documents].flatMap((document) => [...document._all_models.values()]);
  const figures = models.filter((model) => model.type === "Figure");
  const maps = figures.filter((figure) => (figure.name ?? "").startsWith("map of"));
  const lines = figures.flatMap((figure) => figure.renderers).map((line) => line.data_source).filter((source) => source && "power" in source.data);
  const sources = what === "maps" ? maps.map((map) => map.renderers[0].data_source) : lines;
  window.redraw = {start: null, maps: null, left: new Set(sources)};
  for (const act of ["click", "keydown"]) {
    window.addEventListener(act, () => { window.redraw.start ??= performance.now(); }, {capture: true, once: true});
  }
  for (const source of sources) {
    const done = () => {
      window.redraw.left.delete(source);
      source.properties.data.change.disconnect(done);
      if (window.redraw.left.size === 0) {
        requestAnimationFrame(() => setTimeout(() => { window.redraw.maps = performance.now(); }));
      }
    };
    source.properties.data.change.connect(done);
  }
  return sources.length;
}"""

# Whether coarse input, truth and all models have a line in each of the three spectra, in the frame after they came.
OPENED = """() => {
  const models = [...Bokeh.documents].flatMap((document) => [...document._all_models.values()]);
  const figures = models.filter((model) => model.type === "Figure");
  const wanted = 3 * figures.filter((figure) => (figure.name ?? "").startsWith("map of")).length;
  const lines = figures.flatMap((figure) => figure.renderers).filter((line) => line.visible && line.data_source && "power" in line.data_source.data);
  return lines.length >= wanted && new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true))));
}"""


@dataclass(frozen=True)
class Options:
    """What to time."""

    steps: int = 8
    """Steps with the arrow key."""
    loads: int = 3
    """Times the page is opened."""
    rest: float = 2.0
    """Seconds between two steps, in which a user would look at the maps."""


def main(options: Options) -> None:
    """Time and print."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("ATMODIST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    flags = [*CHROMIUM_FLAGS, "--no-sandbox"]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        served_page(Path(folder) / "log", warm=True) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        paints, maps = [], []
        for _ in range(options.loads + 1):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(180_000)
            page.goto(f"{address}?region={REGIONS[0]}", wait_until="commit")
            maps.append(first_maps(page))
            page.get_by_text(READY).first.wait_for()
            paints.append(first_paint(page))
            if len(paints) <= options.loads:
                page.close()
        report("first contentful paint, first visitor", paints[:1])
        report("first contentful paint, later", paints[1:])
        report("first maps, first visitor", maps[:1])
        report("first maps, later", maps[1:])
        # Before the first step nothing is looked ahead.
        jumps = [timed(page, *chosen(page, "Hour (UTC)", hour)) for hour in HOURS]
        report("date change, any time: maps", [maps for maps, _ in jumps])
        report("date change, any time: float32", [exact for _, exact in jumps])
        page.locator("body").click(position={"x": 640, "y": 4})
        steps = []
        for _ in range(options.steps):
            steps.append(timed(page, lambda: page.keyboard.press("ArrowRight")))
            page.wait_for_timeout(options.rest * 1000)
        report("date change, next time: maps", [maps for maps, _ in steps[1:]])
        regions = [timed(page, *chosen(page, "Region", name)) for name in PRESETS]
        report("region change: maps", [maps for maps, _ in regions])
        page.locator("body").click(position={"x": 640, "y": 4})  # a list that has the focus keeps the keys
        report("first opening of the spectra", [opening(page)])
        page.get_by_text(READY).first.wait_for()
        dates = [timed(page, *chosen(page, "Hour (UTC)", hour), what="spectra") for hour in HOURS]
        report("date change: spectra", [drawn for drawn, _ in dates])
        page.locator("body").click(position={"x": 640, "y": 4})
        spectra = []
        for name in PRESETS[:2]:
            page.keyboard.press("1")
            page.wait_for_timeout(options.rest * 1000)
            timed(page, *chosen(page, "Region", name))
            page.locator("body").click(position={"x": 640, "y": 4})
            spectra.append(timed(page, lambda: page.keyboard.press("2"), what="spectra"))
        report("maps to spectra of a new region", [drawn for drawn, _ in spectra])
        spectra = [timed(page, *chosen(page, "Region", name), what="spectra") for name in PRESETS]
        report("region change: spectra", [drawn for drawn, _ in spectra])
        browser.close()


def first_paint(page: Any) -> float:
    """Seconds from the request to the first contentful paint."""
    script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    return float(page.evaluate(script)) / 1000


def first_maps(page: Any) -> float:
    """Seconds from the request until coarse input and truth are drawn."""
    page.wait_for_function(DRAWN, polling=50)
    return float(page.evaluate("performance.now()")) / 1000


def opening(page: Any) -> float:
    """Seconds from the key that opens the spectra for the first time until all their lines are drawn."""
    start = time.perf_counter()
    page.keyboard.press("2")
    page.wait_for_function(OPENED, polling=20)
    return time.perf_counter() - start


def chosen(page: Any, box: str, name: str) -> tuple[Any, Any]:
    """What chooses a name in a list, and what opens that list before the clock starts."""
    return page.get_by_role("menuitem", name=name).click, page.get_by_role("combobox", name=box).click


def timed(page: Any, act: Any, before: Any = None, what: str = "maps") -> tuple[float, float]:
    """Seconds from an act until all maps, or all lines of the spectra, are redrawn, and until all results are there."""
    if before is not None:
        before()
    if not page.evaluate(WATCH, what):
        raise RuntimeError(f"Expected {what} on the page, found none; open their view first.")
    act()
    page.wait_for_function("window.redraw.maps !== null", polling=20)
    maps = float(page.evaluate("window.redraw.maps - window.redraw.start")) / 1000
    page.get_by_text(READY).first.wait_for()
    exact = float(page.evaluate("performance.now() - window.redraw.start")) / 1000
    page.wait_for_timeout(300)
    return maps, exact


def report(what: str, seconds: list[float]) -> None:
    """Print median and largest of some times."""
    print(
        f"{what:40s} median {statistics.median(seconds):5.2f} s   largest {max(seconds):5.2f} s   of {len(seconds)}"
    )


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
