"""Architecture rules checked on the source: imports, folders, sizes, docstrings, safe loading.

Every rule collects all violations, so that a failure shows the complete list.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("atmodist_core", "app", "train", "atmodist_studio")
UI = {"panel", "bokeh", "holoviews", "geoviews", "panel_material_ui", "param", "datashader"}
GPL = {"pyshtools", "ducc0"}
PICKLERS = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
LOADERS_THAT_RUN_CODE = {"torch.load", "pd.read_pickle", "pandas.read_pickle", "yaml.load", "eval", "exec"}
VAGUE_NAMES = {"utils", "util", "helpers", "misc", "common"}
LONGEST_FILE = 400
MOST_ENTRIES = 15
MOST_LINES = 87_000

FLOORS = (
    {"common"},
    {"harmonics"},
    {"fields"},
    {"networks", "simulation"},
    {"models"},
    {"inference"},
    {"features"},
    {"evaluation"},
    {"figures"},
    {"plots"},
    {"training"},
    {"integrations"},
)
"""Folders of ``atmodist_core`` from bottom to top: each imports only folders below its own floor."""

APP_FLOORS = (
    {"server", "theme"},
    {"state"},
    {"compute", "globe"},
    {"session"},
    {"views", "export"},
    {"page"},
    {"main", "screenshots"},
)
"""The same for ``app``."""


def _files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def _everything() -> list[Path]:
    return _files(*PACKAGES, "assets", "benchmarks", "docs/_extensions", "docs/gallery", "tests")


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else file.name


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def _called(node: ast.Call) -> str:
    """Name of what is called: ``load``, or ``torch.load`` where it is an attribute of a name."""
    if isinstance(node.func, ast.Attribute):
        return f"{getattr(node.func.value, 'id', '')}.{node.func.attr}"
    return getattr(node.func, "id", "")


@cache
def imported_packages(file: Path) -> frozenset[str]:
    """Top-level packages that a file imports anywhere, also inside functions."""
    roots: set[str] = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and _called(node).split(".")[-1] == "import_module":
            named = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            roots |= {name.split(".")[0] for name in named}
    return frozenset(roots)


def _importers(files: list[Path], forbidden: set[str]) -> list[str]:
    """Files that import what they must not, with what that is."""
    return [
        f"{_name(f)}: {', '.join(sorted(imported_packages(f) & forbidden))}"
        for f in files
        if imported_packages(f) & forbidden
    ]


def _module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(files: list[Path], root: Path = ROOT) -> dict[str, set[str]]:
    """Modules that each module imports anywhere: in functions and under TYPE_CHECKING as well."""
    names = {_module(file, root): file for file in files}
    graph: dict[str, set[str]] = {}
    for name, file in names.items():
        targets: set[str] = set()
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                candidates = {f"{node.module}.{alias.name}" for alias in node.names}
                targets |= candidates & names.keys()
                if candidates - names.keys():
                    targets.add(node.module)
            elif isinstance(node, ast.Call) and _called(node).split(".")[-1] == "import_module":
                targets |= {a.value for a in node.args if isinstance(a, ast.Constant)}
        graph[name] = (targets & names.keys()) - {name}
    return graph


def import_cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other by imports."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        found, pending = set(), [start]
        while pending:
            new = graph[pending.pop()] - found
            found |= new
            pending += new
        reached[start] = found
    groups = {frozenset({n for n in found if start in reached[n]}) for start, found in reached.items()}
    return sorted(sorted(group) for group in groups if group)


def upward_imports(
    graph: dict[str, set[str]], package: str = "atmodist_core", floors: tuple[set[str], ...] = FLOORS
) -> list[str]:
    """Imports between folders of a package that do not go down."""
    floor_of = {folder: floor for floor, folders in enumerate(floors) for folder in folders}

    def folder(module: str) -> str | None:
        parts = module.split(".")
        return parts[1] if parts[0] == package and len(parts) > 1 else None

    found = []
    for module, targets in graph.items():
        if (source := folder(module)) is None:
            continue
        for target in sorted(targets):
            below = folder(target)
            if below not in (None, source) and floor_of[below] >= floor_of[source]:
                found.append(f"{module} imports {target}")
    return found


def large_folders(folders: set[Path]) -> dict[str, int]:
    """Folders with more than :data:`MOST_ENTRIES` files and subfolders."""
    ignored = {"__init__.py", "__pycache__", "README.txt"}
    sizes = {folder: sum(entry.name not in ignored for entry in folder.iterdir()) for folder in folders}
    return {_name(folder): size for folder, size in sizes.items() if size > MOST_ENTRIES}


def _public_without_docstring(tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield "the module"
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, parent = pending.pop()
        for node in ast.iter_child_nodes(parent):
            is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if not is_definition or node.name.startswith("_"):
                continue
            decorators = {getattr(d, "id", getattr(d, "attr", "")) for d in node.decorator_list}
            if not ast.get_docstring(node) and not decorators & {"overload", "setter"}:
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node))


def _loads_code(file: Path) -> list[str]:
    """Ways in which a file could run the code of a stranger's file."""
    found = sorted(imported_packages(file) & PICKLERS)
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Call):
            called = _called(node)
            found += [called] if called in LOADERS_THAT_RUN_CODE else []
            allowed = {k.arg: getattr(k.value, "value", None) for k in node.keywords}.get("allow_pickle")
            found += [f"{called}(allow_pickle=True)"] if allowed is True and called.endswith(".load") else []
    return found


