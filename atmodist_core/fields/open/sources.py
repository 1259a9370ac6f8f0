"""Sources: a path, a list, a pattern, a folder or a URL as a list of things to open."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atmodist_core.common.errors import UserError

NETCDF_SUFFIXES = (".nc", ".nc4", ".netcdf", ".cdf", ".h5", ".hdf5", ".he5")
GRIB_SUFFIXES = (".grib", ".grib1", ".grib2", ".grb", ".grb1", ".grb2", ".gb2")
_ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")
_SIDE_FILES = (".idx", ".md", ".txt", ".json", ".yaml", ".yml", ".py", ".log", ".csv", ".sha256", ".ipynb")


@dataclass(frozen=True)
class Source:
    """One thing to open.

    Parameters
    ----------
    kind : str
        "netcdf", "grib", "zip", "zarr", "zarr-zip", "coefficients" (a store written by this package) or
        "url".
    location : str
        Path or URL.
    label : str
        Name to show instead of the file's own.
    """

    kind: str
    location: str
    label: str = ""

    @property
    def name(self) -> str:
        """Short name, for sentences and the attribute ``source``."""
        return self.label or (self.location if self.kind == "url" else Path(self.location).name)


def resolve(path: Any, note: Callable[[str], None]) -> list[Source]:
    """List what a path stands for.

    Parameters
    ----------
    path : str, Path or sequence of these
        File, Zarr store, folder, pattern with * or ?, URL, or a list of these.
    note : callable
        Receives a sentence when files are passed over.

    Returns
    -------
    list of Source
        At least one.

    Raises
    ------
    UserError
        Nothing is there, or it is nothing that can be read.
    """
    if isinstance(path, (str, os.PathLike)):
        return _resolve_one(os.fspath(path), note)
    if isinstance(path, Sequence) and not isinstance(path, (bytes, bytearray)):
        if not path:
            raise UserError("Expected at least one file, found an empty list; give the paths of the files.")
        sources = [source for entry in path for source in resolve(entry, note)]
        repeated = {source.location for source in sources if sources.count(source) > 1}
        if repeated:
            raise UserError(
                f"Expected each file once, found {sorted(repeated)[0]} twice in the list; remove the copy."
            )
        return sources
    raise UserError(f"Expected a path, a list of paths or a URL, found {path!r}; give for example 'era5.nc'.")


def _resolve_one(text: Any, note: Callable[[str], None]) -> list[Source]:
    if not isinstance(text, str) or not text.strip():
        raise UserError(
            f"Expected the path of a file, store or folder, found {text!r}; give for example 'era5.nc'."
        )
    if "://" in text and not text.startswith("file://"):
        return [Source("url", text)]
    text = os.path.expanduser(text.removeprefix("file://"))
    if not os.path.exists(text) and glob.has_magic(text):
        matches = [match for match in sorted(glob.glob(text)) if not match.endswith(".idx")]
        if not matches:
            raise UserError(f"No file matches the pattern {text}; check the folder and the pattern.")
        return [source for match in matches for source in _resolve_one(match, note)]
    if not os.path.exists(text):
        raise UserError(f"There is no file or folder {text}; check the path{_nearest(text)}.")
    if os.path.isdir(text):
        return _folder(text, note)
    return [Source(_kind_of_file(text), text)]


def _folder(text: str, note: Callable[[str], None]) -> list[Source]:
    from atmodist_core.fields.open.coefficient_store import is_coefficient_store

    if is_coefficient_store(text):
        return [Source("coefficients", text)]
    if any(os.path.exists(os.path.join(text, name)) for name in _ZARR_FILES):
        return [Source("zarr", text)]
    sources, passed_over = [], []
    for child in sorted(os.listdir(text)):
        full = os.path.join(text, child)
        if child.startswith((".", "__")) or child.lower().endswith(_SIDE_FILES):
            continue
        if os.path.isdir(full):
            if any(os.path.exists(os.path.join(full, name)) for name in _ZARR_FILES):
                sources += _folder(full, note)
            continue
        if child.lower().endswith((*NETCDF_SUFFIXES, *GRIB_SUFFIXES, ".zip")):
            sources.append(Source(_kind_of_file(full), full))
        else:
            passed_over.append(child)
    if not sources:
        raise UserError(
            f"Expected netCDF, GRIB or Zarr data in the folder {text}, found {len(passed_over)} files of "
            "other kinds; give the folder that holds the data."
        )
    if passed_over:
        note(
            "passed over in the folder: "
            f"{', '.join(passed_over[:5])}{', ...' if len(passed_over) > 5 else ''}"
        )
    return sources


def _kind_of_file(path: str) -> str:
    """Tell the format of a file by its first bytes, not by its name."""
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UserError(
            f"The file {path} cannot be read ({error.strerror}); check its permissions."
        ) from error
    if not head:
        raise UserError(f"The file {path} is empty; download it again.")
    if head.startswith((b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")):
        return "netcdf"
    if b"GRIB" in head[:1024]:
        return "grib"
    if head.startswith(b"PK"):
        return "zip"
    what = _describe_other(head, path)
    raise UserError(f"Expected a netCDF, GRIB or Zarr file, found {what} in {path}; {_advice(head, path)}.")


def _describe_other(head: bytes, path: str) -> str:
    suffix = Path(path).suffix.lower()
    if head.startswith(b"\x93NUMPY"):
        return "a NumPy array"
    if head[:1] == b"\x80" or suffix in (".pkl", ".pickle", ".pt", ".pth"):
        return "a pickle"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip archive"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return "a picture"
    lowered = head[:512].lstrip().lower()
    if lowered.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page"
    if lowered.startswith(b"{") and b'"' in lowered:
        return "JSON text"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes of an unknown format"
    return "text"


def _advice(head: bytes, path: str) -> str:
    what = _describe_other(head, path)
    if what in ("a pickle", "a NumPy array"):
        return "save the data as netCDF with xarray (pickles are never loaded)"
    if what == "a gzip archive":
        return "unpack it first (gunzip, tar -x)"
    if what in ("a web page", "JSON text", "text"):
        return "the download may have failed: open it in an editor to see what the server said"
    return "convert it to netCDF first"


def _nearest(text: str) -> str:
    import difflib

    folder, name = os.path.split(os.path.abspath(text))
    if not os.path.isdir(folder):
        return ""
    matches = difflib.get_close_matches(name, os.listdir(folder), n=1, cutoff=0.7)
    return f" (did you mean {os.path.join(folder, matches[0])}?)" if matches else ""
