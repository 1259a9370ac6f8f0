"""What is in the wheel, and that it works where there is no clone."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
LARGEST_WHEEL = 100e6
LARGEST_MODEL = 8e6
DEVELOPMENT_FILES = re.compile(
    r"app/screenshots\.py|app/globe/(src|test)/.*|app/globe/package.*\.json|assets/.*\.py"
)


def _tracked(*folders: str) -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("compares with what git tracks, and this is no clone")
    git = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in git.stdout.split("\0") if name and (ROOT / name).exists()}


def test_every_tracked_file_that_is_needed_is_in_the_wheel():
    """Scripts, pages, weights and Zarr chunks too: a missing one shows only on somebody else's machine."""
    packed = {
        os.path.relpath(file.path, ROOT): file.distribution_path
        for file in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    needed = {name for name in _tracked(*WHEEL["only-include"]) if not DEVELOPMENT_FILES.fullmatch(name)}
    assert any(name.endswith(".js") for name in needed) and any("/c/0" in name for name in needed)
    assert not needed - packed.keys()
    assert not {name for name in packed if DEVELOPMENT_FILES.fullmatch(name)}
    tops = {Path(place).parts[0] for place in packed.values()}
    assert tops == {"atmodist_core", "atmodist_studio"}


def test_every_shipped_model_is_small():
    sizes = {
        file.parent.name: file.stat().st_size for file in (ROOT / "assets" / "models").glob("*/*.safetensors")
    }
    assert len(sizes) > 10 and {name: size for name, size in sizes.items() if size > LARGEST_MODEL} == {}


def test_the_source_archive_holds_every_tracked_file():
    packed = {os.path.relpath(f.path, ROOT) for f in SdistBuilder(str(ROOT)).recurse_included_files()}
    assert (
        not _tracked("app", "assets", "atmodist_core", "atmodist_studio", "docs", "tests", "train") - packed
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder with the unpacked wheel, as site-packages would hold it."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    assert Path(wheel).stat().st_size < LARGEST_WHEEL
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def _run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder without a clone, with the wheel on the path."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ATMODIST_")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


_LIBRARY = """
import pathlib
import atmodist_core as ad
from atmodist_core.common.assets import asset_folder
assert pathlib.Path(ad.__file__).is_relative_to({site!r}), ad.__file__
assert asset_folder("models").is_relative_to({site!r}), asset_folder("models")
assert (asset_folder("results") / "evaluation.nc").is_file()
demo = ad.open_demo().isel(time=[0, 1], latitude=slice(40, 104), longitude=slice(0, 64)).load()
fine = ad.load_downscaler("srgan-4x-atmodist")(ad.coarsen(demo, factor=4))
assert float(fine.vorticity.std()) > 1e-6
assert ad.load_distance("atmodist-23").embed(demo).sizes
assert len(ad.cities()) == 150 and len(ad.coastlines()) > 0
"""


@pytest.mark.slow
def test_the_library_works_from_the_wheel_alone(installed, tmp_path):
    ended = _run(installed, tmp_path, "-c", _LIBRARY.format(site=str(installed)))
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_the_commands_work_from_the_wheel_alone(installed, tmp_path):
    listed = _run(installed, tmp_path, "-m", "atmodist_studio")
    assert "\n  app " in listed.stdout and "\n  evaluate " in listed.stdout
    shown = _run(installed, tmp_path, "-m", "atmodist_studio", "evaluate", "--help")
    assert shown.returncode == 0 and "usage: atmodist evaluate" in shown.stdout
