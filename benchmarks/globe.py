"""Time the globe in headless Chromium: frames a second while it is dragged, and from a tap to the city's densities.

::

    python benchmarks/globe.py
    python benchmarks/globe.py --width 1920 --height 1080

The drag is made in the page, one pointer event before each frame (`requestAnimationFrame`), with a field over the globe and the coarse coastline, as
for a user. Without a GPU Chromium draws with the processor, so that whatever else it does lowers the number: the load is printed with it. "Own work" is the time
that the page's code takes for one frame, which a busy machine stretches less. Needs Chromium (or its path in ATMODIST_CHROMIUM).
"""

import os
import platform
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.server.local_server import CHROMIUM_FLAGS, SEEN_SCRIPT, served_page

LINK = "view=cities&cities=Seattle&sample=1"

# A synthetic pointer has no pointer to capture; the rest of the way is that of a real one.
DRAG = """async (canvas, frames) => {
  const box = canvas.getBoundingClientRect(), capture = canvas.setPointerCapture;
  canvas.setPointerCapture = () => {};
  const fire = (name, x, y) => canvas.dispatchEvent(new PointerEvent(name, {pointerId: 7, clientX: x, clientY: y, button: 0, bubbles: true}));
  const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
  let x = box.left + 0.4 * box.width, y = box.top + 0.55 * box.height, last = await next();
  const times = [], before = canvas.globe.frames();
  fire("pointerdown", x, y);
  for (let i = 0; i < frames; i++) {
    x += 2.5 * Math.sin(i / 12);
    y += 1.2 * Math.cos(i / 9);
    fire("pointermove", x + (i === 0 ? 8 : 0), y);
    const now = await next();
    times.push(now - last);
    last = now;
  }
  const drawn = canvas.globe.frames() - before;
  fire("pointerup", x, y);
  canvas.setPointerCapture = capture;
  return {times, drawn, work: canvas.globe.work()};
}"""


@dataclass(frozen=True)
class Options:
    """What to time."""

    frames: int = 240
    """Frames of the drag."""
    width: int = 1280
    """Width of the window."""
    height: int = 800
    """Height of the window."""
    taps: int = 5
    """Cities that are tapped."""


def main(options: Options) -> None:
    """Time and print."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("ATMODIST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        served_page(Path(folder) / "log") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, "--no-sandbox"])
        page = browser.new_page(viewport={"width": options.width, "height": options.height})
        page.set_default_timeout(600_000)
        page.add_init_script(SEEN_SCRIPT)
        page.goto(f"{address}?{LINK}")
        canvas = page.locator("canvas.globe-canvas")
        page.get_by_text("All results in float32").first.wait_for()
        canvas.scroll_into_view_if_needed()
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        size = canvas.bounding_box()
        result = canvas.evaluate(DRAG, options.frames)
        times = sorted(result["times"])
        print(
            f"globe of {size['width']:.0f} x {size['height']:.0f} pixels, {result['drawn']} frames drawn: "
            f"{1000 * len(times) / sum(times):.0f} frames/s, median {statistics.median(times):.1f} ms, "
            f"95 % {times[int(0.95 * len(times))]:.1f} ms; own work median {statistics.median(result['work']):.1f} ms a frame"
        )
        taps = [tap(page, canvas) for _ in range(options.taps)]
        print(
            f"tap to the city's card: median {statistics.median(taps):.2f} s, largest {max(taps):.2f} s of {len(taps)}"
        )
        browser.close()


def tap(page: Any, canvas: Any) -> float:
    """Seconds from a tap on a city in sight to its card."""
    name = canvas.evaluate(
        """(canvas) => {
          const cities = canvas.globe.cities(), box = canvas.getBoundingClientRect();
          window.tapped = (window.tapped ?? new Set()).add("Seattle");
          const here = cities.filter((one) => !window.tapped.has(one.name) && one.visible && one.x > 20 && one.y > 20 && one.x < box.width - 60 && one.y < box.height - 20);
          window.tapped.add(here[0].name);
          return here[0].name;
        }"""
    )
    at, box = canvas.evaluate("(canvas, name) => canvas.globe.position(name)", name), canvas.bounding_box()
    start = page.evaluate("performance.now()")
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    page.locator(".city-card b").get_by_text(name, exact=True).first.wait_for()
    return float(page.evaluate("performance.now()") - start) / 1000


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
