"""The errors that a user sees."""

import errno


class UserError(ValueError):
    """A mistake a user can mend: one sentence with what was expected, what was found and what to do."""


class Cancelled(Exception):  # noqa: N818 - it is an answer to the user's own request, not an error
    """Raised inside a long computation when the caller asked for it to stop."""


class AtmodistWarning(UserWarning):
    """Something a user should know about a result that was still computed: one sentence."""


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_PLACE = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


def disk_error_sentence(error: OSError) -> str | None:
    """Return what to do about an error of the file system; None for errors of other kinds."""
    where = error.filename or "the output folder"
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return (
            f"Expected room for {where}, found a full disk ({reason}); free some space and continue (--resume for a"
            " run), or choose another --out. What was written before is kept."
        )
    if error.errno in _REFUSED:
        return f"Expected access to {where}, found none ({reason}); change its permissions or choose another place."
    if error.errno in _NO_PLACE:
        return f"Expected a usable path, found {where} ({reason}); choose another."
    if error.errno == errno.EIO:
        return f"Expected a disk that works under {where}, found an error ({reason}); check the disk."
    return None
