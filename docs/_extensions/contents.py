"""Table of contents of the site. It is not in the documents, because code hosts would show it as code.

Documents that are not listed here appear under the last caption.
"""

from typing import Any

CONTENTS: dict[str, tuple[str, ...]] = {
    "Using it": (
        "docs/tutorial",
        "docs/app",
        "docs/data",
        "docs/plots",
        "docs/gallery_pages/index",
        "docs/deploy",
    ),
    "What is computed": (
        "docs/method",
        "docs/glossary",
        "docs/cities",
        "docs/limits",
        "docs/simulation",
        "docs/ensembles",
        "docs/real_weather",
        "docs/shift",
        "docs/climate",
        "docs/conditional",
        "docs/features",
        "docs/fields_and_levels",
        "docs/similar_days",
        "docs/gaps",
        "docs/models",
    ),
    "Training and evaluation": (
        "docs/adapt",
        "docs/training",
        "docs/evaluation",
        "docs/experiments",
        "docs/experiments_tables",
        "docs/rivals",
        "docs/performance",
        "docs/peers",
        "benchmarks/README",
    ),
    "Code": ("docs/reference/index", "docs/architecture", "docs/decisions", "docs/extend"),
    "Project": (
        "README",
        "CONTRIBUTING",
        "CHANGELOG",
        "assets/geography/SOURCES",
        "app/globe/SOURCES",
        "docs/_static/fonts/SOURCES",
    ),
}
"""Documents by caption; missing ones are omitted."""

TITLES = {
    "README": "Readme",
    "benchmarks/README": "Benchmarks",
    "docs/gallery_pages/index": "Gallery",
    "assets/geography/SOURCES": "Sources of coastlines and cities",
    "app/globe/SOURCES": "Sources of the globe",
}
"""Titles that replace those of the documents in the contents."""

_NESTED = ("docs/gallery_pages/", "docs/reference/")
"""Folders whose pages have their own contents."""


def _line(name: str) -> str:
    return f"{TITLES[name]} </{name}>" if name in TITLES else f"/{name}"


def contents(found: set[str], root: str) -> str:
    """Return the contents as MyST directives, from the set of all documents and the name of the start page."""
    named = {name for names in CONTENTS.values() for name in names}
    others = tuple(sorted(d for d in found - named - {root} if not d.startswith(_NESTED)))
    captions = list(CONTENTS)
    parts = []
    for caption in captions:
        names = CONTENTS[caption] + (others if caption == captions[-1] else ())
        listed = "\n".join(_line(name) for name in names if name in found)
        if listed:
            parts.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```")
    return "\n\n".join(parts)


def _add_contents(app: Any, document: str, source: list[str]) -> None:
    if document == app.config.root_doc:
        source[0] += "\n\n" + contents(set(app.env.found_docs), document) + "\n"


def _reread_start_page(
    app: Any, _env: Any, added: set[str], _changed: set[str], removed: set[str]
) -> list[str]:
    return [app.config.root_doc] if added or removed else []


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _add_contents)
    app.connect("env-get-outdated", _reread_start_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
