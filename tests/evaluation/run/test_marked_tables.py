"""Tables between markers in a document."""

import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.marked_tables import replace_tables, write_tables

DOCUMENT = """# Title
<!-- begin table demo-spectra: old command -->
| old |
<!-- end -->
Text between.
<!-- begin table demo-cities -->
<!-- end -->
The end.
"""


def test_only_the_named_tables_change():
    text, replaced = replace_tables(
        DOCUMENT, {"demo-spectra": "| a |\n| b |\n", "other": "| c |"}, "new command"
    )
    assert replaced == ["demo-spectra"]
    assert text == DOCUMENT.replace("| old |", "| a |\n| b |").replace("old command", "new command")


def test_twice_is_as_once():
    tables = {"demo-spectra": "| a |", "demo-cities": "| b |"}
    once, replaced = replace_tables(DOCUMENT, tables, "c")
    assert replaced == ["demo-spectra", "demo-cities"] and "Text between." in once
    assert replace_tables(once, tables, "c")[0] == once


def test_a_document_on_disk(tmp_path):
    file = tmp_path / "experiments.md"
    file.write_text(DOCUMENT)
    assert write_tables(file, {"demo-cities": "| b |"}, "c") == ["demo-cities"]
    assert "| b |\n<!-- end -->\nThe end." in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "broken",
    [
        "<!-- begin table a: x -->\n",
        "<!-- begin table a: x -->\n<!-- begin table b: x -->\n<!-- end -->\n",
        "<!-- begin table a: x -->\n<!-- end -->\n<!-- begin table a: x -->\n<!-- end -->\n",
    ],
)
def test_broken_markers(broken):
    with pytest.raises(UserError, match="markers"):
        replace_tables(broken, {"a": "x"}, "c")


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match="none"):
        write_tables(tmp_path / "missing.md", {"a": "x"}, "c")
    file = tmp_path / "empty.md"
    file.write_text("nothing here\n")
    with pytest.raises(UserError, match="begin table a"):
        write_tables(file, {"a": "x"}, "c")
