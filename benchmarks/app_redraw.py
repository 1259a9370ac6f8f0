"""Time from a choice of the user to all maps redrawn, in a real browser, at 160 x 160 fine points.

python benchmarks/app_redraw.py [--steps 12]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, sync_playwright

from app.screenshots import BROWSERS
from app.serving import CHROMIUM_FLAGS, served_page

READY = "All results in float32"
REGION = "-40,40,100,180"
"""80 by 80 degrees: 160 x 160 points of the demo's half degree."""


def step(page: Page, shown: str) -> tuple[float, float]:
    """Seconds from the arrow key to all maps of the new time drawn, and to all float32 results and scores."""
    start = time.perf_counter()
    page.keyboard.press("ArrowRight")
    page.get_by_text(shown).locator("visible=true").first.wait_for()
    drawn = time.perf_counter() - start
    page.get_by_text(READY).first.wait_for()
    return drawn, time.perf_counter() - start


def main() -> None:
    """Serve the page, step through time, print a table."""
    import os
    import shutil

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12, help="time steps to measure")
    steps = parser.parse_args().steps
    path = os.environ.get("ATMODIST_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    flags = [*CHROMIUM_FLAGS, "--no-sandbox"]
    with (
        tempfile.TemporaryDirectory() as folder,
        served_page(Path(folder) / "log") as address,
        sync_playwright() as playwright,
    ):
        page = playwright.chromium.launch(executable_path=path, args=flags).new_page(
            viewport={"width": 1600, "height": 930}
        )
        page.set_default_timeout(120_000)
        start = time.perf_counter()
        page.goto(f"{address}?region={REGION}&time=2001-01-10T00:00")
        page.get_by_text(READY).first.wait_for()
        first = time.perf_counter() - start
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        page.locator("body").click(position={"x": 640, "y": 4})
        times = []
        for index in range(1, steps + 1):
            day, hour = divmod(3 * index, 24)
            times.append(step(page, f"2001-01-{10 + day:02d} {hour:02d}:00 UTC"))
    drawn, complete = zip(*times[1:], strict=True)  # the first step still warms caches
    print("| what | median [s] | slowest [s] |")
    print("|---|---|---|")
    print(f"| first visit: first paint | {paint:.2f} | |")
    print(f"| first visit: all results | {first:.2f} | |")
    for name, values in (
        ("next time: new maps on show", drawn),
        ("next time: all float32 results", complete),
    ):
        print(f"| {name} | {statistics.median(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main()
