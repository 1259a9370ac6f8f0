"""Write the report of an evaluation: one HTML page and one PDF, with every figure and table also as a file.

python train/report.py --evaluation runs/evaluation/evaluation.nc --out runs/report
    [--candidate srgan-4x-atmodist] [--cities Seattle Lima] [--title "4x downscaling of ERA5"]
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import UserError
from train import _cli


@dataclasses.dataclass(frozen=True)
class ReportConfig:
    """What to report, and where to write it."""

    evaluation: Path = Path("evaluation.nc")
    """File that train/evaluate.py has written."""

    out: Path = Path("report")
    """Folder of report.html, report.pdf, figures/ and tables/: a new one, or that of an earlier report, which is replaced."""

    title: str = "Downscaling of vorticity and divergence"
    """Of the page."""

    candidate: tuple[str, ...] = ()
    """Labels of the models that the text compares with the reference; all by default. Figures and tables show all."""

    cities: tuple[str, ...] = ()
    """Names of cities whose densities are drawn; Seattle and three that the numbers choose by default."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(ReportConfig, {"default": ReportConfig()}, arguments, "python train/report.py")
    if not config.title.strip():
        raise UserError("Expected a --title with letters, found none.")
    # Only now, since they take a second to import: a wrong flag is told at once.
    from atmodist_core.figures.report.build import report_of
    from atmodist_core.figures.report.reading import Evaluation
    from atmodist_core.figures.report.writing import require_packages, require_place, write_report

    require_place(config.out)
    require_packages()
    evaluation = Evaluation.read(config.evaluation, config.candidate, config.cities)
    command = shlex.join(["python", "train/report.py", *arguments])
    report = report_of(evaluation, title=config.title, command=command)
    for path in write_report(report, config.out, lambda what: print(f"making {what}", file=sys.stderr)):
        print(path)
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
