"""Find the Chromium that the browser tests drive, or install one: ``python tests/browser.py --install``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it runs as a script

from app.screenshots import BROWSERS


def chromium_path() -> str | None:
    """Path of Chromium: $ATMODIST_CHROMIUM, the first found on PATH, or the one that Playwright
    downloaded.
    """
    given = os.environ.get("ATMODIST_CHROMIUM")
    return given or next(filter(None, map(shutil.which, BROWSERS)), None) or _downloaded()


def _downloaded() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def install() -> None:
    """Install Chromium with the means this machine has: Debian's package as root, else Playwright's
    download.
    """
    if shutil.which("apt-get") and os.geteuid() == 0:
        commands = [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    else:
        commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    for command in commands:
        print("Installing Chromium for the browser tests:", " ".join(command), flush=True)
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
            return


if __name__ == "__main__":
    if chromium_path() is None and "--install" in sys.argv[1:]:
        install()
    found = chromium_path()
    print(
        f"Browser tests use {found}"
        if found
        else "No Chromium was found or could be installed: the browser tests will be skipped. "
        "Install Chromium, or set ATMODIST_CHROMIUM to its path."
    )
