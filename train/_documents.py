"""What the judging commands share: tables in a document between markers, see marked_tables."""

import sys
from collections.abc import Mapping
from pathlib import Path

from atmodist_core.common.errors import UserError


def require_document(path: Path | None) -> None:
    """Raise a UserError if a document is named that is not there: to be called before hours of work."""
    if path is not None and not path.is_file():
        raise UserError(f"Expected a document at --markdown {path}, found none.")


def fill_document(path: Path | None, tables: Mapping[str, str], command: str) -> None:
    """Replace the tables of a document, if one is named, and say which on standard error."""
    if path is None:
        return
    from atmodist_core.evaluation.results.marked_tables import write_tables

    replaced = write_tables(path, tables, command)
    print(f"replaced in {path}: {', '.join(replaced)}", file=sys.stderr)
