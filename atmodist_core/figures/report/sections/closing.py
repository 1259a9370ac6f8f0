"""What was not shown, how the report was made, and sources."""

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
    """What no section shows, and sections that are missing."""
    missing = left_out(evaluation.missing)
    sentences = [
        "Which model should be used: that depends on whether a small error point by point or right statistics matter, and no number here weighs "
        "them.",
        "Causes: two models may differ in more than the loss that they are named for. The cards of the models say how each was trained.",
    ]
    if not evaluation.is_paired:
        sentences.append(
            "A paired test: models are told apart by whether their own intervals lie apart, which misses small differences that all days share."
        )
    blocks: list[Block] = [Bullets(tuple(sentences))]
    if missing:
        blocks += [Paragraph("Not computed in this evaluation:"), Bullets(tuple(missing))]
    return Section("limits", "What was not shown", tuple(blocks))


def making_section(evaluation: Evaluation, command: str) -> Section:
    """Commands and versions."""
    versions = json.loads(evaluation.tree.attrs.get("versions", "{}"))
    frame = pd.DataFrame({"package": list(versions), "version": [str(one) for one in versions.values()]})
    blocks: list[Block] = [
        Paragraph("The evaluation was made by:"),
        Code(str(evaluation.tree.attrs.get("command", "not stated"))),
        Paragraph(f"This report was made from it, by AtmoDist Studio {__version__}, with:"),
        Code(command),
    ]
    if not frame.empty:
        blocks.append(
            plain_table(
                "versions",
                "Versions",
                "Packages with which the evaluation was computed.",
                {"package": "package", "version": "version"},
                frame,
            )
        )
    blocks += [Paragraph("Sources:"), Links(SOURCES)]
    return Section("making", "Commands and versions", tuple(blocks))
