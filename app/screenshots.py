"""Take the pictures of README and docs from the running page.

python -m app.screenshots --out docs/pictures
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from app.serving import CHROMIUM_FLAGS, served_page

PICTURES = {
    "maps_light": ("view=maps&theme=light&time=2001-01-16T12:00&region=Europe", 1600, 930),
    "maps_dark": ("view=maps&theme=dark&time=2001-01-16T12:00&field=divergence&region=Pacific", 1600, 930),
    "spectra_light": ("view=spectra&theme=light&time=2001-01-16T12:00&region=Globe", 1600, 1000),
    "spectra_dark": ("view=spectra&theme=dark&time=2001-01-16T12:00&region=Europe", 1600, 1000),
    "maps_narrow": ("view=maps&theme=light&time=2001-01-16T12:00&region=Europe", 820, 1180),
}
"""Name of a picture -> what the link says, width and height of the window."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def take(out: Path, names: list[str]) -> list[Path]:
    """Take some pictures; return their files."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    browser_path = os.environ.get("ATMODIST_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    flags = list(CHROMIUM_FLAGS)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
    files = []
    with (
        tempfile.TemporaryDirectory() as folder,
        served_page(Path(folder) / "log") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        for name in names:
            query, width, height = PICTURES[name]
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(180_000)
            page.goto(f"{address}?{query}")
            page.get_by_text("All results in float32").first.wait_for()
            page.wait_for_timeout(1500)  # the last paint follows the last result
            files.append(out / f"{name}.png")
            page.screenshot(path=files[-1])
            page.close()
        browser.close()
    return files


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.screenshots", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"), help="folder of the pictures")
    parser.add_argument("--only", nargs="*", choices=sorted(PICTURES), help="some of the pictures")
    chosen = parser.parse_args(arguments)
    for file in take(chosen.out, chosen.only or list(PICTURES)):
        print(file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
