"""The folder of a run and the environment it was computed in."""

import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from atmodist_core import __version__
from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.hardware import Hardware
from atmodist_core.training.configuration import RunConfig
from atmodist_core.training.records.provenance import checkout_state

ENVIRONMENT_NAME = "environment.json"
SAMPLES_NAME = "samples"

_PACKAGES = ("torch", "numpy", "xarray", "zarr", "dask", "lightning-fabric", "safetensors")
_REPOSITORY = Path(__file__).resolve().parents[3]


def write_environment(run: RunConfig, hardware: Hardware | None, step: int = 0) -> None:
    """Write ``environment.json``: one entry for the start of a run (step 0) and one for each continuation."""
    path = run.out / ENVIRONMENT_NAME
    starts = _earlier_starts(path) if step else []
    starts.append({"from_step": step, **describe_environment(hardware)})
    run.out.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps({"starts": starts}, indent=2) + "\n", encoding="utf-8")


def _earlier_starts(path: Path) -> list[dict[str, Any]]:
    try:
        starts = json.loads(path.read_text(encoding="utf-8"))["starts"]
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        return []  # written by a version without this file
    return list(starts)


def describe_environment(hardware: Hardware | None, arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Return what a result can depend on besides the settings, without names of people or machines.

    They are JSON types: time (UTC), command (default: that of this process), versions, git commit, processor
    or GPU, cores, threads, processes.
    """
    commit, changed = checkout_state() or (None, None)
    device = hardware.device if hardware else ("cuda" if torch.cuda.is_available() else "cpu")
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": relative_command(sys.argv if arguments is None else arguments),
        "version": __version__,
        "git_commit": commit,
        "git_changes": changed,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
        "processor": _processor(hardware),
        "precision": hardware.precision if hardware else None,
        "cuda": torch.version.cuda if device == "cuda" else None,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
    }


def _processor(hardware: Hardware | None) -> str:
    """The first words of the hardware's description: threads and precision have entries of their own."""
    if hardware is None:
        return platform.machine()
    return hardware.describe().rsplit(", ", 2 if hardware.device == "cpu" else 1)[0]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def relative_command(arguments: Sequence[str]) -> list[str]:
    """Return a command line without anything that identifies the machine.

    Absolute paths become relative to the working folder or the checkout; of those outside both only the last
    part is kept. User names and passwords are taken out of addresses.

    Examples
    --------
    >>> relative_command(["gan.py", "--data", "/scratch/somebody/era5.zarr", "--out=/scratch/x/runs/a"])
    ['gan.py', '--data', '.../era5.zarr', '--out=.../a']
    """
    return [_without_place(argument) for argument in arguments]


def _without_place(argument: str) -> str:
    flag, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    if "://" in value:
        return flag + equals + re.sub(r"://[^/@]*@", "://", value)
    if not value.startswith(("/", "~")) and not re.match(r"[A-Za-z]:[\\/]", value):
        # Parent folders may contain a user name too.
        return flag + equals + (_last_part(value) if value.startswith("../") else value)
    path = Path(value)
    for base in (Path.cwd(), _REPOSITORY):
        if path.is_relative_to(base):
            return flag + equals + path.relative_to(base).as_posix()
    return flag + equals + _last_part(value)


def _last_part(path: str) -> str:
    return ".../" + path.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1]
