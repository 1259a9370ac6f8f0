"""Safetensors files with a checksum: written atomically, verified when read, never unpickled."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.errors import AtmodistWarning

_CHECKSUM = "sha256"


class DamagedFileError(Exception):
    """A tensor file cannot be read or fails its checksum; the message is the reason."""


def previous_path(path: Path) -> Path:
    """Return the name under which the file before the last one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], *, keep_previous: bool = True
) -> None:
    """Replace a file by these tensors and texts, and keep the file before it as ``*.previous.*``."""
    with replacing(path, previous=previous_path(path) if keep_previous else None) as temporary:
        save_tensors(temporary, tensors, metadata)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file with a checksum of its contents; a full disk raises OSError."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        save_file(plain, path, metadata={**metadata, _CHECKSUM: _checksum(plain, metadata)})
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), str(error), str(path)) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and texts of a file, verified where it holds a checksum, or raise DamagedFileError."""
    with _opened(path) as file:
        metadata = dict(file.metadata() or {})
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    checksum = metadata.pop(_CHECKSUM, None)
    if checksum not in (None, _checksum(tensors, metadata)):
        raise DamagedFileError("its contents do not match its checksum")
    return tensors, metadata


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a file's tensors from its header, or raise DamagedFileError."""
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise DamagedFileError(f"{type(error).__name__}: {error}") from error


def read_newest_intact(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the contents of a file, or with a warning those of the intact file before it.

    Raises FileNotFoundError where there is neither, DamagedFileError where neither is intact.
    """
    previous = previous_path(path)
    if not path.is_file() and not previous.is_file():
        raise FileNotFoundError(path)
    try:
        return read_tensors(path)
    except DamagedFileError as error:
        if not previous.is_file():
            raise
        contents = read_tensors(previous)
        # Without the file, a kill came between the two renames that replace it: nothing is damaged.
        if path.is_file():
            warnings.warn(
                f"The file {path} is damaged ({error}), so the one before it, {previous.name}, is used.",
                AtmodistWarning,
                stacklevel=3,
            )
        return contents


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 of names, types, shapes and bytes in the order of the names, then of the texts."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    digest.update(json.dumps(dict(metadata), sort_keys=True).encode())
    return digest.hexdigest()