def test_packages_exist():
    assert all(len(_files(package)) > 3 for package in PACKAGES)


def test_every_folder_of_code_is_a_package():
    """A folder without its own file still imports from a checkout, but is left out of an installation."""
    folders = {file.parent for file in _files(*PACKAGES)}
    assert not [_name(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_folders_have_few_entries():
    """At most 15 files and folders: a reader finds a concept at a glance."""
    files = _files(*PACKAGES, "assets", "benchmarks", "docs/_extensions", "docs/gallery")
    assert not large_folders({file.parent for file in files})


def test_no_module_is_in_an_import_cycle():
    assert not import_cycles(import_graph(_files(*PACKAGES)))


def test_folders_of_the_library_form_a_tower():
    folders = {folder.name for folder in (ROOT / "atmodist_core").iterdir() if folder.is_dir()}
    assert folders - {"__pycache__"} <= set().union(*FLOORS), "give a new folder its floor in FLOORS"
    assert not upward_imports(import_graph(_files("atmodist_core")))


def test_folders_of_the_app_form_a_tower():
    folders = {file.relative_to(ROOT / "app").parts[0] for file in _files("app")}
    named = {folder.removesuffix(".py") for folder in folders} - {"__init__"}
    assert named == set().union(*APP_FLOORS), "give a new folder its floor in APP_FLOORS"
    assert not upward_imports(import_graph(_files("app")), "app", APP_FLOORS)


def test_the_code_stays_small():
    """Lines of Python and JavaScript without tests, comments and docstrings included."""
    folders = (*PACKAGES, "assets", "benchmarks", "docs/_extensions", "docs/gallery")
    scripts = [file for file in (ROOT / "app").rglob("*.js") if "node_modules" not in file.parts]
    lines = sum(file.read_text(encoding="utf-8").count("\n") for file in [*_files(*folders), *scripts])
    assert lines <= MOST_LINES, f"{lines} lines"


def test_the_library_imports_neither_app_nor_train_nor_their_frameworks():
    """Plots alone may use HoloViews and Bokeh; they load them when a plot is asked for."""
    library = [file for file in _files("atmodist_core") if "plots" not in file.parts]
    assert not _importers(library, UI | {"app", "train"})
    plots = _files("atmodist_core/plots")
    assert not _importers(plots, (UI - {"holoviews", "geoviews", "bokeh"}) | {"app", "train"})


def test_app_and_train_never_import_each_other():
    assert not _importers(_files("app"), {"train"})
    assert not _importers(_files("train"), {"app", *UI})


def test_nothing_that_ships_needs_gpl_code():
    assert not _importers(_files(*PACKAGES, "assets"), GPL)


def test_files_hold_one_concept():
    """Longer than 400 lines: would two concepts live better in two files?"""
    lengths = {_name(file): file.read_text(encoding="utf-8").count("\n") for file in _everything()}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}
    assert not [_name(file) for file in _everything() if file.stem in VAGUE_NAMES], (
        "name files by their concept"
    )


def test_everything_public_has_a_docstring():
    folders = (*PACKAGES, "assets", "benchmarks", "docs/_extensions")
    sources = [file for file in _files(*folders) if file.stat().st_size]
    assert not {_name(f): found for f in sources if (found := list(_public_without_docstring(_tree(f))))}


def test_nothing_loads_what_could_run_code():
    """Weights are safetensors and JSON; pickles and torch.load run whatever the file says."""
    sources = _files(*PACKAGES, "assets", "benchmarks")
    assert not {_name(file): found for file in sources if (found := _loads_code(file))}


def test_nothing_is_left_unfinished():
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    assert not [_name(f) for f in _files(*PACKAGES) if unfinished.search(f.read_text(encoding="utf-8"))]


def test_no_text_names_a_place_of_one_machine():
    place = re.compile(r"/(?:wor[k]|roo[t]|hom[e]|Users)/[a-z]")
    texts = [*_files(*PACKAGES, "assets", "benchmarks"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert not [_name(file) for file in texts if place.search(file.read_text(encoding="utf-8"))]


def test_the_rules_can_fail(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(
        "import pickle\n"
        "def public():\n"
        "    import panel.io\n"
        "    import_module('app.state.state')\n"
        "    from train import gan\n"
        "    return torch.load('x'), np.load('y', allow_pickle=True)\n"
    )
    assert _importers([file], UI | {"app", "train"}) == ["bad.py: app, panel, train"]
    assert list(_public_without_docstring(_tree(file))) == ["the module", "public"]
    assert _loads_code(file) == ["pickle", "torch.load", "np.load(allow_pickle=True)"]


def test_the_layout_rules_can_fail(tmp_path):
    sources = {
        "atmodist_core/fields/derive.py": "def f():\n    from atmodist_core.models import card\n",
        "atmodist_core/models/card.py": "if TYPE_CHECKING:\n    from atmodist_core.fields.derive import f\n",
        "atmodist_core/models/store.py": "import_module('atmodist_core.models.card')\n",
        "atmodist_core/simulation/run.py": "from atmodist_core.networks import losses\n",
        "atmodist_core/networks/losses.py": "import atmodist_core\n",
        "atmodist_core/__init__.py": "",
    }
    for number in range(MOST_ENTRIES + 1):
        sources[f"many/file{number}.py"] = ""
    files = [tmp_path / name for name in sources]
    for file, text in zip(files, sources.values(), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    graph = import_graph(files, tmp_path)
    assert graph["atmodist_core.models.store"] == {"atmodist_core.models.card"}
    assert import_cycles(graph) == [["atmodist_core.fields.derive", "atmodist_core.models.card"]]
    assert upward_imports(graph) == [
        "atmodist_core.fields.derive imports atmodist_core.models.card",
        "atmodist_core.simulation.run imports atmodist_core.networks.losses",
    ]
    assert large_folders({tmp_path / "many", tmp_path / "atmodist_core"}) == {"many": MOST_ENTRIES + 1}


def test_importing_the_library_is_light():
    """``import atmodist_core`` must not pull in torch, xarray or a user interface: the app starts on it."""
    code = "import sys, atmodist_core; print(sorted({m.split('.')[0] for m in sys.modules}))"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert not [
        name for name in ("torch", "xarray", "matplotlib", "pandas", *sorted(UI)) if f"'{name}'" in loaded
    ]
