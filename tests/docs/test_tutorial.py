"""The tutorial is done: its commands and blocks run in order in an empty folder."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"


@pytest.mark.slow
def test_the_tutorial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    names: dict = {}
    done = {"python": 0, "sh": 0}
    for kind, block in re.findall(r"```(python|sh)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        done[kind] += 1
        if kind == "python":
            exec(compile(block, str(PAGE), "exec"), names)
            continue
        for line in block.splitlines():
            command, *flags = shlex.split(line)
            assert command == "atmodist"
            run = subprocess.run(
                [sys.executable, "-m", "atmodist_studio", *flags], capture_output=True, text=True, check=False
            )
            assert run.returncode == 0, f"{line}\n{run.stderr[-2000:]}"
    assert done == {"python": 5, "sh": 4}
    crps = names["crps"].to_series()
    assert crps["ensemble-4x-atmodist"] < 0.8 * crps["mean"] and crps["ensemble-4x-atmodist"] < crps["mine"]
    assert names["matrix"].isel(time=0).values[-1] > 0
    assert {path.name for path in tmp_path.glob("spectra*")} >= {"spectra.pdf", "spectra.nc"}
