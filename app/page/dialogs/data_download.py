"""Downloads of ERA5 into the data folder, if the server allows them: one at a time, within a fixed space."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import atmodist_core as ad
from app.compute.control import Control
from atmodist_core.fields.download.archive import DownloadPlan, plan_download, spell_bytes
from atmodist_core.fields.download.request import DownloadRequest
from atmodist_core.fields.download.writing import write_download
from atmodist_core.figures.numbers.data_sets import data_folder

SPACE_VARIABLE = "ATMODIST_DOWNLOADS_GB"
"""Environment variable with the space for downloads [GB]; without it the page offers none."""
MIRROR_VARIABLE = "ATMODIST_DOWNLOAD_MIRROR"
FOLDER = "downloads"
"""Folder below the data folder."""

_RUNNING = threading.Lock()
_PLANNING = threading.BoundedSemaphore(2)


def download_space() -> float:
    """Return the space for all downloads [bytes]; 0 where downloads are not allowed."""
    try:
        space = 1e9 * float(os.environ.get(SPACE_VARIABLE, "0"))
    except ValueError:
        return 0.0
    return space if data_folder() is not None and 0 < space < float("inf") else 0.0


def plan_within_space(request: DownloadRequest) -> DownloadPlan:
    """Return the plan of a download; a UserError if it is larger than the space that is left for downloads."""
    folder = _folder()
    if not _PLANNING.acquire(blocking=False):
        raise ad.UserError("Others are asking the archive for sizes; try again in a few seconds.")
    try:
        plan = plan_download(request, os.environ.get(MIRROR_VARIABLE) or None)
    finally:
        _PLANNING.release()
    left = max(0.0, download_space() - _size(folder))
    if max(plan.transfer_bytes, plan.kept_bytes) > left:
        size = spell_bytes(max(plan.transfer_bytes, plan.kept_bytes))
        raise ad.UserError(
            f"Expected a download of at most {spell_bytes(left)}, the space that this server has left for downloads, found {size};"
            " choose fewer days, a longer spacing or a model level."
        )
    return plan


def run_download(plan: DownloadPlan, control: Control) -> str:
    """Download what was planned and return the key of the new data set; a second download at a time is refused."""
    folder = _folder()
    if not _RUNNING.acquire(blocking=False):
        raise ad.UserError("Another download is running on this server; try again when it has ended.")
    try:
        name = name_of(plan.request)
        write_download(plan, folder / name, progress=control.progress, cancel=control.cancelled)
        return f"{FOLDER}/{name}"
    finally:
        _RUNNING.release()


def name_of(request: DownloadRequest) -> str:
    """Return the name of the store of a request: letters, digits, dots and dashes."""
    box = "" if request.box is None else "-box" + "_".join(f"{edge:g}" for edge in request.box)
    spacing = "" if request.every_hours is None else f"-{request.every_hours}h"
    name = f"{request.source}-{request.start}-{request.days:g}d-{request.level_name}{box}{spacing}"
    return re.sub(r"[^A-Za-z0-9._-]", "", name)


def _folder() -> Path:
    folder = data_folder()
    if folder is None or not download_space():
        raise ad.UserError(
            "This server does not allow downloads; start it with --data and --allow-downloads."
        )
    return folder / FOLDER


def _size(folder: Path) -> int:
    """Size of what was downloaded before, interrupted downloads included [bytes]."""
    total = 0
    for base, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(base, name)).st_size
            except OSError:  # renamed meanwhile
                continue
    return total
