"""Legendre tables of a transform, kept as safetensors files in the user's cache folder.

A file is renamed when complete, so that no reader sees half of it. The least recently used are removed when all
fill more than :data:`LIMIT_BYTES`. The tables of an unreadable file are computed again.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from atmodist_core.harmonics.blocks import CombinedBlock, OrderBlock, Pair, StoredBlock
from atmodist_core.harmonics.legendre import legendre_functions, wind_factors

_log = logging.getLogger(__name__)

STORED_BYTES_LIMIT = 128 << 20
"""Wind tables are stored up to this size; larger ones are combined from the Legendre functions."""

_NUMPY_TYPE = {torch.float32: np.float32, torch.float64: np.float64}
_TINY = {torch.float32: 1e-18, torch.float64: 1e-40}
"""Smaller entries affect no result; as denormal numbers they would slow down every product."""


def build_blocks(
    colatitudes: NDArray[np.float64],
    truncation: int,
    *,
    name: str,
    dtype: torch.dtype,
    device: torch.device,
    stored: bool | None = None,
) -> list[OrderBlock]:
    """Return the tables of the northern rows (equator included) for all orders, from the cache if possible.

    Equal names, the cache keys, must mean equal colatitudes [rad]. Wind tables are ``stored`` by default if small.
    """
    if stored is None:
        numbers = (truncation + 1) * (truncation + 2) // 2 * len(colatitudes)
        stored = 3 * numbers * dtype.itemsize <= STORED_BYTES_LIMIT
    # Wider blocks mean fewer and larger products, but more padding above the truncation.
    width = 64 if device.type != "cpu" else 32
    ranges = [(first, min(first + width, truncation + 1)) for first in range(0, truncation + 1, width)]
    kind = "wind" if stored else "scalar"
    key = f"legendre-{name}-t{truncation}-{str(dtype).removeprefix('torch.')}-{kind}-{width}"
    tables = load_tables(key)
    if tables is None or not _fit(tables, ranges, truncation, len(colatitudes), dtype, stored):
        tables = {}
        for first, last in ranges:
            for number, pair in enumerate(_block(colatitudes, truncation, first, last, dtype, stored)):
                tables[f"{first}-{number}-even"], tables[f"{first}-{number}-odd"] = pair
        save_tables(key, tables)
    blocks: list[OrderBlock] = []
    for first, last in ranges:
        pairs = [
            (tables.pop(f"{first}-{number}-even").to(device), tables.pop(f"{first}-{number}-odd").to(device))
            for number in range(3 if stored else 1)
        ]
        first_row = len(colatitudes) - pairs[0][0].shape[-1]
        if stored:
            blocks.append(StoredBlock(first, last, first_row, *pairs))
        else:
            factors = wind_factors(truncation, first, last)
            blocks.append(CombinedBlock(first, last, first_row, pairs[0], factors))
    return blocks


def _fit(
    tables: dict[str, Tensor],
    ranges: list[tuple[int, int]],
    truncation: int,
    rows: int,
    dtype: torch.dtype,
    stored: bool,
) -> bool:
    """Return whether tables from the cache have the expected names, sizes and type."""
    expected = {}
    for first, last in ranges:
        # Without wind tables, each block has one more order on either side, and so one more degree.
        orders, degrees = last - first + 2 * (not stored), truncation + 1 - first + (not stored)
        for number in range(3 if stored else 1):
            expected[f"{first}-{number}-even"] = (orders, (degrees + 1) // 2)
            expected[f"{first}-{number}-odd"] = (orders, degrees // 2)
    if {name: tuple(table.shape[:2]) for name, table in tables.items()} != expected:
        return False
    return all(table.dtype == dtype and 0 < table.shape[2] <= rows for table in tables.values())


def _block(
    colatitudes: NDArray[np.float64], truncation: int, first: int, last: int, dtype: torch.dtype, stored: bool
) -> list[Pair]:
    """Compute the tables of one block in ``dtype`` on the CPU."""
    working = torch.float64 if stored else dtype
    even, odd = legendre_functions(
        colatitudes, truncation, first - 1, last + 1, dtype=_NUMPY_TYPE[working], tiny=_TINY[dtype]
    )
    pairs: list[Pair] = [(torch.from_numpy(even), torch.from_numpy(odd))]
    if stored:
        neighbours = CombinedBlock(first, last, 0, pairs[0], wind_factors(truncation, first, last))
        pairs = [neighbours.scalar, *neighbours.wind_tables()]
    used = torch.stack([(table.abs() >= _TINY[dtype]).any(0).any(0) for pair in pairs for table in pair]).any(
        0
    )
    first_row = int(used.int().argmax())
    # Skipping rows costs a copy in the synthesis of a small table: only worth it when many are skipped.
    first_row = first_row // 8 * 8 if not stored or first_row > len(colatitudes) // 4 else 0

    def cut(table: Tensor) -> Tensor:
        table = table[:, :, first_row:]
        if stored:
            table = torch.where(table.abs() < _TINY[dtype], 0.0, table)
        return table.to(dtype).contiguous()

    return [(cut(pair[0]), cut(pair[1])) for pair in pairs]


_FORMAT = "1"
"""Increase when the content of the tables changes, so that old files are ignored."""

SMALLEST_BYTES = 8 << 20
"""Smaller tables are not kept: computing them is fast."""

LIMIT_BYTES = 2 << 30
"""Disk space for all tables together."""


def cache_folder() -> Path:
    """Return ``$ATMODIST_CACHE`` or the system's folder for caches; it need not exist."""
    named = os.environ.get("ATMODIST_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "atmodist"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "atmodist" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "atmodist"


def load_tables(key: str) -> dict[str, Tensor] | None:
    """Return the tables kept under a key (file name without extension) on the CPU, or None."""
    path = cache_folder() / f"{key}.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") != _FORMAT:
                return None
        # Copies, because the last bits of products can depend on the alignment of a table in memory, and a later
        # process must give the same bits as the one that computed the tables.
        tables = {name: table.clone() for name, table in load_file(path).items()}
        os.utime(path)  # the least recently used files are removed first
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError) as error:
        _log.warning("The cached tables %s cannot be read (%s): building them again.", path, error)
        return None
    return tables


def save_tables(key: str, tables: dict[str, Tensor]) -> None:
    """Keep contiguous CPU tables under a key if their size is within the limits."""
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
