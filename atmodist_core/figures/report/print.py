"""A report as PDF: text, tables and vector figures on numbered A4 pages with an outline.

ReportLab sets the text in the DejaVu fonts that come with Matplotlib, because the built-in PDF fonts lack superscripts
and other symbols. It leaves space for each figure, and pypdf then places the page of the figure's own PDF there, so
that figures remain vector graphics with selectable text.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from atmodist_core.figures.report.document import (
    Block,
    Bullets,
    Code,
    Links,
    Paragraph,
    Picture,
    Report,
    Subheading,
    Table,
)
from atmodist_core.figures.report.optional import needed

MARGIN_PT = 46.0
BODY_PT = 9.0
TABLE_PT = 6.6
FACES = {"Text": "DejaVuSans.ttf", "Text-Bold": "DejaVuSans-Bold.ttf", "Code": "DejaVuSansMono.ttf"}
_TALLEST_FIGURE = 0.8
"""Largest share of a page's height for a figure, which leaves space for its caption."""


def printed(report: Report, drawn: Mapping[tuple[str, str], bytes]) -> bytes:
    """Return the PDF of a report from the PDF files of its figures; the same report gives the same bytes."""
    pypdf = needed("pypdf")
    room: dict[str, tuple[int, float, float, float]] = {}
    text = _set_text(report, room)
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(text))
    for name, (number, x, y, width) in room.items():
        figure = pypdf.PdfReader(io.BytesIO(drawn[name, "pdf"])).pages[0]
        _lay(writer, writer.pages[number - 1], figure, name, (x, y, width))
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _lay(writer: Any, sheet: Any, figure: Any, name: str, place: tuple[float, float, float]) -> None:
    """Place a page into a part (left, bottom, width [pt]) of another one as a form, which need not be parsed."""
    generic = needed("pypdf.generic")
    word, real = generic.NameObject, generic.FloatObject
    x, y, width = place
    form = generic.DecodedStreamObject()
    form.set_data(figure["/Contents"].get_object().get_data())
    form.update(
        {
            word("/Type"): word("/XObject"),
            word("/Subtype"): word("/Form"),
            word("/BBox"): generic.ArrayObject([real(part) for part in figure.mediabox]),
            word("/Resources"): figure["/Resources"].get_object().clone(writer),
        }
    )
    if "/Group" in figure:  # how its transparent bands are blended
        form[word("/Group")] = figure["/Group"].get_object().clone(writer)
    resources = sheet["/Resources"].get_object()
    forms = resources.setdefault(word("/XObject"), generic.DictionaryObject()).get_object()
    forms[word(f"/figure-{name}")] = writer._add_object(form.flate_encode())
    scale = width / float(figure.mediabox.width)
    drawing = generic.DecodedStreamObject()
    drawing.set_data(
        f"q {scale:.5f} 0 0 {scale:.5f} {x:.3f} {y:.3f} cm /figure-{name} Do Q\n".encode("ascii")
    )
    contents = sheet.raw_get("/Contents")
    parts = [*contents.get_object()] if isinstance(contents.get_object(), generic.ArrayObject) else [contents]
    sheet[word("/Contents")] = generic.ArrayObject([*parts, writer._add_object(drawing)])


