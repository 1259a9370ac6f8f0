"""Limits of the report, how it was made, and sources."""

from __future__ import annotations

import json

import pandas as pd

from atmodist_core import __version__
from atmodist_core.figures.report.document import Block, Bullets, Code, Links, Paragraph, Section
from atmodist_core.figures.report.reading import Evaluation
from atmodist_core.figures.report.sentences import left_out
from atmodist_core.figures.report.tabulating import plain_table

SOURCES = (
    (
        "Hoffmann, S. and Lessig, C., 2023: AtmoDist: Self-supervised representation learning for atmospheric dynamics. "
        "Environmental Data Science 2.",
        "https://arxiv.org/abs/2202.01897",
    ),
    (
        "Hoffmann, S. and Lessig, C., 2021: Towards representation learning for atmospheric dynamics.",
        "https://arxiv.org/abs/2109.09076",
    ),
    (
        "Stengel, K. et al., 2020: Adversarial super-resolution of climatological wind and solar data. PNAS 117(29).",
        "https://doi.org/10.1073/pnas.1918964117",
    ),
    (
        "Kuensch, H. R., 1989: The jackknife and the bootstrap for general stationary observations. Annals of Statistics 17.",
        "https://doi.org/10.1214/aos/1176347265",
    ),
)


def limits_section(evaluation: Evaluation) -> Section:
    """State what no section shows, and which sections are missing."""
    missing = left_out(evaluation.missing)
    sentences = [
        "Which model to use: that depends on whether small pointwise errors or correct statistics matter more.",
        "Causes: two models may differ in more than the loss in their name. The model cards state how each was trained.",
    ]
    if not evaluation.is_paired:
        sentences.append(
            "A paired test: models are compared by whether their intervals overlap, which misses small differences common to all days."
        )
    blocks: list[Block] = [Bullets(tuple(sentences))]
    if missing:
        blocks += [Paragraph("Not computed in this evaluation:"), Bullets(tuple(missing))]
    return Section("limits", "Limits of this report", tuple(blocks))


def making_section(evaluation: Evaluation, command: str) -> Section:
    """List commands, versions and sources."""
    versions = json.loads(evaluation.tree.attrs.get("versions", "{}"))
    frame = pd.DataFrame({"package": list(versions), "version": [str(one) for one in versions.values()]})
    blocks: list[Block] = [
        Paragraph("Command of the evaluation:"),
        Code(str(evaluation.tree.attrs.get("command", "not stated"))),
        Paragraph(f"Command of this report (AtmoDist Studio {__version__}):"),
        Code(command),
    ]
    if not frame.empty:
        blocks.append(
            plain_table(
                "versions",
                "Versions",
                "Packages that computed the evaluation.",
                {"package": "package", "version": "version"},
                frame,
            )
        )
    blocks += [Paragraph("Sources:"), Links(SOURCES)]
    return Section("making", "Commands and versions", tuple(blocks))
