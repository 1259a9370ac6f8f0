"""A report on disk: page, PDF, figures and tables, all of them or none."""

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
"""What a report's folder holds."""

DPI = 160.0


def require_place(folder: Path) -> None:
    """Check, before hours or minutes of work, that a report can be written to a folder.

    Raises
    ------
    UserError
        If its parent does not exist, it is a file, or it holds anything but an earlier report.
    """
    if not folder.resolve().parent.is_dir():
        raise UserError(
            f"Expected an existing folder for {folder.name}, found none at {folder.resolve().parent}."
        )
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"Expected a folder at --out {folder}, found a file; choose another name.")
    others = sorted({entry.name for entry in folder.iterdir()} - OWN)
    if others:
        raise UserError(
            f"Expected a new folder or that of an earlier report at --out {folder}, found {others[0]!r} in it; choose "
            f"another folder."
        )


def require_packages() -> None:
    """Check that what writes reports is installed.

    Raises
    ------
    UserError
        If a package is missing.
    """
    for name in ("jinja2", "reportlab", "pypdf"):
        needed(name)


def draw(report: Report, progress: Callable[[str], None] = lambda _: None) -> dict[tuple[str, str], bytes]:
    """Every figure in every format, by its name and format."""
    from matplotlib import rc_context

    drawn = {}
    # Matplotlib names the parts of an SVG at random unless it is given a salt.
    with rc_context({"svg.hashsalt": "atmodist"}):
        for picture in report.pictures():
            progress(f"figure {picture.name}")
            for form in FORMATS:
                drawn[picture.name, form] = figure_bytes(picture.figure, form, dpi=DPI)
                # What has been laid out once stays as it is: the layout takes longer than the drawing.
                picture.figure.set_layout_engine("none")
    return drawn


def write_report(
    report: Report, folder: Path, progress: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Write page, PDF, figures and tables into a folder, in place of an earlier report.

    All is written to a folder beside it first, so that whatever happens an earlier report stays whole.

    Parameters
    ----------
    report : Report
    folder : pathlib.Path
        New, or that of an earlier report.
    progress : callable
        Is told what is being made.

    Returns
    -------
    list of pathlib.Path
        The page and the PDF.

    Raises
    ------
    UserError
        See :func:`require_place` and :func:`require_packages`.
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
