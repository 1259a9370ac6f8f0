"""API reference: one page per package, from its ``__all__``, and one for further modules.

An object is described once, under its shortest public name; other packages link there. References in docstrings may also use the
name of the defining module.
"""

import ast
import inspect
import pkgutil
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "atmodist_core"
MODULES = (
    "networks.normalization",
    "networks.losses.content",
    "networks.losses.statistics",
    "harmonics.global_transform",
    "fields.grid.interpolation",
    "models.card",
    "models.store",
    "evaluation.lags.lag_confusion",
    "common.errors",
)
"""Modules named in the documents that are in no ``__all__``."""

_ORDER = ("fields", "evaluation", "figures", "plots", "networks", "training", "harmonics", "simulation")
"""Order of packages; others follow."""


def _subpackages() -> list[str]:
    package = import_module(PACKAGE)
    found = {name for name in package.__all__ if inspect.ismodule(getattr(package, name))}
    return [name for name in _ORDER if name in found] + sorted(found - set(_ORDER))


def _defining_module(name: str, value: Any) -> str:
    """Return the module that assigns and describes a constant."""
    root = import_module(PACKAGE)
    assigned = re.compile(rf"^{name}\b[^=\n]*=", flags=re.MULTILINE)
    for found in pkgutil.walk_packages(root.__path__, f"{PACKAGE}."):
        module = import_module(found.name)
        if getattr(module, name, None) is value and assigned.search(inspect.getsource(module)):
            return found.name
    raise ValueError(f"no module of {PACKAGE} assigns {name}")


def _is_described_by_itself(value: Any) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value)


def _entry(module: str, name: str) -> tuple[str, str, str]:
    """Return directive, full name and canonical name of an object."""
    value = getattr(import_module(module), name)
    if not _is_described_by_itself(value):
        owner = _defining_module(name, value)
        if not _has_description(import_module(owner), name):
            raise ValueError(f"{owner}.{name} is public: describe it in a string below it")
        full = f"{owner}.{name}"
        return "autodata", full, full
    canonical = f"{value.__module__}.{value.__qualname__}"
    return ("autoclass" if inspect.isclass(value) else "autofunction"), f"{module}.{name}", canonical


def _page(title: str, head: str, entries: list[tuple[str, str]], described: set[str]) -> str:
    """Return the text of a page: a table of objects, then descriptions that are on no other page."""
    table = "\n".join(f"   ~{full}" for _, full in entries)
    # Without this line, the full names below would be resolved within the last module.
    head += "\n\n.. py:currentmodule:: None"
    text = f"{title}\n{'=' * len(title)}\n\n{head}\n\n.. autosummary::\n   :nosignatures:\n\n{table}\n"
    for directive, full in entries:
        if full not in described:
            described.add(full)
            options = {"autoclass": "\n   :members:", "autodata": "\n   :no-value:"}.get(directive, "")
            text += f"\n.. {directive}:: {full}{options}\n"
    return text


class Reference:
    """Pages of the reference, and public names by canonical name."""

    def __init__(self) -> None:
        self.public: dict[str, str] = {}
        described: set[str] = set()
        packages = [PACKAGE, *(f"{PACKAGE}.{name}" for name in _subpackages())]
        modules = [f"{PACKAGE}.{name}" for name in MODULES]
        self.pages: dict[str, str] = {}
        for package in packages:
            names = [n for n in import_module(package).__all__ if n != "__version__"]
            objects = [n for n in names if not inspect.ismodule(getattr(import_module(package), n))]
            head = f".. automodule:: {package}\n   :no-members:"
            self.pages[package] = _page(package, head, self._entries(package, objects), described)
        parts = []
        for module in modules:
            entries = self._entries(module, _own_public_names(import_module(module)))
            head = f".. automodule:: {module}\n   :no-members:\n   :no-index:"
            parts.append(
                _page(module, head, entries, described).replace("=" * len(module), "-" * len(module))
            )
        title = "Further modules"
        self.pages[f"{PACKAGE}.modules"] = f"{title}\n{'=' * len(title)}\n\n" + "\n\n".join(parts)
        listed = "\n".join(f"   {name}" for name in self.pages)
        self.pages["index"] = (
            "Reference\n=========\n\nAPI reference from the docstrings. Start with :doc:`atmodist_core`, which is sufficient for "
            f"notebooks.\n\n.. toctree::\n   :maxdepth: 1\n\n{listed}\n"
        )

    def _entries(self, module: str, names: list[str]) -> list[tuple[str, str]]:
        entries = []
        for name in names:
            directive, full, canonical = _entry(module, name)
            full = self.public.setdefault(canonical, full)
            self.public.setdefault(f"{module}.{name}", full)
            entries.append((directive, full))
        return entries

    def write(self, folder: Path) -> None:
        """Write changed pages and remove obsolete ones."""
        folder.mkdir(exist_ok=True)
        for name, text in self.pages.items():
            file = folder / f"{name}.rst"
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
        for file in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in self.pages}:
            file.unlink()


def _own_public_names(module: ModuleType) -> list[str]:
    """Return the public names that a module defines, in source order."""
    source = inspect.getsource(module)
    names = re.findall(
        r"^(?:def |class )([A-Za-z]\w*)|^([A-Z][A-Z_]*)\b[^=\n]*=.*", source, flags=re.MULTILINE
    )
    found = [function or constant for function, constant in names]
    return [n for n in found if _is_described_by_itself(getattr(module, n)) or _has_description(module, n)]


def _has_description(module: ModuleType, name: str) -> bool:
    """Return whether a constant is followed by a description."""
    body = ast.parse(inspect.getsource(module)).body
    for statement, following in pairwise(body):
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        if name in [getattr(target, "id", None) for target in targets]:
            return isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
    return False


def _begin(app: Any) -> None:
    app.reference = Reference()
    app.reference.write(Path(app.srcdir) / "docs" / "reference")


def _public_name(reference: Reference, target: str, module: str | None) -> str | None:
    """Return the public name of a target: by its full name, or by its last part if that is unique."""
    for candidate in (target, f"{module}.{target}"):
        owner, _, member = candidate.rpartition(".")
        if candidate in reference.public:
            return reference.public[candidate]
        if owner in reference.public:
            return f"{reference.public[owner]}.{member}"
    same = {full for full in reference.public.values() if full.endswith(f".{target}")}
    return same.pop() if len(same) == 1 else None


def _exists(target: str) -> bool:
    """Return whether the library has an object of this name."""
    root = import_module(PACKAGE)
    modules = [import_module(m.name) for m in pkgutil.walk_packages(root.__path__, f"{PACKAGE}.")]
    owner, _, member = target.rpartition(".")
    return any(hasattr(m, member) for m in modules if not owner or m.__name__ == owner)


def _resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve references by defining module; objects without a description get no link."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    public = _public_name(app.reference, target, node.get("py:module"))
    if public is not None and public != target:
        return env.get_domain("py").resolve_xref(
            env, node["refdoc"], app.builder, "obj", public, node, content
        )
    return content if node["reftype"] in ("func", "data", "class") and _exists(target) else None


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _begin)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
