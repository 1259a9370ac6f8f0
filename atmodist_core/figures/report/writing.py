"""Write the files of a report: page, PDF, figures and tables, either all or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from atmodist_core.common.errors import UserError
from atmodist_core.figures.report.document import Report
from atmodist_core.figures.report.optional import needed
from atmodist_core.figures.report.page import page
from atmodist_core.figures.report.print import printed
from atmodist_core.figures.style import FORMATS, figure_bytes

PAGE, PRINT = "report.html", "report.pdf"
OWN = {PAGE, PRINT, "figures", "tables"}
"""Entries of a report's folder."""

DPI = 160.0


def require_place(folder: Path) -> None:
    """Check that a report can be written to a folder.

    Raises ``UserError`` if its parent does not exist, it is a file, or it contains anything but an earlier report.
    """
    if not folder.resolve().parent.is_dir():
        raise UserError(
            f"Expected an existing folder for {folder.name}, found none at {folder.resolve().parent}."
        )
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"Expected a folder at --out {folder}, found a file; use another name.")
    others = sorted({entry.name for entry in folder.iterdir()} - OWN)
    if others:
        raise UserError(
            f"Expected a new folder or that of an earlier report at --out {folder}, found {others[0]!r} in it; use "
            f"another folder."
        )


def require_packages() -> None:
    """Raise :class:`UserError` unless the packages that reports need are installed."""
    for name in ("jinja2", "reportlab", "pypdf"):
        needed(name)


def draw(report: Report, progress: Callable[[str], None] = lambda _: None) -> dict[tuple[str, str], bytes]:
    """Return the files of all figures by name and format."""
    from matplotlib import rc_context

    drawn = {}
    # Without a salt, Matplotlib gives the parts of an SVG random names.
    with rc_context({"svg.hashsalt": "atmodist"}):
        for picture in report.pictures():
            progress(f"figure {picture.name}")
            for form in FORMATS:
                drawn[picture.name, form] = figure_bytes(picture.figure, form, dpi=DPI)
                # The layout takes longer than the drawing, so it is computed once.
                picture.figure.set_layout_engine("none")
    return drawn


def write_report(
    report: Report, folder: Path, progress: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Write page, PDF, figures and tables into a folder, and return the paths of page and PDF.

    All files are written to a temporary folder first, so that an earlier report stays complete after a failure.
    ``progress`` is called with the name of each step. Raises the errors of :func:`require_place` and
    :func:`require_packages`.
    """
    require_place(folder)
    require_packages()
    target = folder.resolve()
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        made = scratch / "new"
        (made / "figures").mkdir(parents=True)
        (made / "tables").mkdir()
        drawn = draw(report, progress)
        for (name, form), data in drawn.items():
            (made / "figures" / f"{name}.{form}").write_bytes(data)
        for table in report.tables():
            table.records.to_csv(made / "tables" / f"{table.name}.csv", index=False)
        progress("page and PDF")
        (made / PAGE).write_text(page(report, drawn), encoding="utf-8")
        (made / PRINT).write_bytes(printed(report, drawn))
        if target.exists():
            target.rename(scratch / "old")
        try:
            made.rename(target)
        except OSError:
            if (scratch / "old").exists():
                (scratch / "old").rename(target)
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [folder / PAGE, folder / PRINT]
