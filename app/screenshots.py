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

from app.server.local_server import CHROMIUM_FLAGS, SEEN_SCRIPT, served_page
from app.state.view_registry import VIEW_ENTRIES

_TIME = "data=demo&time=2001-01-16T12:00"
_WEEK = "period=2001-01-10T00:00/2001-01-20T00:00"
_LINKS = {
    "scorecard": _TIME,
    "maps": f"{_TIME}&region=Europe",
    "spectra": f"{_TIME}&region=Globe",
    "distances": f"{_TIME}&region=Europe&{_WEEK}",
    "cities": f"{_TIME}&region=Globe",
    "models": _TIME,
    "ensemble": f"{_TIME}&region=Europe",
    "features": f"{_TIME}&region=Europe&filter=3",
}
_HEIGHTS = {
    "scorecard": 1010,
    "maps": 930,
    "spectra": 1010,
    "distances": 1560,
    "cities": 1250,
    "models": 1250,
    "ensemble": 1250,
    "features": 930,
}


def _pictures() -> dict[str, tuple[str, int, int]]:
    """Every view in both themes at 1600 pixels, and light at 1280, 1920 and on a tablet."""
    found = {}
    for view in VIEW_ENTRIES:
        link = f"view={view}&{_LINKS[view]}"
        for theme in ("light", "dark"):
            found[f"{view}_{theme}"] = (f"{link}&theme={theme}", 1600, _HEIGHTS[view])
        for name, width in (("1280", 1280), ("1920", 1920)):
            found[f"{view}_{name}"] = (f"{link}&theme=light", width, _HEIGHTS[view])
        found[f"{view}_narrow"] = (f"{link}&theme=light", 820, 1180)
    found["spectra_period"] = (
        f"view=spectra&{_LINKS['spectra']}&average=period&period=2001-01-15T00:00/2001-01-16T21:00&step=2&methods=bicubic,srgan-4x-atmodist",
        1600,
        1050,
    )
    found["swipe"] = (f"view=maps&{_LINKS['maps']}&layout=swipe&left=bicubic&right=truth", 1600, 930)
    found["projection"] = (f"view=maps&{_TIME}&region=Globe&projection=orthographic", 1600, 930)
    line = "projection=lambert&transect=57.5,-12,41.9,12.5"
    found["transect"] = (
        f"view=maps&{_LINKS['maps']}&{line}&methods=bicubic,srgan-4x-mse,srgan-4x-atmodist",
        1600,
        1400,
    )
    return found


ANALYSES = {
    "analyses": (
        "view=maps&data=gfs_1deg_10m_6hourly_2026-07-06_to_07-31.nc&time=2026-07-30T12:00&region=North America"
        "&methods=bicubic,real-4x-mse,real-4x-atmodist,real-4x-atmodist-ensemble&theme=light",
        1600,
        1010,
    ),
    "analyses_missing": (
        "view=maps&data=hrrr_0p25deg_10m_hourly_conus_2026-08-02_to_08-15.nc&time=2026-08-14T18:00&region=Globe"
        "&methods=bicubic,srgan-4x-mse,real-4x-mse,real-4x-atmodist-ensemble&theme=light",
        1600,
        1010,
    ),
}
"""Pictures of real weather, which does not ship: they need ``--data``."""
PICTURES = _pictures() | ANALYSES
"""Name of a picture -> what the link says, width and height of the window."""
READY = {
    "scorecard": "Scorecard of the evaluation",
    "distances": "All distances of",
    "models": "Models compared with the data",
    "ensemble": "members in float32",
    "features": "All patches of",
}
"""Text by view that is there when everything is."""
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
        profile = browser.new_context()  # one for all, so that scripts are loaded once
        for name in names:
            query, width, height = PICTURES[name]
            page = profile.new_page()
            page.set_viewport_size({"width": width, "height": height})
            page.set_default_timeout(300_000)
            page.add_init_script(SEEN_SCRIPT)
            page.goto(f"{address}?{query}")
            view = query.split("view=")[1].split("&")[0]
            page.get_by_text(READY.get(view, "All results in float32")).first.wait_for()
            # The side bar is complete once the data are open, which the view Models does not wait for.
            page.get_by_text(" points · ").first.wait_for()
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
    parser.add_argument("--data", type=Path, help="folder of the analyses that some pictures show")
    chosen = parser.parse_args(arguments)
    names = chosen.only or list(PICTURES)
    if chosen.data is None:
        names = [name for name in names if name not in ANALYSES]
    else:
        os.environ["ATMODIST_DATA"] = str(chosen.data)
    for file in take(chosen.out, names):
        print(file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
