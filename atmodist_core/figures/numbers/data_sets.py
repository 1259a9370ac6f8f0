"""The data sets that can be chosen: the demo, and the files and stores of one folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import atmodist_core as ad

DEMO = "demo"
DATA_FOLDER_VARIABLE = "ATMODIST_DATA"
FILE_SUFFIXES = (".nc", ".nc4", ".netcdf", ".grib", ".grib1", ".grib2", ".grb", ".grb2")
STORE_MARKERS = ("zarr.json", ".zgroup", ".zmetadata")
EVALUATION_SUFFIX = ".evaluation.nc"
"""End of the name of a data set's own evaluation, which is no data set."""

MAXIMUM_DEPTH = 3
"""Folders below the data folder that are looked into."""

_COMPONENT = re.compile(
    r"^(?P<before>(?:.*[_.-])?)(?P<component>[uv]a?|[uv]as)(?P<after>(?:[_.-].*)?)$", re.IGNORECASE
)
"""Names of files with one component of the wind: ``..._u``, or ``ua_...`` and ``..._ua_...`` of climate models."""


@dataclass(frozen=True)
class Source:
    """A data set that can be chosen.

    ``key`` is its name in a link (``demo``, or the path relative to the data folder), ``label`` that on the page;
    ``paths`` is empty for the demo, and ``stamp`` changes when one of the files changes.
    """

    key: str
    label: str
    paths: tuple[Path, ...] = ()
    stamp: str = ""

    def open(self, level: str | None = None, fields: Sequence[str] | None = None) -> Any:
        """Open as the canonical dataset, or other ``fields`` of it, lazily; raises a UserError that says what is wrong with the file."""
        if not self.paths:
            return ad.open_demo()
        found: Any = [str(path) for path in self.paths]
        return ad.open_fields(
            found[0] if len(found) == 1 else found, level=_number_if_one(level), fields=fields
        )


def data_folder() -> Path | None:
    """Return the folder of the user's data (environment variable ``ATMODIST_DATA``); None if not set."""
    named = os.environ.get(DATA_FOLDER_VARIABLE, "").strip()
    return Path(named).expanduser().resolve() if named else None


def list_sources(folder: Path | None = None) -> list[Source]:
    """Return the demo, and then every file and store below a folder, by name.

    The folder is by default that of ``ATMODIST_DATA``. Two files whose names differ only in a last ``u`` and ``v`` make
    one data set. Links that lead out of the folder are left out. Raises ``UserError`` if it is not a folder.
    """
    sources = [Source(DEMO, "Demo atmosphere (simulated)")]
    folder = folder or data_folder()
    if folder is None:
        return sources
    if not folder.is_dir():
        raise ad.UserError(
            f"Expected a folder of data files in {DATA_FOLDER_VARIABLE}, found none named {folder.name}; start the "
            "app with 'make app DATA=<folder>' and a folder that exists."
        )
    files = _files_and_stores(folder, folder.resolve(), MAXIMUM_DEPTH)
    return sources + [_source(folder, group) for group in _join_components(files)]


def stamp_of(paths: Iterable[Path]) -> str:
    """Sizes and times of change of files; of a store, those of its folder and of its metadata."""
    parts = []
    for path in paths:
        for file in (path, *(path / marker for marker in STORE_MARKERS)) if path.is_dir() else (path,):
            try:
                found = file.stat()
            except OSError:
                continue
            parts.append(f"{found.st_size}-{found.st_mtime_ns}")
    return " ".join(parts)


def _number_if_one(level: str | None) -> Any:
    if not level:
        return None
    try:
        number = float(level)
    except ValueError:
        return level
    return int(number) if number.is_integer() else number


def _files_and_stores(folder: Path, root: Path, depth: int) -> list[Path]:
    found: list[Path] = []
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        path = folder / entry.name
        # Only links lead elsewhere; to resolve every path of a large folder would take long.
        if entry.name.startswith(".") or (entry.is_symlink() and not path.resolve().is_relative_to(root)):
            continue
        if entry.is_dir():
            if any((path / marker).is_file() for marker in STORE_MARKERS):
                found.append(path)
            elif depth > 1:
                found += _files_and_stores(path, root, depth - 1)
        elif path.suffix.lower() in FILE_SUFFIXES and not path.name.endswith(EVALUATION_SUFFIX):
            found.append(path)
    return found


def _join_components(paths: list[Path]) -> list[tuple[Path, ...]]:
    """Group the files with u and v of one data set; every other path stays alone."""
    groups: dict[tuple[Any, ...], list[Path]] = {}
    for path in paths:
        match = _COMPONENT.match(path.stem)
        joins = match is not None and not path.is_dir()
        key: tuple[Any, ...] = (path,)
        if match and joins:
            key = (path.parent, match["before"], match["component"][1:].lower(), match["after"], path.suffix)
        groups.setdefault(key, []).append(path)
    joined: list[tuple[Path, ...]] = []
    for group in groups.values():
        joined += [tuple(group)] if len(group) == 2 else [(path,) for path in group]
    return joined


def _source(folder: Path, paths: tuple[Path, ...]) -> Source:
    name = paths[0].relative_to(folder).as_posix()
    if len(paths) == 1:
        return Source(name, name, paths, stamp_of(paths))
    match = _COMPONENT.match(paths[0].stem)
    assert match is not None  # only such files are joined
    stem = (match["before"][:-1] + match["after"]).strip("_.-")
    kind = match["component"][1:].lower()
    label = paths[0].relative_to(folder).with_name(f"{stem} (u{kind}, v{kind})").as_posix()
    return Source(name, label, paths, stamp_of(paths))
