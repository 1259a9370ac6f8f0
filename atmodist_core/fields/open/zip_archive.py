"""ZIP files, as the Climate Data Store packs requests of several kinds of fields."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import zipfile
import zlib

from atmodist_core.common.errors import UserError

_LARGEST_UNPACKED = 64 * 2**30
"""Largest content that is unpacked into the temporary folder [bytes]."""

_unpacked: dict[tuple[str, int, int], tempfile.TemporaryDirectory[str]] = {}
_lock = threading.Lock()


def member_names(path: str) -> list[str]:
    """Return the names of the members of a ZIP file, sorted."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise UserError(
            f"The ZIP file {path} is damaged or incomplete ({error}); download it again."
        ) from error


def unpack(path: str, members: list[str]) -> list[str]:
    """Return the paths of unpacked members; they exist, and are reused, while this process runs."""
    if not members:
        raise UserError(
            f"Expected netCDF or GRIB files in the ZIP file {path}, found none among its "
            f"{len(member_names(path))} members; unpack it and give the data files."
        )
    status = os.stat(path)
    key = (os.path.abspath(path), status.st_mtime_ns, status.st_size)
    with _lock:
        if key not in _unpacked:
            _unpacked[key] = _extract(path, members)
        folder = _unpacked[key].name
    return [os.path.join(folder, f"{index}-{os.path.basename(name)}") for index, name in enumerate(members)]


def _extract(path: str, members: list[str]) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="atmodist-zip-")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(archive.getinfo(name).file_size for name in members)
            if size > _LARGEST_UNPACKED:
                raise UserError(
                    f"The ZIP file {path} unpacks to {size / 2**30:.0f} GiB; unpack it yourself and give the "
                    "folder."
                )
            for index, name in enumerate(members):
                # Only the last part of a member's name is used: an archive cannot write outside the folder.
                target = os.path.join(folder.name, f"{index}-{os.path.basename(name)}")
                with archive.open(name) as packed, open(target, "wb") as plain:
                    shutil.copyfileobj(packed, plain)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        folder.cleanup()
        raise UserError(
            f"The ZIP file {path} cannot be unpacked ({error}); unpack it yourself and give the folder."
        ) from error
    except UserError:
        folder.cleanup()
        raise
    return folder
