"""Tables inside a Markdown document, between markers that name them and the command that makes them.

A table is written as::

    <!-- begin table NAME: command -->
    ...
    <!-- end -->

and whatever stands between the two lines is replaced when the command is run again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from atmodist_core.common.errors import UserError

_BEGIN = re.compile(r"<!-- begin table (?P<name>[\w.-]+)(?::[^\n]*)? -->\n")
END = "<!-- end -->"
"""The line after a table."""


def replace_tables(text: str, tables: Mapping[str, str], command: str) -> tuple[str, list[str]]:
    r"""Put Markdown tables by name between their markers, and return the new text and the names found.

    ``command`` is written into the first marker. Raises ``UserError`` if a table begins twice or has no end.

    Examples
    --------
    >>> text = "<!-- begin table a: x -->\nold\n<!-- end -->\n"
    >>> print(replace_tables(text, {"a": "new"}, "make a")[0], end="")
    <!-- begin table a: make a -->
    new
    <!-- end -->
    """
    replaced: list[str] = []
    position, parts = 0, []
    for begin in _BEGIN.finditer(text):
        name = begin["name"]
        if name not in tables:
            continue
        end = text.find(END, begin.end())
        following = _BEGIN.search(text, begin.end())
        if end < 0 or (following is not None and following.start() < end) or name in replaced:
            raise UserError(
                f"Expected the table {name} once, from '<!-- begin table {name}: ... -->' to '{END}', found it otherwise; "
                "mend the markers."
            )
        parts += [text[position : begin.start()], f"<!-- begin table {name}: {command} -->\n"]
        parts.append(tables[name].rstrip("\n") + "\n")
        position = end
        replaced.append(name)
    return "".join([*parts, text[position:]]), replaced


def write_tables(document: Path, tables: Mapping[str, str], command: str) -> list[str]:
    """Replace tables in a document on disk in one step, and return their names.

    Raises ``UserError`` if there is no such document or none of the tables is marked in it.
    """
    try:
        text = document.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"Expected a Markdown document at {document}, found none ({error}).") from error
    new, replaced = replace_tables(text, tables, command)
    if not replaced:
        name = next(iter(tables))
        raise UserError(
            f"Expected in {document} a marked table among {', '.join(tables)}, found none; write two lines "
            f"'<!-- begin table {name}: command -->' and '{END}' where it shall stand."
        )
    scratch = document.with_name(f".{document.name}.{os.getpid()}")
    scratch.write_text(new, encoding="utf-8")
    scratch.replace(document)
    return replaced
