"""Rules that keep the house in order, read off the source: who may import whom, sizes, docstrings, safe
loading.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("atmodist_core", "app", "train")
UI = {"panel", "bokeh", "holoviews", "geoviews", "panel_material_ui", "param", "datashader"}
LONGEST_FILE = 400


def _files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


SOURCES = _files(*PACKAGES)
EVERYTHING = _files(*PACKAGES, "assets", "benchmarks", "tests")


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def _imported(file: Path) -> set[str]:
    """Top-level packages that a file imports anywhere, also inside functions."""
    roots = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.split(".")[0])
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
        ):
            roots |= {a.value.split(".")[0] for a in node.args if isinstance(a, ast.Constant) and a.value}
    return roots


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_exist(package):
    assert _files(package)


@pytest.mark.parametrize("file", _files("atmodist_core"), ids=_name)
def test_the_library_imports_neither_app_nor_train_nor_their_frameworks(file):
    assert not _imported(file) & (UI | {"app", "train"})


@pytest.mark.parametrize("file", _files("app", "train"), ids=_name)
def test_app_and_train_never_import_each_other(file):
    own = file.relative_to(ROOT).parts[0]
    assert not _imported(file) & ({"app", "train"} - {own})


@pytest.mark.parametrize("file", SOURCES + _files("benchmarks"), ids=_name)
def test_nothing_but_the_tests_needs_gpl_code(file):
    wanted = _imported(file) & {"pyshtools", "ducc0"}
    assert not wanted or file.parts[-2] == "benchmarks", "only tests and benchmarks may use GPL references"


@pytest.mark.parametrize("file", EVERYTHING, ids=_name)
def test_files_hold_one_concept(file):
    lines = file.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE, f"{lines} lines: would two concepts live better in two files?"
    assert file.stem not in {"utils", "util", "helpers", "misc", "common"}, "name the file by its concept"


def _public_without_docstring(tree: ast.Module) -> list[str]:
    missing = [] if ast.get_docstring(tree) else ["the module"]
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, parent = pending.pop()
        for node in ast.iter_child_nodes(parent):
            if not isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ) or node.name.startswith("_"):
                continue
            overload = any(
                getattr(d, "id", getattr(d, "attr", "")) in {"overload", "setter"}
                for d in node.decorator_list
            )
            if not ast.get_docstring(node) and not overload:
                missing.append(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node))
    return missing


@pytest.mark.parametrize("file", [f for f in SOURCES if f.read_text().strip()], ids=_name)
def test_everything_public_has_a_docstring(file):
    assert not _public_without_docstring(_tree(file))


@pytest.mark.parametrize("file", EVERYTHING, ids=_name)
def test_nothing_loads_what_could_run_code(file):
    """Weights are safetensors and JSON; pickles and torch.load run whatever the file says."""
    if file == Path(__file__):
        return
    assert not _imported(file) & {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = f"{getattr(node.func.value, 'id', '')}.{node.func.attr}"
            assert called not in {"torch.load", "pd.read_pickle", "pandas.read_pickle", "yaml.load"}, called
            keywords = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            if called.endswith(".load"):
                assert keywords.get("allow_pickle") is not True, f"{called}(allow_pickle=True)"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec"}, node.func.id


@pytest.mark.parametrize("file", SOURCES, ids=_name)
def test_nothing_is_left_unfinished(file):
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError", text)


def test_the_architecture_test_sees_violations(tmp_path):
    """The rules above must be able to fail."""
    file = tmp_path / "bad.py"
    file.write_text(
        "def public():\n    import panel.io\n    import_module('app.state')\n    from train import gan\n"
    )
    assert _imported(file) == {"panel", "app", "train"}
    assert _public_without_docstring(_tree(file)) == ["the module", "public"]


def test_importing_the_library_is_light():
    """``import atmodist_core`` must not pull in torch, xarray or a user interface: the app starts on it."""
    code = "import sys, atmodist_core; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for heavy in ("torch", "xarray", "matplotlib", "pandas", *UI):
        assert f"'{heavy}'" not in loaded
