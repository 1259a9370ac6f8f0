"""One process at a time writes to a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from atmodist_core.common.errors import UserError

LOCK_NAME = "run.lock"


@contextlib.contextmanager
def exclusive_folder(folder: Path, lock: Path | None = None) -> Iterator[None]:
    """Keep other processes from writing to a folder while the block runs; refuse a folder that is in use.

    The operating system drops the lock when its process ends, however it ends, so a lock file left behind by
    a kill or a power cut does not count. The lock file is ``run.lock`` in the folder by default.
    """
    if os.environ.get("RANK", "0") != "0":  # torchrun starts several processes; the first one holds the lock
        yield
        return
    path = lock or folder / LOCK_NAME
    try:
        handle = try_lock(path)
        writer = path.read_text().strip() if handle is None else ""
    except OSError as error:
        raise UserError(
            f"Expected a folder that can be written for --out, found {folder} ({error.strerror}); choose"
            " another."
        ) from error
    if handle is None:
        raise UserError(
            f"Expected one process at a time to write to {folder}, found process {writer or 'of another user'}"
            " doing so; wait until it ends or choose another --out."
        )
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def try_lock(path: Path) -> int | None:
    """Return the open descriptor of a locked file, or None when another process has it; closing it unlocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
        except BlockingIOError:
            os.close(handle)
            return None
        # Its last holder removes the file: a lock on a removed one would exclude nobody.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock a descriptor; file systems without locks let everybody through."""
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise BlockingIOError from error
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a network file system without locks
        return
