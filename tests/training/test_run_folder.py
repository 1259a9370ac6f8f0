"""environment.json: what a result can depend on, and nothing that names a person or a machine."""

import json
import platform
import socket
from pathlib import Path

import pytest
import torch

from atmodist_core.common.hardware import Hardware
from atmodist_core.training.configuration import RunConfig
from atmodist_core.training.records.run_folder import (
    describe_environment,
    relative_command,
    write_environment,
)


def test_the_environment_of_a_run_and_of_its_continuation(tmp_path):
    run, hardware = RunConfig(out=tmp_path / "run"), Hardware("cpu", "float32")
    write_environment(run, hardware)
    write_environment(run, hardware, step=40)
    text = (tmp_path / "run" / "environment.json").read_text()
    first, second = json.loads(text)["starts"]
    assert (first["from_step"], second["from_step"]) == (0, 40)
    assert first["python"] == platform.python_version()
    assert first["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert {"torch", "numpy", "xarray", "zarr"} <= {k for k, v in first["packages"].items() if v}
    assert first["precision"] == "float32" and first["device"] == "cpu"
    assert first["threads"] == torch.get_num_threads() and first["cores"] >= 1
    assert "thread" not in first["processor"] and first["processor"]
    if first["git_commit"] is not None:
        assert len(first["git_commit"]) == 40 and isinstance(first["git_changes"], bool)
    assert socket.gethostname() not in text.replace(platform.machine(), "")
    assert str(Path.home()) + "/" not in text and str(tmp_path) not in text
    write_environment(run, hardware)  # a run begun anew forgets the former
    assert len(json.loads((tmp_path / "run" / "environment.json").read_text())["starts"]) == 1


def test_a_broken_environment_does_not_stop_a_continuation(tmp_path):
    (tmp_path / "environment.json").write_text("{")
    write_environment(RunConfig(out=tmp_path), None, step=7)
    assert json.loads((tmp_path / "environment.json").read_text())["starts"][0]["from_step"] == 7


PLACES = {
    "/home/somebody/era5.zarr": ".../era5.zarr",
    "~/era5.zarr": ".../era5.zarr",
    "../../somebody/era5.nc": ".../era5.nc",
    "--out=/scratch/somebody/runs/a": "--out=.../a",
    "C:\\Users\\somebody\\era5.nc": ".../era5.nc",
    "runs/a": "runs/a",
    "--learning-rate": "--learning-rate",
    "0.1": "0.1",
    "https://user:secret@example.org/era5.zarr": "https://example.org/era5.zarr",
    "gs://bucket/era5.zarr": "gs://bucket/era5.zarr",
}


@pytest.mark.parametrize("given", PLACES)
def test_paths_lose_their_place(given):
    (found,) = relative_command([given])
    assert found == PLACES[given]


def test_paths_inside_the_working_folder_and_the_checkout_are_relative(tmp_path, monkeypatch, repository):
    monkeypatch.chdir(tmp_path)
    command = [str(repository / "train" / "gan.py"), "--out", str(tmp_path / "runs" / "a")]
    assert relative_command(command) == ["train/gan.py", "--out", "runs/a"]
    assert describe_environment(None, command)["command"] == ["train/gan.py", "--out", "runs/a"]
