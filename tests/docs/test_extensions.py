"""What the site adds to the texts: contents that forget nothing, equations that fail loudly, names that are found."""

import sys
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).resolve().parents[2] / "docs" / "_extensions"


@pytest.fixture(autouse=True)
def _extensions_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    yield
    for name in ("contents", "mathml", "reference"):
        sys.modules.pop(name, None)


def test_a_new_text_is_listed_and_a_missing_one_left_out():
    from contents import contents

    made = contents(
        {"docs/index", "docs/data", "docs/brand_new", "docs/reference/index", "docs/reference/x"},
        "docs/index",
    )
    assert made.index("/docs/data\n") < made.index("/docs/brand_new\n")
    assert made.rindex(":caption: Project") < made.index("/docs/brand_new\n")
    assert "/docs/method\n" not in made and "/docs/index\n" not in made
    assert made.count("/docs/reference/") == 1  # its pages stand in contents of their own


def test_an_equation_becomes_mathml_or_stops_the_build():
    from docutils import nodes
    from mathml import _mathml

    made = _mathml(nodes.math_block("", r"\frac{a}{b}"), True)
    assert "<mfrac>" in made and 'display="block"' in made
    with pytest.raises(ValueError, match="nonsense"):
        _mathml(nodes.math_block("", r"\nonsense{a}"), True)


def test_names_in_docstrings_are_found_by_the_module_that_defines_them():
    from reference import Reference, _exists, _public_name

    reference = Reference()
    assert (
        _public_name(reference, "atmodist_core.fields.open.open_fields.open_fields", None)
        == "atmodist_core.open_fields"
    )
    assert (
        _public_name(reference, "atmodist_core.inference.atmodist.AtmoDist.matrix", None)
        == "atmodist_core.AtmoDist.matrix"
    )
    assert _public_name(reference, "scores", "atmodist_core.evaluation") == "atmodist_core.evaluation.scores"
    assert _public_name(reference, "no_such_thing", "atmodist_core") is None
    assert _exists("draw_pairs") and not _exists("draw_pears")


def test_every_object_is_described_once():
    from reference import Reference

    pages = Reference().pages
    described = [
        line
        for text in pages.values()
        for line in text.splitlines()
        if line.startswith(".. auto") and "automodule" not in line and "autosummary" not in line
    ]
    assert len(described) > 100
    assert len(described) == len(set(described))
