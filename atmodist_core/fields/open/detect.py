"""Format detection: files by their first bytes, folders by their files, URLs by their ending; and readers."""

from __future__ import annotations

import difflib
import glob
import json
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import xarray as xr

from atmodist_core.common.errors import UserError

Note = Callable[[str], None]
"""Receives a sentence for the notes of the dataset."""

READERS = {
    "netcdf": "netcdf.open_netcdf",
    "grib": "grib.open_grib",
    "zarr": "zarr_store.open_zarr_folder",
    "zarr in zip": "zarr_store.open_zarr_zip",
    "remote netcdf": "remote.open_remote_netcdf",
    "remote zarr": "remote.open_remote_zarr",
    "coefficients": "coefficient_store.open_coefficient_store",
}
"""Module and function that open each format; all but the last are called with a location and `Note`, and
return a list of datasets. A module is imported when its format is met."""

COEFFICIENT_FORMAT = "atmodist-coefficients-1"
"""Attribute ``format`` of the stores that this package writes."""

NETCDF_SUFFIXES = (".nc", ".nc4", ".netcdf", ".cdf", ".h5", ".hdf5", ".he5")
GRIB_SUFFIXES = (".grib", ".grib1", ".grib2", ".grb", ".grb1", ".grb2", ".gb2")
_DATA_SUFFIXES = (*NETCDF_SUFFIXES, *GRIB_SUFFIXES, ".zip")
_SIDE_SUFFIXES = (".idx", ".md", ".txt", ".json", ".yaml", ".yml", ".py", ".log", ".csv", ".sha256", ".ipynb")
_ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")
_ZARR_GROUP_FILES = {"zarr.json", ".zgroup", ".zmetadata"}

_SIGNATURES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("netcdf", lambda head: head.startswith((b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05"))),
    ("grib", lambda head: b"GRIB" in head[:1024]),
    ("zip", lambda head: head.startswith(b"PK")),
)
"""Formats of files by their first bytes."""

_FAILED = "the download may have failed: open it in an editor to see what the server answered"
_SAVE = "save the data as netCDF with xarray (pickles are never loaded)"
_CONVERT = "convert it to netCDF first"
_OTHER_SIGNATURES: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    ((b"\x93NUMPY",), "a NumPy array", _SAVE),
    ((b"\x80",), "a pickle", _SAVE),
    ((b"\x1f\x8b",), "a gzip archive", "unpack it first (gunzip, tar -x)"),
    ((b"\x89PNG", b"\xff\xd8\xff"), "a picture", _CONVERT),
    ((b"<!doctype", b"<html", b"<?xml"), "a web page", _FAILED),
    ((b'{"', b"{\n", b"{ "), "JSON text", _FAILED),
)
"""What other files start with (text in lower case), what they are, and what to do about it."""

_SPECIAL_FILES = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True)
class Source:
    """One thing to open: its format (a key of `READERS`), its path or URL, and the name for messages."""

    format: str
    location: str
    name: str

    @property
    def reader(self) -> Callable[..., Any]:
        """The function that opens it."""
        module, function = READERS[self.format].split(".")
        return getattr(import_module(f"atmodist_core.fields.open.{module}"), function)

    def open(self, note: Note, more: Collection[str] = ()) -> list[xr.Dataset]:
        """Open it; only metadata and coordinates are read. ``more`` are short names of GRIB to read besides the wind."""
        if self.format == "grib" and more:
            return self.reader(self.location, note, more)
        return self.reader(self.location, note)


def detect(path: Any, note: Note) -> list[Source]:
    """Return the sources, at least one, of a path, pattern with * or ?, folder, URL, or list of these.

    `note` receives a sentence when files are left out or unpacked; what cannot be read is refused.
    """
    if isinstance(path, (str, os.PathLike)):
        return list(_detect_one(os.fspath(path), note))
    if isinstance(path, Sequence) and not isinstance(path, (bytes, bytearray)):
        if not path:
            raise UserError("Expected at least one file, found an empty list; give the paths of the files.")
        sources = [source for entry in path for source in detect(entry, note)]
        locations = [source.location for source in sources]
        if repeated := sorted({location for location in locations if locations.count(location) > 1}):
            raise UserError(
                f"Expected each file once, found {repeated[0]} twice in the list; remove the copy."
            )
        return sources
    raise UserError(f"Expected a path, a list of paths or a URL, found {path!r}; give for example 'era5.nc'.")


def is_coefficient_store(path: str | Path) -> bool:
    """Return whether a folder is a store of coefficients that this package wrote."""
    file = Path(path) / "zarr.json"
    try:
        metadata = json.loads(file.read_text()) if file.is_file() else None
    except (OSError, ValueError):
        return False
    attributes = metadata.get("attributes") if isinstance(metadata, dict) else None
    return isinstance(attributes, dict) and attributes.get("format") == COEFFICIENT_FORMAT


