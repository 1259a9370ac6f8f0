"""A report as one page: a single HTML file that needs no script, no network and no other file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from atmodist_core.figures.report.document import Report
from atmodist_core.figures.report.optional import needed

PIXELS_PER_INCH = 125
"""Of the page: at this size text in figures is as large as that around them."""

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True)
class Embedded:
    """A picture within the page: its data URI, and its size [pixels]."""

    address: str
    width: int
    height: int


def page(report: Report, drawn: Mapping[tuple[str, str], bytes]) -> str:
    """Write a report as one HTML file.

    Parameters
    ----------
    report : Report
    drawn : mapping of (str, str) to bytes
        By name of the figure and format: its file.

    Returns
    -------
    str

    Raises
    ------
    UserError
        If Jinja2 is not installed.
    """
    jinja2 = needed("jinja2")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        files("atmodist_core.figures.report").joinpath("page.html").read_text("utf-8")
    )
    pictures = {}
    for picture in report.pictures():
        width, height = picture.figure.get_size_inches()
        data = base64.b64encode(drawn[picture.name, picture.drawn_as]).decode("ascii")
        pictures[picture.name] = Embedded(
            f"data:{_TYPES[picture.drawn_as]};base64,{data}",
            round(width * PIXELS_PER_INCH),
            round(height * PIXELS_PER_INCH),
        )
    return str(template.render(report=report, numbers=report.numbers(), pictures=pictures)) + "\n"