def _set_text(report: Report, room: dict[str, tuple[int, float, float, float]]) -> bytes:
    """Return a PDF without figures and store their places in ``room``: page, left, bottom, width [pt]."""
    pagesizes, platypus = needed("reportlab.lib.pagesizes"), needed("reportlab.platypus")
    _register_faces()
    width, height = pagesizes.A4
    inner = width - 2 * MARGIN_PT

    class Document(platypus.BaseDocTemplate):  # type: ignore[misc, name-defined]
        """Adds headings and figures to the outline and the table of contents."""

        def afterFlowable(self, flowable: Any) -> None:  # noqa: N802 - ReportLab calls it by this name
            entry = getattr(flowable, "outline", None)
            if entry is not None:
                level, words, key = entry
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(words, key, level=level, closed=level > 0)
                if level == 0:
                    self.notify("TOCEntry", (0, escape(words), self.page, key))

    def footer(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Text", 7.5)
        canvas.drawString(MARGIN_PT, 0.55 * MARGIN_PT, report.title[:90])
        canvas.drawRightString(width - MARGIN_PT, 0.55 * MARGIN_PT, str(document.page))
        canvas.restoreState()

    frame = platypus.Frame(MARGIN_PT, MARGIN_PT, inner, height - 2 * MARGIN_PT, 0, 0, 0, 0)
    buffer = io.BytesIO()
    document = Document(
        buffer, pagesize=pagesizes.A4, title=report.title, author="AtmoDist Studio", invariant=1, lang="en"
    )
    document.addPageTemplates([platypus.PageTemplate(id="page", frames=[frame], onPage=footer)])
    document.multiBuild(
        _Layout(report.numbers(), _styles(), inner, height - 2 * MARGIN_PT, room).story(report)
    )
    return buffer.getvalue()


def _register_faces() -> None:
    from matplotlib import get_data_path

    metrics, ttf = needed("reportlab.pdfbase.pdfmetrics"), needed("reportlab.pdfbase.ttfonts")
    folder = Path(get_data_path()) / "fonts" / "ttf"
    for face, file in FACES.items():
        # Registered for every document, because a font keeps the letters that an earlier document used.
        metrics.registerFont(ttf.TTFont(face, str(folder / file)))
    metrics.registerFontFamily("Text", normal="Text", bold="Text-Bold", italic="Text", boldItalic="Text-Bold")


def _styles() -> dict[str, Any]:
    style = needed("reportlab.lib.styles").ParagraphStyle
    body = style("body", fontName="Text", fontSize=BODY_PT, leading=1.42 * BODY_PT, spaceAfter=5)
    bold = {"fontName": "Text-Bold", "keepWithNext": 1}
    cell = style("cell", body, fontSize=TABLE_PT, leading=1.25 * TABLE_PT, spaceAfter=0)
    return {
        "body": body,
        "bullet": style("bullet", body, bulletFontName="Text", leftIndent=11, bulletIndent=1, spaceAfter=3),
        "title": style("title", body, fontSize=18, leading=22, spaceAfter=4, **bold),
        "section": style("section", body, fontSize=13.5, leading=17, spaceBefore=16, spaceAfter=6, **bold),
        "subheading": style(
            "subheading", body, fontSize=10.5, leading=13, spaceBefore=9, spaceAfter=4, **bold
        ),
        "caption": style("caption", body, fontSize=7.6, leading=10, spaceBefore=3, spaceAfter=10),
        "head": style("head", body, fontSize=7.6, leading=10, spaceBefore=8, spaceAfter=3, keepWithNext=1),
        "cell": cell,
        "column": style("column", cell, fontName="Text-Bold"),
        "code": style(
            "code", body, fontName="Code", fontSize=7.5, leading=10, leftIndent=8, splitLongWords=1
        ),
        "contents": style("contents", body, spaceAfter=1),
    }


@dataclass(frozen=True)
class _Layout:
    """Makes ReportLab's elements of a report for pages with an inner size [pt]; figures note their places in ``room``."""

    numbers: Mapping[str, str]
    styles: dict[str, Any]
    width: float
    height: float
    room: dict[str, tuple[int, float, float, float]]

    def paragraph(self, text: str, style: str, **options: Any) -> Any:
        return needed("reportlab.platypus").Paragraph(text, self.styles[style], **options)

    def story(self, report: Report) -> list[Any]:
        platypus = needed("reportlab.platypus")
        contents = needed("reportlab.platypus.tableofcontents").TableOfContents(
            levelStyles=[self.styles["contents"]], dotsMinLevel=0
        )
        story = [
            self.paragraph(escape(report.title), "title"),
            self.paragraph(escape(report.subtitle), "body"),
            self.paragraph("Contents", "subheading"),
            contents,
        ]
        for section in report.sections:
            heading = self.paragraph(escape(section.title), "section")
            heading.outline = (0, section.title, f"section-{section.identifier}")
            for place, block in enumerate(section.blocks):
                made = self.block(block)
                made = [heading, *made] if place == 0 else made
                # A figure, its caption and a heading directly above it stay on one page.
                story += [platypus.KeepTogether(made)] if isinstance(block, Picture) else made
            if section.not_shown:
                story += self.not_shown(section.not_shown)
        return story

    def bullets(self, items: Iterable[str]) -> list[Any]:
        return [self.paragraph(item, "bullet", bulletText="•") for item in items]

    def not_shown(self, items: Sequence[str]) -> list[Any]:
        platypus, colors = needed("reportlab.platypus"), needed("reportlab.lib.colors")
        title = self.paragraph("What this does not show", "subheading")
        box = platypus.Table([[[title, *self.bullets(map(escape, items))]]], colWidths=[self.width])
        box.setStyle(
            platypus.TableStyle(
                [
                    ("BACKGROUND", (0, 0), (-1, -1), colors.HexColor("#f4f6f9")),
                    ("LINEBEFORE", (0, 0), (0, -1), 3, colors.HexColor("#c77700")),
                ]
            )
        )
        return [platypus.Spacer(1, 6), box]

    def block(self, block: Block) -> list[Any]:
        if isinstance(block, Bullets):
            return self.bullets(map(escape, block.items))
        if isinstance(block, Links):
            return self.bullets(
                f'{escape(text)} <link href="{escape(address)}" color="#1d5f8a">{escape(address)}</link>'
                for text, address in block.items
            )
        if isinstance(block, Paragraph | Subheading | Code):
            style = {Paragraph: "body", Subheading: "subheading", Code: "code"}[type(block)]
            return [self.paragraph(escape(block.text), style)]
        label = f"<b>{self.numbers[block.name]}. {escape(block.title)}.</b> {escape(block.definition)}"
        if isinstance(block, Picture):
            return [self.room_for(block), self.paragraph(label, "caption")]
        return [self.paragraph(label, "head"), self.table(block), needed("reportlab.platypus").Spacer(1, 8)]

    def room_for(self, picture: Picture) -> Any:
        """Return empty space of the size of a figure that stores its place when it is drawn."""
        wide, high = (72.0 * float(size) for size in picture.figure.get_size_inches())
        scale = min(1.0, self.width / wide, _TALLEST_FIGURE * self.height / high)
        room = self.room

        class Room(needed("reportlab.platypus").Flowable):  # type: ignore[misc, name-defined]
            outline = (1, f"{self.numbers[picture.name]}. {picture.title}", f"figure-{picture.name}")

            def wrap(self, *_: float) -> tuple[float, float]:
                return scale * wide, scale * high

            def draw(self) -> None:
                x, y = self.canv.absolutePosition(0, 0)
                room[picture.name] = (self.canv.getPageNumber(), x, y, scale * wide)

        return Room()

    def table(self, block: Table) -> Any:
        """Return a table with column widths in proportion to the longest words."""
        platypus, colors = needed("reportlab.platypus"), needed("reportlab.lib.colors")
        words = [
            [*head.split(), *(row[place] for row in block.rows)] for place, head in enumerate(block.columns)
        ]
        natural = [3.9 * min(34, max(5, *map(len, column))) + 9 for column in words]
        # Names are not broken; numbers with intervals can be.
        kept = 2 if len(natural) > 2 and sum(natural[:2]) < 0.5 * self.width else 0
        squeeze = min(1.0, (self.width - sum(natural[:kept])) / sum(natural[kept:]))
        widths = [*natural[:kept], *(squeeze * one for one in natural[kept:])]
        rows = [[self.paragraph(escape(head), "column") for head in block.columns]]
        rows += [[self.paragraph(escape(cell), "cell") for cell in row] for row in block.rows]
        table = platypus.Table(rows, colWidths=widths, repeatRows=1, hAlign="LEFT")
        table.setStyle(
            platypus.TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.HexColor("#16202c")),
                    ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.HexColor("#c3ccd6")),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 5),
                    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
                ]
            )
        )
        return table
