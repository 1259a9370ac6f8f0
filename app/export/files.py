"""Exported files: figures, numbers, and an archive of both with the command that reproduces them."""

from __future__ import annotations

import io
import json
import platform
import shlex
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

import atmodist_core as ad
from app.session.session import Session
from app.state.link import search_of
from app.state.state import shown_methods
from app.state.view_registry import VIEW_ENTRIES, load
from atmodist_core.figures.numbers.numbers import Numbers

FIGURE_KINDS = ("png", "svg", "pdf")
KINDS = (*FIGURE_KINDS, "nc", "csv", "zip")
MIME = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "nc": "application/x-netcdf",
    "csv": "text/csv",
    "zip": "application/zip",
    "mp4": "video/mp4",
    "gif": "image/gif",
}
_PACKAGES = ("numpy", "scipy", "xarray", "torch", "matplotlib", "panel", "bokeh")


@dataclass(frozen=True)
class Recipe:
    """How to reproduce what a session shows: the search part of its link with every choice, the link, and a command for the same figure."""

    search: str
    link: str
    command: str


def recipe_of(session: Session, href: str = "", *, view: str | None = None, kind: str = "pdf") -> Recipe:
    """Return link and command of what a session shows at address ``href``, or of another ``view``; ``kind`` is that of the figure."""
    state = session.state
    query = state.to_query()
    query["view"] = view or state.view
    # The defaults may change with the next version or with more models.
    query["methods"] = ",".join(shown_methods(state, [method.name for method in session.methods]))
    search = search_of(query)
    data = "" if state.data_set == "demo" else " --data YOUR_DATA_FOLDER"
    command = f"atmodist figure --link {shlex.quote(search)} --out {query['view']}.{kind}{data}"
    return Recipe(search, f"{href.split('?')[0]}{search}", command)


def numbers_shown(session: Session, view: str | None = None) -> Numbers:
    """Return the numbers of a view, or raise a UserError while they are not computed."""
    name = view or session.state.view
    entry = VIEW_ENTRIES[name]
    if not entry.numbers:
        raise ad.UserError(f"The view {entry.label} has no numbers to export.")
    return load(entry.numbers)(session)


def file_of(
    numbers: Numbers, kind: str, *, dark: bool = False, recipe: Recipe | None = None
) -> tuple[str, bytes]:
    """Return name and content of one file, or raise a UserError for an unknown kind; drawing takes a second or two."""
    name = f"atmodist-{numbers.view}"
    if kind in FIGURE_KINDS:
        from atmodist_core.figures import DARK as DARK_STYLE
        from atmodist_core.figures import PUBLICATION, figure_bytes
        from atmodist_core.figures.views import figure_of

        return f"{name}.{kind}", figure_bytes(figure_of(numbers, DARK_STYLE if dark else PUBLICATION), kind)
    if kind == "nc":
        made = {} if recipe is None else {"link": recipe.link, "command": recipe.command}
        return f"{name}.nc", numbers.netcdf({**made, "versions": json.dumps(versions())})
    if kind == "csv":
        tables = numbers.csv()
        if len(tables) == 1:
            return f"{name}.csv", next(iter(tables.values())).encode()
        return f"{name}-csv.zip", zipped({key: text.encode() for key, text in tables.items()})
    raise ad.UserError(
        f"Expected a kind of file among {', '.join(KINDS)}, found {kind!r}; choose one of them."
    )


def bundle_of(parts: dict[str, Numbers], recipes: dict[str, Recipe]) -> tuple[str, bytes]:
    """Return name and content of an archive with all figures and tables of some views, links, versions and commands."""
    files: dict[str, bytes] = {}
    for view, numbers in parts.items():
        for kind in FIGURE_KINDS:
            name, content = file_of(numbers, kind)
            files[f"{view}/{name}"] = content
        name, content = file_of(numbers, "nc", recipe=recipes[view])
        files[f"{view}/{name}"] = content
        files |= {f"{view}/{key}": text.encode() for key, text in numbers.csv().items()}
    files["README.txt"] = readme(parts, recipes).encode()
    files["versions.json"] = json.dumps(versions(), indent=1).encode()
    return f"atmodist-{'-'.join(parts) if len(parts) == 1 else 'all'}.zip", zipped(files)


def readme(parts: dict[str, Numbers], recipes: dict[str, Recipe]) -> str:
    """Return the text of the archive: its contents and how to reproduce each part."""
    lines = ["AtmoDist Studio: figures and the numbers behind them.", ""]
    for view, numbers in parts.items():
        recipe = recipes[view]
        lines += [
            VIEW_ENTRIES[view].label,
            f"  caption: {numbers.caption}",
            f"  link:    {recipe.link}",
            f"  command: {recipe.command}",
            "",
        ]
    lines += [
        "The commands run in a checkout of the version in versions.json; data sets of your own are named with --data.",
        "",
    ]
    return "\n".join(lines)


def versions() -> dict[str, Any]:
    """Return the versions of this project and of the packages that its numbers depend on."""
    found = {"atmodist-studio": ad.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(quote(name, safe="/-_.() "), content)
    return buffer.getvalue()
