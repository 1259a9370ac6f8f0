"""The reference: one page for each package, from what its ``__all__`` offers, and one for further modules.

An object is described once, under its shortest public name; other packages that offer it link there. References in docstrings may
name an object by the module that defines it.
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
    "evaluation.lag_confusion",
    "common.errors",
)
"""Modules that the texts name and that no ``__all__`` lists."""


_ORDER = ("fields", "evaluation", "figures", "networks", "training", "harmonics", "simulation")
"""Packages as a reader meets them; others come after these."""


def _subpackages() -> list[str]:
    package = import_module(PACKAGE)
    found = {name for name in package.__all__ if inspect.ismodule(getattr(package, name))}
    return [name for name in _ORDER if name in found] + sorted(found - set(_ORDER))


def _defining_module(name: str, value: Any) -> str:
    """Module that assigns a constant, where its description stands."""
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
    """Directive, full name and canonical name of one object."""
    value = getattr(import_module(module), name)
    if not _is_described_by_itself(value):
        owner = _defining_module(name, value)
        if not _has_description(import_module(owner), name):
            raise ValueError(f"{owner}.{name} is public: say below it, in a string, what it is")
        full = f"{owner}.{name}"
        return "autodata", full, full
    canonical = f"{value.__module__}.{value.__qualname__}"
    return ("autoclass" if inspect.isclass(value) else "autofunction"), f"{module}.{name}", canonical


def _page(title: str, head: str, entries: list[tuple[str, str]], described: set[str]) -> str:
    """Text of a page: a table of what it offers, then the descriptions that stand nowhere else."""
    table = "\n".join(f"   ~{full}" for _, full in entries)
    # Full names below: without this line they would be looked for within the module that was described last.
    head += "\n\n.. py:currentmodule:: None"
    text = f"{title}\n{'=' * len(title)}\n\n{head}\n\n.. autosummary::\n   :nosignatures:\n\n{table}\n"
    for directive, full in entries:
        if full not in described:
            described.add(full)
            options = {"autoclass": "\n   :members:", "autodata": "\n   :no-value:"}.get(directive, "")
            text += f"\n.. {directive}:: {full}{options}\n"
    return text


class Reference:
    """All pages of the reference, and the public name of every object by its canonical one."""

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
            "Reference\n=========\n\nWhat can be called, from the docstrings of the code. Begin with :doc:`atmodist_core`: it is all that "
            f"a notebook needs.\n\n.. toctree::\n   :maxdepth: 1\n\n{listed}\n"
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
        """Write pages that changed, and remove those that are no longer made."""
        folder.mkdir(exist_ok=True)
        for name, text in self.pages.items():
            file = folder / f"{name}.rst"
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
        for file in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in self.pages}:
            file.unlink()


def _own_public_names(module: ModuleType) -> list[str]:
    """What a module defines itself, in the order of its text."""
    source = inspect.getsource(module)
    names = re.findall(
        r"^(?:def |class )([A-Za-z]\w*)|^([A-Z][A-Z_]*)\b[^=\n]*=.*", source, flags=re.MULTILINE
    )
    found = [function or constant for function, constant in names]
    return [n for n in found if _is_described_by_itself(getattr(module, n)) or _has_description(module, n)]


def _has_description(module: ModuleType, name: str) -> bool:
    """Whether a constant is followed by a string that says what it is."""
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
    """Public name of what a docstring calls ``target``, by its full name or by its last part where only one thing has it."""
    for candidate in (target, f"{module}.{target}"):
        owner, _, member = candidate.rpartition(".")
        if candidate in reference.public:
            return reference.public[candidate]
        if owner in reference.public:
            return f"{reference.public[owner]}.{member}"
    same = {full for full in reference.public.values() if full.endswith(f".{target}")}
    return same.pop() if len(same) == 1 else None


def _exists(target: str) -> bool:
    """Whether the library has something of this name, public or not."""
    root = import_module(PACKAGE)
    modules = [import_module(m.name) for m in pkgutil.walk_packages(root.__path__, f"{PACKAGE}.")]
    owner, _, member = target.rpartition(".")
    return any(hasattr(m, member) for m in modules if not owner or m.__name__ == owner)


def _resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Find what a docstring names by the module that defines it; what exists but is not described stays without a link."""
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
