"""Checks of netCDF files that the libraries leave out: truncated netCDF-3, and links of HDF5 to other files."""

from __future__ import annotations

import math
import os
from typing import Any, BinaryIO

from atmodist_core.common.errors import UserError

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
"""Bytes of a value by ``nc_type``, of the classic format and of CDF-5."""


def refuse_truncated_netcdf3(path: str) -> None:
    """Refuse a netCDF-3 file that is shorter than its header says; the library would read zeros."""
    size = os.path.getsize(path)
    try:
        with open(path, "rb") as file:
            expected = _Header(file, size).end_of_data()
    except (EOFError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise UserError(
            f"Expected a readable netCDF file, but {path} is damaged or incomplete (its header cannot be "
            "read); download it again."
        ) from error
    if size < expected:
        raise UserError(
            f"Expected {expected:,} bytes of netCDF by the header of {path}, found {size:,}: the file is "
            "damaged or incomplete; download it again."
        )


class _Header:
    """The header of the classic format (NetCDF Users Guide, "File Format Specifications")."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        version = file.read(4)[3]
        self.count_bytes = 8 if version == 5 else 4
        self.offset_bytes = 4 if version == 1 else 8

    def end_of_data(self) -> int:
        """Smallest size of a complete file [bytes]."""
        records = self._integer(self.count_bytes)
        streaming = records == 2 ** (8 * self.count_bytes) - 1
        lengths = [self._dimension() for _ in range(self._list_length())]
        self._skip_attributes()
        ends, recorded = [self.file.tell()], []
        for _ in range(self._list_length()):
            self._skip_padded(self._integer(self.count_bytes))
            identifiers = [self._integer(self.count_bytes) for _ in range(self._count())]
            self._skip_attributes()
            item = _TYPE_BYTES[self._integer(4)]
            self._integer(self.count_bytes)  # vsize, which overflows for large variables
            begin = self._integer(self.offset_bytes)
            shape = [lengths[identifier] for identifier in identifiers]
            if shape and shape[0] == 0:
                recorded.append((begin, math.prod(shape[1:]) * item))
            else:
                ends.append(begin + math.prod(shape) * item)
        # Each record holds a slice of every record variable, padded to 4 bytes unless there is only one.
        record = sum(_padded(size) for _, size in recorded) if len(recorded) > 1 else 0
        record = record or sum(size for _, size in recorded)
        if records and not streaming:
            ends += [begin + (records - 1) * record + size for begin, size in recorded]
        return max(ends)

    def _integer(self, size: int) -> int:
        data = self.file.read(size)
        if len(data) < size:
            raise EOFError("the header ends early")
        return int.from_bytes(data, "big")

    def _count(self) -> int:
        count = self._integer(self.count_bytes)
        if count > self.size:
            raise ValueError("a list is longer than the file")
        return count

    def _list_length(self) -> int:
        self._integer(4)  # tag of the list
        return self._count()

    def _skip_padded(self, size: int) -> None:
        if size > self.size:
            raise ValueError("an entry is longer than the file")
        self.file.seek(_padded(size), 1)

    def _dimension(self) -> int:
        self._skip_padded(self._integer(self.count_bytes))
        return self._integer(self.count_bytes)

    def _skip_attributes(self) -> None:
        for _ in range(self._list_length()):
            self._skip_padded(self._integer(self.count_bytes))
            item = _TYPE_BYTES[self._integer(4)]
            self._skip_padded(self._count() * item)


def _padded(size: int) -> int:
    return -(-size // 4) * 4


def refuse_links_of_hdf5(file: Any, name: str) -> None:
    """Refuse external links, virtual datasets and external storage, which read other files."""
    import h5py

    def external_link(link: bytes, info: Any) -> bytes | None:
        return link if info.type == h5py.h5l.TYPE_EXTERNAL else None

    def external_data(link: str, item: Any) -> str | None:
        if not isinstance(item, h5py.Dataset):
            return None
        virtual = item.is_virtual and any(part.file_name != "." for part in item.virtual_sources())
        return link if virtual or item.external else None

    try:
        options = {"locking": False} if isinstance(file, str) else {}
        with h5py.File(file, "r", **options) as opened:
            link = opened.id.links.visit(external_link, info=True)
            found = link.decode(errors="replace") if link else opened.visititems(external_data)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"Expected a readable netCDF file, but {name} is damaged or incomplete "
            f"({str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}); download "
            "it again."
        ) from error
    if found:
        raise UserError(
            f"Expected all data in the file {name} itself, found that '{found}' refers to another file, which "
            "is not followed; write one complete file (h5repack, or xarray's to_netcdf)."
        )
