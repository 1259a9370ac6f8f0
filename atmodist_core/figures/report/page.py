"""A report as a single HTML file that needs no script, network or other file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from atmodist_core.figures.report.document import Report
from atmodist_core.figures.report.optional import needed

PIXELS_PER_INCH = 125
"""Size of figures on the page: their text is as large as the text around them."""

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True)
class Embedded:
    """A figure in the page: data URI and size [pixels]."""

    address: str
    width: int
    height: int


def page(report: Report, drawn: Mapping[tuple[str, str], bytes]) -> str:
    """Return the HTML of a report from the files of its figures by (name, format)."""
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
