"""Full disks and numbers that no setting can mean end a command with one sentence."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.training.configuration import DISTANCE_PRESETS, DistanceConfig
from atmodist_core.training.distance.distance_training import train_distance
from tests.training.mock_weather import distance_config
from train import _cli, autoencoder, distance, ensemble, gan, prepare, simulate
from train.applications import gaps

COMMANDS = {
    module.__name__.rsplit(".", 1)[-1]: module
    for module in (autoencoder, distance, ensemble, gan, gaps, prepare, simulate)
}
NUMBERS = {
    "autoencoder": ("--learning-rate", "--batch-size"),
    "distance": ("--clip-norm", "--epochs"),
    "ensemble": ("--crps-weight", "--members"),
    "gan": ("--adversarial-weight", "--filters"),
    "gaps": ("--mse-weight", "--filters"),
    "prepare": ("--shard-megabytes", "--every"),
    "simulate": ("--days", "--truncation"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300", ""])
def test_floats_that_mean_nothing_are_refused(command, value, tmp_path):
    arguments = [NUMBERS[command][0], value, "--out", str(tmp_path / "out")]
    with pytest.raises(UserError, match=NUMBERS[command][0]) as error:
        COMMANDS[command].main(arguments)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_huge_integers_are_refused(command, tmp_path):
    with pytest.raises(UserError, match=r"truncation|--[a-z-]+"):
        COMMANDS[command].main([NUMBERS[command][1], "9" * 30, "--out", str(tmp_path / "out")])


@pytest.mark.parametrize("arguments", [("--out", ""), ("--out=",), ("--data", " "), ("--seed", "-1")])
def test_empty_texts_and_negative_seeds_are_refused(arguments):
    with pytest.raises(UserError, match=arguments[0].partition("=")[0]):
        _cli.parse(DistanceConfig, DISTANCE_PRESETS, arguments, "test")


def test_settings_of_the_library_are_checked_too(tmp_path, weather):
    with pytest.raises(UserError, match="finite number for --learning-rate"):
        train_distance(distance_config(tmp_path, learning_rate=float("inf")), [weather])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "full disk"),
        (errno.EDQUOT, "full disk"),
        (errno.EROFS, "Expected access"),
        (errno.EACCES, "Expected access"),
        (errno.ENOTDIR, "usable path"),
    ],
)
def test_errors_of_the_disk_are_one_sentence(number, words, capsys):
    def main(arguments):
        raise OSError(number, os.strerror(number), "runs/x")

    with pytest.raises(SystemExit) as end:
        _cli.run(main, [])
    text = capsys.readouterr().err
    assert end.value.code == 2 and text.startswith("error: Expected") and text.count("\n") == 1
    assert words in text and "runs/x" in text


def test_bugs_keep_their_traceback():
    def main(arguments):
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        _cli.run(main, [])


SMALL_DISTANCE = (
    "distance --preset smoke --threads 1 --no-progress --sample-epochs 0 --device cpu --patch-size 40 --epochs 1"
    " --batches-per-epoch 4 --batch-size 4 --classes 5 --validation-pairs 4 --final-pairs 4 --matching-pairs 1"
    " --checkpoint-steps 1"
)
SMALL_SIMULATION = (
    "simulate --no-progress --truncation 31 --latitude-count 48 --step-minutes 20 --settle-days 0.25 --days 4"
    " --kept-truncation 31 --checkpoint-slices 2 --ladder 21 32 20 0.5"
)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("needs a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("line", [SMALL_DISTANCE, SMALL_SIMULATION], ids=["distance", "simulate"])
def test_a_full_disk_is_one_sentence_and_loses_nothing(line, small_disk, repository):
    command, *flags = line.split()
    script = [
        sys.executable,
        str(repository / "train" / f"{command}.py"),
        *flags,
        "--out",
        str(small_disk / "o"),
    ]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=1200)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("error: Expected room for")
    left = [path.name for path in (small_disk / "o").rglob("*.partial")]
    assert not left


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_one_sentence(repository):
    with open("/dev/full", "w") as full:
        script = [sys.executable, str(repository / "train" / "experiments.py"), "--plan", "smoke", "--print"]
        ended = subprocess.run(script, stdout=full, stderr=subprocess.PIPE, text=True, timeout=1200)
    assert ended.returncode == 2 and ended.stderr.startswith("error: Expected room")
    assert ended.stderr.count("\n") == 1
