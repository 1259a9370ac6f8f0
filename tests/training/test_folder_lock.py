"""Two processes never write to one folder."""

import dataclasses
import subprocess
import sys
import time

import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.common.folder_lock import LOCK_NAME, exclusive_folder
from atmodist_core.simulation import run_simulation
from atmodist_core.training.autoencoder.autoencoder_training import train_autoencoder
from atmodist_core.training.distance.distance_training import train_distance
from atmodist_core.training.ensemble.ensemble_training import train_ensemble
from atmodist_core.training.gan.gan_training import train_gan
from atmodist_core.training.store.store_writing import prepare_store
from tests.simulation.test_run import SMALL
from tests.training.mock_weather import distance_config, ensemble_config, gan_config
from tests.training.prepared_stores import SMALL as SMALL_STORE
from tests.training.prepared_stores import write_sources
from tests.training.test_autoencoder import autoencoder_config

HOLD = """
import sys, time
from pathlib import Path
from atmodist_core.common.folder_lock import exclusive_folder
with exclusive_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lock_of_another_process_counts_until_it_is_killed(tmp_path, repository):
    arguments = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=repository)
    try:
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=f"found process {process.pid} doing so"),
            exclusive_folder(tmp_path),
        ):
            pass
    finally:
        process.kill()
        process.wait(timeout=60)
        process.stdout.close()
    assert (tmp_path / LOCK_NAME).exists()  # left behind, and stale
    for _ in range(50):
        try:
            with exclusive_folder(tmp_path):
                break
        except UserError:
            time.sleep(0.1)
    else:
        pytest.fail("a stale lock was not noticed")
    assert not (tmp_path / LOCK_NAME).exists()


@pytest.mark.parametrize("command", ["distance", "gan", "ensemble", "autoencoder", "prepare", "simulate"])
def test_every_command_that_writes_refuses_a_folder_in_use(command, weather, tmp_path):
    out = tmp_path / "out"
    calls = {
        "distance": lambda: train_distance(distance_config(out), [weather]),
        "gan": lambda: train_gan(gan_config(out), [weather]),
        "ensemble": lambda: train_ensemble(ensemble_config(out), [weather]),
        "autoencoder": lambda: train_autoencoder(autoencoder_config(out), [weather]),
        "simulate": lambda: run_simulation(SMALL, out),
    }
    lock = None
    if command == "prepare":
        config = dataclasses.replace(SMALL_STORE, data=tuple(write_sources(weather, tmp_path)), out=out)
        calls["prepare"] = lambda: prepare_store(config)
        lock = tmp_path / ".out.lock"
    with exclusive_folder(out, lock), pytest.raises(UserError, match="Expected one process at a time"):
        calls[command]()
