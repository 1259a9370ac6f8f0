"""train/report.py as it is called: the page, the PDF, the files, and what happens to an earlier report."""

import base64
import io
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.figures.report import writing
from tests.report.evaluation_fixture import LABELS, write_evaluation
from train import report as command

pypdf = pytest.importorskip("pypdf", reason="needs the extra report: pip install -e '.[report]'")
pytest.importorskip("reportlab", reason="needs the extra report: pip install -e '.[report]'")

SECTIONS = (
    "Which model is best?", "Models and data", "Spectra", "Semivariogram",
    "Distribution of values and quantiles", "Extremes", "Pointwise scores", "Scores over time",
    "Maps of the moments", "Conservation", "Comparison by measure", "Local statistics at cities", "The distance network",
    "Limits of this report", "Commands and versions",
)  # fmt: skip
VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Reads a page strictly: every element that is opened is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.loads, self.anchors, self.ids = [], [], [], [], []
        self.headings, self.figures, self.words = [], 0, []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.figures += tag == "figure"
        self.images += [given] if tag == "img" else []
        # All that a browser fetches by itself; a link is fetched only when somebody follows it.
        self.loads += [given[name] for name in ("src", "srcset", "data", "poster") if name in given]
        self.loads += [given["href"]] if tag == "link" else []
        self.anchors += [given["href"]] if tag == "a" else []
        self.ids += [given["id"]] if "id" in given else []
        assert tag != "script"

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of everything, of one field."""
    folder = tmp_path_factory.mktemp("report")
    evaluation = write_evaluation(folder / "evaluation.nc", labels=LABELS[1:], fields=("vorticity",))
    arguments = [
        "--evaluation",
        str(evaluation),
        "--out",
        str(folder / "out"),
        "--title",
        "A <b>title</b> & more",
    ]
    assert command.main(arguments) == 0
    return folder / "out"


def test_the_page_is_whole_and_needs_nothing_else(made):
    text = (made / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert tuple(page.headings) == SECTIONS
    assert "A <b>title</b> & more" in page.words, "text is text, not markup"
    assert all(address.startswith("data:image/") for address in page.loads) and "url(" not in text
    assert "@import" not in text
    inner = [anchor[1:] for anchor in page.anchors if anchor.startswith("#")]
    assert len(inner) == len(SECTIONS) and set(inner) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert len(page.images) == page.figures == len(list((made / "figures").glob("*.png"))) > 15
    assert all(image["alt"] for image in page.images)
    for image in page.images:
        data = base64.b64decode(image["src"].split(",", 1)[1], validate=True)
        assert data.startswith((b"\x89PNG", b"<?xml"))


def test_the_files_are_those_of_the_report(made):
    forms = {form: {p.stem for p in (made / "figures").glob(f"*.{form}")} for form in ("png", "svg", "pdf")}
    assert forms["png"] == forms["svg"] == forms["pdf"]
    assert {"spectra", "semivariogram", "city_verdicts_1", "city_densities_1", "confusion"} <= forms["png"]
    ratios = pd.read_csv(made / "tables" / "city_totals.csv")
    assert (ratios[["better", "equal", "worse"]].sum(axis=1) == 31).all()
    page = Page((made / "report.html").read_text(encoding="utf-8"))
    tables = sorted((made / "tables").glob("*.csv"))
    assert len(tables) == sum(word.startswith("Table ") for word in page.words)
    assert not [table.name for table in tables if pd.read_csv(table).empty]


def _is_printed(letters, sheets):
    """Whether letters stand on one page, or partly on each of two successive pages."""
    return any(letters in sheet for sheet in sheets) or any(
        letters[:k] in one and letters[k:] in other
        for one, other in pairwise(sheets)
        for k in range(1, len(letters))
    )


def test_the_pdf_has_the_text_and_the_figures(made):
    document = pypdf.PdfReader(made / "report.pdf")
    texts = [" ".join(sheet.extract_text().split()) for sheet in document.pages]
    whole = " ".join(texts)
    for heading in SECTIONS:
        assert heading in whole
    assert all(
        text.startswith(f"A <b>title</b> & more {number} ") for number, text in enumerate(texts, start=1)
    ), "page numbers"
    page = Page((made / "report.html").read_text(encoding="utf-8"))
    # A line may be broken behind a hyphen or not; only letters are compared.
    sheets = ["".join(text.split()) for text in texts]
    for sentence in [word for word in page.words if "closer to the truth" in word or "Too little" in word]:
        assert _is_printed("".join(sentence.split()), sheets), sentence
    forms = [
        name
        for sheet in document.pages
        for name in sheet["/Resources"].get_object().get("/XObject", {})
        if name.startswith("/figure-")
    ]
    assert len(forms) == len(set(forms)) == page.figures
    assert whole.count("What this does not show") == sum("What this does not" in w for w in page.words)
    spectra = next(sheet for sheet in document.pages if "/figure-spectra" in str(sheet["/Resources"]))
    assert "ratio to truth" in spectra.extract_text(), "letters of figures are letters"
    level = [entry for entry in document.outline if not isinstance(entry, list)]
    assert [entry.title for entry in level] == list(SECTIONS)
    assert document.metadata.creation_date_raw is None or "2000" in document.metadata.creation_date_raw


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An evaluation of two groups, whose report takes seconds."""
    path = tmp_path_factory.mktemp("small") / "evaluation.nc"
    return write_evaluation(
        path, labels=LABELS[1:], fields=("vorticity",), groups=("scores", "semivariogram")
    )


