"""Killed in the middle of writing, and gone on with: the same store as without the kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atmodist_core.training.store.store_layout import read_description
from atmodist_core.training.store.store_ledger import LEDGER_NAME
from tests.training.prepared_stores import bytes_of, prepared, write_sources

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"tile": 20, "shard_megabytes": 0.04, "validation_fraction": 0.25, "gap_hours": 6.0}


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_store(weather, tmp_path):
    sources = write_sources(weather, tmp_path)
    whole = prepared(sources, tmp_path / "whole", **SETTINGS)
    broken = tmp_path / "broken"
    flags = [part for name, value in SETTINGS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, str(ROOT / "train" / "prepare.py"), "--data", *sources, "--out", str(broken)]
    process = subprocess.Popen(
        [*command, *flags, "--workers", "1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 200
    while not (broken / LEDGER_NAME).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL, "the run was over before it could be killed"
    assert not read_description(broken, complete=False).complete
    written, shards = len(list(broken.rglob("c/*/0/0/0"))), len(list(whole.rglob("c/*/0/0/0")))
    assert 0 < written < shards and shards == 30  # two times in each
    # What a kill in the middle of a write could leave of the last shard, if files were not moved into place.
    last = broken / "member_001" / "values" / "c" / "9" / "0" / "0" / "0"
    last.parent.mkdir(parents=True, exist_ok=True)
    last.write_bytes(b"torn")
    last.with_name("0.123.partial").write_bytes(b"half")
    prepared(sources, broken, **SETTINGS, resume=True)
    assert bytes_of(broken) == bytes_of(whole)
