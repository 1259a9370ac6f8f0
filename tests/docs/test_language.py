"""Texts, docstrings, comments and messages are plain English: phrases that read as translated are refused."""

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("atmodist_core", "app", "train", "benchmarks", "assets", "docs/gallery", "docs/_extensions")
PATTERNS = ("*.md", "docs/*.md", "benchmarks/*.md", "assets/**/*.md", "app/**/*.md")
RECORDS = {"CHANGELOG.md"}
"""A record of the past keeps its words."""

BANNED = (
    *(
        "of itself",
        "at hand",
        "in hand",
        "on show",
        r"in words(?!\.\w)",
        "of one piece",
        "in the front",
        "in one go",
    ),
    *(
        "is told in",
        "are told",
        "tells of",
        "told by",
        "whoever",
        "who asks",
        "anew",
        "odds",
        "guess(?:ed|es)? right",
    ),
    *(
        "judge",
        "judges",
        "judged",
        "judging",
        "judge?ments?",
        "makes of",
        "is met with",
        "what is asked",
        "of its own accord",
    ),
    *(
        "as they lie",
        "lies? beside",
        "goes on where it was",
        "next to (?:no|nothing)",
        "and said(?: so)?",
        "says nothing of",
    ),
    *(
        "weather remembers",
        "house in order",
        "eats",
        "room by",
        "better over worse",
        "asks for it",
        "at the end of all",
    ),
)
"""Regular expressions, each between word boundaries, without regard to case."""

ALLOWED = re.compile(r"judged=|[\"'`]judged[\"'`]")
"""The parameter of the page's links that must keep working."""

_PATTERN = re.compile(rf"(?<![\w-])(?:{'|'.join(BANNED)})(?![\w-])", re.IGNORECASE)


def prose(source: str) -> str:
    """Comments and texts of Python code, every part on its line."""
    lines = [""] * (source.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE"):
            for n, part in enumerate(token.string.splitlines()):
                lines[token.start[0] + n - 1] += f" {part}"
    return "\n".join(lines)


def offences(text: str) -> list[str]:
    """Banned phrases in a text, with line number and line."""
    return [
        f"{number}: {match[0]!r} in {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for match in [_PATTERN.search(ALLOWED.sub("", line))]
        if match
    ]


def _found(files: list[Path]) -> list[str]:
    assert len(files) > 10
    return [
        f"{file.relative_to(ROOT)}:{offence}"
        for file in sorted(files)
        if file.name not in RECORDS
        for text in [file.read_text(encoding="utf-8")]
        for offence in offences(prose(text) if file.suffix == ".py" else text)
    ]


def test_phrases_are_found_as_words():
    assert offences("What the processor tells of itself.") and offences("The data At hand.")
    assert not offences("He handed over a hand-made sword; they judgeless")
    assert not offences('links such as "?view=cities&judged=a,b"')


def test_only_texts_of_code_are_read():
    source = 'judge = 1  # at hand\nif any(a in words for a in "x"):\n    """Said\n    anew."""\n'
    assert [found.split(":")[0] for found in offences(prose(source))] == ["1", "4"]


def test_code_is_plain_english():
    assert not _found([file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")])


def test_documents_are_plain_english():
    assert not _found([file for pattern in PATTERNS for file in ROOT.glob(pattern)])