def test_the_command_in_a_process_of_its_own(small, tmp_path, repository):
    call = [sys.executable, "train/report.py", "--evaluation", str(small), "--out"]
    done = subprocess.run(
        [*call, str(tmp_path / "a")], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "a" / name) for name in ("report.html", "report.pdf")]
    assert f"--evaluation {small} --out {tmp_path / 'a'}" in (tmp_path / "a" / "report.html").read_text()
    wrong = subprocess.run([*call, "/no/such/a"], cwd=repository, capture_output=True, text=True, timeout=300)
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: Expected an existing folder")
    assert wrong.stderr.count("\n") == 1


def test_the_same_evaluation_gives_the_same_bytes(small, tmp_path, monkeypatch):
    contents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert command.main(["--evaluation", str(small), "--out", "out"]) == 0
        out = tmp_path / name / "out"
        contents.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert contents[0].keys() == contents[1].keys() and len(contents[0]) > 5
    assert not [name for name in contents[0] if contents[0][name] != contents[1][name]]


def test_an_earlier_report_stays_whole_until_the_new_one_is(small, tmp_path, monkeypatch):
    out = tmp_path / "out"
    (out / "tables").mkdir(parents=True)
    (out / "report.html").write_text("earlier")

    def fails(*_):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(writing, "printed", fails)
        with pytest.raises(OSError, match="no space"):
            command.main(["--evaluation", str(small), "--out", str(out)])
    assert (out / "report.html").read_text() == "earlier" and not (out / "figures").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"], "nothing is left behind"
    assert command.main(["--evaluation", str(small), "--out", str(out)]) == 0
    assert "semivariogram" in {p.stem for p in (out / "figures").iterdir()}
    assert Page((out / "report.html").read_text()).figures == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert io.BytesIO((out / "report.pdf").read_bytes()).read(5) == b"%PDF-"


def test_other_files_are_not_touched(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"found 'thesis.txt' in it"):
        command.main(["--evaluation", str(small), "--out", str(tmp_path)])
    with pytest.raises(UserError, match="found a file"):
        command.main(["--evaluation", str(small), "--out", str(tmp_path / "thesis.txt")])
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--evaluation", "missing.nc"], "missing.nc, found none"),
        (["--candidate", "nobody"], "--candidate among"),
        (["--title", " "], "--title"),
        (["--candidates", "a"], "did you mean --candidate"),
    ],
)
def test_mistakes(small, tmp_path, flags, words):
    with pytest.raises(UserError, match=words):
        command.main(["--evaluation", str(small), "--out", str(tmp_path / "out"), *flags])
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(UserError, match=r"package reportlab.*atmodist-studio\[report\]"):
        writing.require_packages()