def _detect_one(text: Any, note: Note) -> Iterator[Source]:
    if not isinstance(text, str) or not text.strip():
        raise UserError(
            f"Expected the path of a file, store or folder, found {text!r}; give for example 'era5.nc'."
        )
    if "://" in text and not text.startswith("file://"):
        yield Source(_format_of_url(text), text, text)
        return
    text = os.path.expanduser(text.removeprefix("file://"))
    if "\0" in text:
        raise UserError(f"Expected the path of a file, found {text!r} with a null character; correct it.")
    if os.path.isdir(text):
        yield from _detect_folder(text, note)
    elif os.path.exists(text):
        yield from _detect_file(text, note)
    elif glob.has_magic(text):
        matches = [match for match in sorted(glob.glob(text)) if not match.endswith(".idx")]
        if not matches:
            raise UserError(f"No file matches the pattern {text}; check the folder and the pattern.")
        for match in matches:
            yield from _detect_one(match, note)
    else:
        raise UserError(f"There is no file or folder {text}; check the path{_similar_name(text)}.")


def _detect_folder(folder: str, note: Note) -> Iterator[Source]:
    """Sources of a folder: the store that it is, or the files and stores in it."""
    if is_coefficient_store(folder):
        yield Source("coefficients", folder, Path(folder).name)
        return
    if _is_zarr(folder):
        yield Source("zarr", folder, Path(folder).name)
        return
    count, left_out = 0, []
    for child in sorted(os.listdir(folder)):
        path = os.path.join(folder, child)
        if child.startswith((".", "__")) or child.lower().endswith(_SIDE_SUFFIXES):
            continue
        is_folder = os.path.isdir(path)
        if is_folder and not _is_zarr(path):
            continue
        if not is_folder and not child.lower().endswith(_DATA_SUFFIXES):
            left_out.append(child)
            continue
        refuse_link_out(path, folder)
        for source in _detect_folder(path, note) if is_folder else _detect_file(path, note):
            count += 1
            yield source
    if not count:
        raise UserError(
            f"Expected netCDF, GRIB or Zarr data in the folder {folder}, found {len(left_out)} files of "
            "other kinds; give the folder that holds the data."
        )
    if left_out:
        note(
            f"files of other kinds in the folder were left out: {', '.join(left_out[:5])}"
            f"{', ...' if len(left_out) > 5 else ''}"
        )


def _detect_file(path: str, note: Note) -> Iterator[Source]:
    head = _first_bytes(path)
    found = next((name for name, matches in _SIGNATURES if matches(head)), None)
    name = Path(path).name
    if found is None:
        what, advice = _describe_other(head, path)
        raise UserError(f"Expected a netCDF, GRIB or Zarr file, found {what} in {path}; {advice}.")
    if found != "zip":
        yield Source(found, path, name)
        return
    from atmodist_core.fields.open.zip_archive import member_names, unpack

    members = member_names(path)
    if _ZARR_GROUP_FILES & set(members):
        yield Source("zarr in zip", path, name)
        return
    unpacked = unpack(path, [name for name in members if name.lower().endswith(_DATA_SUFFIXES[:-1])])
    note(f"the ZIP file {name} was unpacked to a temporary folder")
    for member in unpacked:
        for source in _detect_file(member, note):
            yield Source(source.format, source.location, f"{name}/{source.name.split('-', 1)[1]}")


def _format_of_url(url: str) -> str:
    """Format of a remote source, by the ending of its address: reading its first bytes takes a request."""
    path = urlsplit(url).path.rstrip("/").lower() or urlsplit(url).netloc.lower()
    if path.endswith((*GRIB_SUFFIXES, ".zip")):
        raise UserError(
            f"Expected a Zarr store or netCDF-4 file at {url}, found a {path.rsplit('.', 1)[-1]} file by its "
            "name; download it and open the local copy."
        )
    return "remote netcdf" if path.endswith(NETCDF_SUFFIXES) else "remote zarr"


def _is_zarr(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, name)) for name in _ZARR_FILES)


def _first_bytes(path: str) -> bytes:
    """First bytes of a regular file; pipes, sockets and devices would block or never end."""
    try:
        mode = os.stat(path).st_mode
        special = next((what for test, what in _SPECIAL_FILES if test(mode)), None)
        if special is not None:
            raise UserError(f"Expected a data file, found {special} at {path}; give a regular file.")
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UserError(
            f"The file {path} cannot be read ({error.strerror}); check its permissions."
        ) from error
    if not head:
        raise UserError(f"The file {path} is empty; download it again.")
    return head


def refuse_link_out(path: str, folder: str) -> None:
    """Refuse a symbolic link that leads out of the folder that was opened, so that data stay in it."""
    target, root = os.path.realpath(path), os.path.realpath(folder)
    if target != root and not target.startswith(os.path.join(root, "")):
        raise UserError(
            f"Expected data inside the folder {folder}, found the link {os.path.relpath(path, folder)} that "
            "leads out of it; copy the file into the folder, or give its own path."
        )


def _describe_other(head: bytes, path: str) -> tuple[str, str]:
    """What a file of another kind is, and what to do about it."""
    lowered = head[:512].lstrip().lower()
    for signatures, what, advice in _OTHER_SIGNATURES:
        if head.startswith(signatures) or lowered.startswith(signatures):
            return what, advice
    if Path(path).suffix.lower() in (".pkl", ".pickle", ".pt", ".pth"):
        return "a pickle", _SAVE
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes of an unknown format", _CONVERT
    return "text", _FAILED


def _similar_name(text: str) -> str:
    folder, name = os.path.split(os.path.abspath(text))
    if not os.path.isdir(folder):
        return ""
    matches = difflib.get_close_matches(name, os.listdir(folder), n=1, cutoff=0.7)
    return f" (did you mean {os.path.join(folder, matches[0])}?)" if matches else ""
