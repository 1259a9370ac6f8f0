"""Legendre tables on disk: plain safetensors files in the user's cache folder.

Files are written under a temporary name and then renamed, so that a reader never sees half of one; the oldest
go when they fill more than :data:`LIMIT_BYTES`. What goes wrong here costs time only: tables are built again.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

_log = logging.getLogger(__name__)
_FORMAT = "1"
"""Change when the content of the tables changes, so that old files are not taken for new ones."""

SMALLEST_BYTES = 8 << 20
"""Smaller tables are built faster than they are worth keeping."""

LIMIT_BYTES = 2 << 30
"""Space for all tables together."""


def cache_folder() -> Path:
    """Folder for what can be computed again: ``$ATMODIST_CACHE`` or the system's place for caches.

    Returns
    -------
    Path
        The folder, which need not exist.
    """
    named = os.environ.get("ATMODIST_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "atmodist"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "atmodist" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "atmodist"


def load_tables(key: str) -> dict[str, Tensor] | None:
    """Tables kept under a key, or None.

    Parameters
    ----------
    key : str
        Name of the file, without extension.

    Returns
    -------
    dict of str to Tensor, or None
        The tables, on the CPU.
    """
    path = cache_folder() / f"{key}.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") != _FORMAT:
                return None
        # Copies: a table of the file starts where the file has it, and last bits of products can depend on that, so that a transform would
        # give others in the first process, which built the tables, than in later ones.
        tables = {name: table.clone() for name, table in load_file(path).items()}
        os.utime(path)  # the oldest files are those not used for longest
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError) as error:
        _log.warning("The cached tables %s cannot be read (%s): building them again.", path, error)
        return None
    return tables


def save_tables(key: str, tables: dict[str, Tensor]) -> None:
    """Keep tables under a key, if they are large enough to be worth it.

    Parameters
    ----------
    key : str
        Name of the file, without extension.
    tables : dict of str to Tensor
        Contiguous tensors on the CPU.
    """
    size = sum(table.numel() * table.element_size() for table in tables.values())
    if not SMALLEST_BYTES <= size <= LIMIT_BYTES:
        return
    folder = cache_folder()
    temporary: str | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{key}-", suffix=".partial", dir=folder)
        os.close(handle)
        save_file(tables, temporary, metadata={"format": _FORMAT})
        os.replace(temporary, folder / f"{key}.safetensors")
        _remove_oldest(folder)
    except (OSError, SafetensorError) as error:
        _log.info("The tables could not be cached in %s: %s", folder, error)
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _remove_oldest(folder: Path) -> None:
    files = sorted(folder.glob("legendre-*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > LIMIT_BYTES:
            path.unlink(missing_ok=True)
