"""The project's promises to a newcomer: names, commands, licence, version, links in the texts."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import atmodist_core as ad
from atmodist_studio.command import command_files
from tests.house.test_architecture import PACKAGES, imported_packages

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
PUBLIC_NAMES = [
    *("open_fields", "open_demo", "vorticity_divergence", "wind", "coarsen", "Region", "REGIONS"),
    *("energy_spectrum", "regional_spectrum", "cities", "coastlines", "UserError", "Cancelled"),
    *("list_models", "ModelCard", "load_downscaler", "Downscaler", "load_distance", "AtmoDist"),
]
EVALUATION_NAMES = ["semivariogram", "lag_curve", "local_statistics", "wasserstein", "scores"]


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_names_exist(name):
    assert getattr(ad, name) is not None
    assert name in dir(ad)


@pytest.mark.parametrize("name", EVALUATION_NAMES)
def test_evaluation_names_exist(name):
    assert callable(getattr(ad.evaluation, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'open_feilds'"):
        ad.open_feilds  # noqa: B018


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, flags=re.MULTILINE))


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_in_texts_exist(text):
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text.read_text(), flags=re.DOTALL))
    for target in re.findall(r"\bmake ([a-z][a-z-]*)", code):
        assert target in _make_targets(), f"make {target}"
    for script in re.findall(r"(?:python|torchrun[^\n]*?) ([a-z_]+/[\w/]+\.py)", code):
        assert (ROOT / script).is_file(), script
    for module in re.findall(r"python -m ((?:app|train|atmodist_core)[\w.]*)", code):
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module
    for name in re.findall(r"(?:^|`|bin/)atmodist ([a-z][a-z-]*)", code, flags=re.MULTILINE):
        assert name in command_files(), f"atmodist {name}"


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_in_texts_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (text.parent / target).exists(), target


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_of_the_library_in_texts_exist(text):
    for name in re.findall(r"\bad\.([A-Za-z_]\w*)", text.read_text()):
        assert hasattr(ad, name), f"ad.{name}"
    for module in re.findall(r"`((?:atmodist_core|app|train)/[\w/.]+)`", text.read_text()):
        assert (ROOT / module).exists(), module


def test_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert "make app" in readme and "make test" in readme


def test_ci_calls_the_readme_test_command():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert re.search(r"^exec make test$", script.read_text(), flags=re.MULTILINE)


def test_version_and_licence_agree_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == ad.__version__
    assert citation["license"] == PYPROJECT["project"]["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")
    assert f"## [{ad.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
    assert {"title", "authors", "message", "cff-version"} <= citation.keys()
    assert any(r.get("doi") == "10.1017/eds.2023.1" for r in citation["references"])


def test_constraints_pin_every_dependency():
    """Whatever ``pip install -e .[...]`` may ask for has exactly one tested release."""

    def plain(name: str) -> str:
        return re.split(r"[<>=!\[ ;]", name)[0].lower().replace("_", "-")

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.!]*", pin) for pin in pins), "one plain pin a line"
    pinned = {plain(pin) for pin in pins}
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = [*PYPROJECT["project"]["dependencies"], *(d for group in extras.values() for d in group)]
    assert not {plain(name) for name in wanted} - pinned


def test_dependencies_are_those_that_are_imported():
    """Each declared package is used by what it is declared for, and nothing undeclared is imported."""
    distribution = {"lightning_fabric": "lightning-fabric", "panel_material_ui": "panel-material-ui"}
    distribution |= {"imageio_ffmpeg": "imageio-ffmpeg", "PIL": "pillow"}

    def plain(entries: list[str]) -> set[str]:
        return {re.split(r"[<>=\[]", entry)[0].lower() for entry in entries}

    extras = PYPROJECT["project"]["optional-dependencies"]
    base = plain(PYPROJECT["project"]["dependencies"])
    optional = plain(
        [
            e
            for group in ("train", "grib", "report", "openvino", "plots", "remote", "integrations")
            for e in extras[group]
        ]
    )
    imported = set()
    for package in PACKAGES:
        roots = set().union(*(imported_packages(file) for file in (ROOT / package).rglob("*.py")))
        imported |= {distribution.get(root, root).lower() for root in roots - sys.stdlib_module_names}
    # pyproj is only loaded early where something else has installed it; playwright takes the pictures of the docs.
    assert not imported - base - optional - set(PACKAGES) - {"pyproj", "playwright"}
    # By name: netCDF4, h5netcdf and h5py by xarray, aiohttp and gcsfs by fsspec, tensorboard by torch, the next
    # three by atmodist_core.figures.report.optional, the next two by atmodist_core.plots.backend, torchmetrics by
    # atmodist_core.integrations.optional_base. The package scores is only tested against.
    loaded_by_name = {"netcdf4", "h5netcdf", "h5py", "aiohttp", "gcsfs", "tensorboard"}
    loaded_by_name |= {"jinja2", "reportlab", "pypdf", "geoviews", "cartopy", "torchmetrics", "scores"}
    assert not (base | optional) - imported - loaded_by_name


def test_every_model_that_ships_is_safetensors_with_a_card():
    models = ROOT / "assets" / "models"
    for folder in sorted(p for p in models.iterdir() if p.is_dir()):
        names = {p.name for p in folder.iterdir()}
        assert {"model.safetensors", "card.json"} <= names, folder.name
        assert not [n for n in names if n.endswith((".pt", ".pth", ".pkl", ".ckpt"))], folder.name
        card = json.loads((folder / "card.json").read_text())
        assert card["name"] == folder.name and card["licence"]
