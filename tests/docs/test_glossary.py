"""The glossary has every measure of the registry with its unit and ideal value, and points to files that exist."""

import re
from pathlib import Path

import pytest

from atmodist_core.evaluation.measures import MEASURES

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in GLOSSARY.splitlines() if line[:1] == "|"]
IDEAL = {"zero": "0", "one": "1", "none": "none"}


def _measures() -> dict[str, tuple[str, str, str]]:
    """Unit, ideal value and definition by name, from the section on measures."""
    section = GLOSSARY[GLOSSARY.index("\n## Measures\n") :]
    found = re.findall(r"^\| `([\w.]+)` \| ([^|]*) \| ([^|]*) \| (.*) \|$", section, flags=re.MULTILINE)
    assert len(found) == len({name for name, *_ in found}), "a measure stands twice"
    return {name: (unit.strip(), ideal.strip(), definition) for name, unit, ideal, definition in found}


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_stands_in_the_glossary_with_unit_and_definition(name):
    measure = MEASURES[name]
    unit = {"field": "s-1"}.get(measure.units, measure.units)
    assert _measures()[name] == (unit, IDEAL[measure.ideal], measure.definition)


def test_no_measure_stands_there_that_does_not_exist():
    assert set(_measures()) <= set(MEASURES)


def test_terms_stand_once_and_have_a_definition():
    terms = [row for row in ROWS if len(row) == 5 and row[0] not in ("term", "---")]
    assert len(terms) > 60
    assert len({row[0] for row in terms}) == len(terms)
    for term, _, _, definition, where in terms:
        assert definition.endswith((".", ".)")), term
        assert re.fullmatch(r"`atmodist_core/[\w/.]+`", where) and (ROOT / where.strip("`")).exists(), term


def test_a_lag_is_never_called_lead():
    for file in sorted((ROOT / "docs").glob("*.md")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\blead(?:s| time| times)?\b(?! to\b| nowhere\b| out\b| somewhere\b)", text), (
            file.name
        )
