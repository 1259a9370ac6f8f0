"""The commands: presets, flags, and one sentence for every mistake."""

import json
import re
import subprocess
import sys

import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.training.configuration import (
    DISTANCE_PRESETS,
    AutoencoderConfig,
    DistanceConfig,
    EnsembleConfig,
    GanConfig,
)
from train import _cli, autoencoder, distance, ensemble, gan


def parse(*arguments):
    return _cli.parse(DistanceConfig, DISTANCE_PRESETS, arguments, "test")


def test_flags_change_nested_fields_of_the_preset():
    config = parse(
        "--preset", "paper", "--batch-size", "7", "--mirror", "--data", "a", "b", "--out", "runs/x"
    )
    assert config.preset == "paper" and config.epochs == 60
    assert config.batch_size == 7 and config.data.mirror and config.run.out.name == "x"
    assert [path.name for path in config.data.data] == ["a", "b"]
    assert parse().preset == "demo"
    assert parse("--preset=smoke", "--no-mirror").data.mirror is False
    assert parse("--batch_size", "9").batch_size == 9  # underscores are forgiven


def test_every_field_is_a_flag_with_help(capsys):
    generators = ((gan, GanConfig), (ensemble, EnsembleConfig))
    for command, kind in ((distance, DistanceConfig), *generators, (autoencoder, AutoencoderConfig)):
        with pytest.raises(SystemExit) as end:
            command.main(["--help"])
        assert end.value.code in (0, None)
        text = capsys.readouterr().out
        for flag in _cli.flags_of(kind):
            assert re.search(rf"{flag}\b", text), flag
        words = " ".join(text.replace("│", " ").split())
        assert "(default: 0.004)" in words or kind is not GanConfig  # the preset's values are the defaults


FLAGS = {
    "--lerning-rate 3": "found --lerning-rate; did you mean --learning-rate?",
    "--Batch-Size 3": "did you mean --batch-size?",
    "--zzzzzzzzzz": "found --zzzzzzzzzz; see --help",
    "--preset dmeo": "Expected --preset smoke, demo, paper, found 'dmeo'; did you mean demo?",
    "--preset": "--preset",
    "--learning-rate fast": "--learning-rate: could not convert string to float: 'fast'",
    "--classes 23.5": "--classes",
    "--schedule cosine": "Expected one of ('one-cycle', 'plateau', 'constant')",
    "--patch-size": "Missing value for argument '--patch-size'",
    "somewhere": "Expected only flags and their values, found 'somewhere'",
    "--out X": "at least one folder of fields after --data",
    "--data /nowhere --out X": "found nothing at /nowhere",
    "--preset smoke --out X --batch-size 0": "Expected a positive --batch-size, found 0",
    "--preset smoke --out X --classes 1": "at least two --classes",
    "--preset smoke --out X --threads -1": "--threads of 0 or more, found -1",
    "--preset smoke --out X --channels pressure": "Expected the fields pressure",
    "--preset smoke --out X --patch-size 500": "no larger than the grid of 60 x 120",
    "--preset smoke --out X --patch-size 32 --precision bfloat16": "more than 32 points for bfloat16",
    "--preset smoke --out X --latitude-limit 0": "Expected a positive --latitude-limit",
    "--preset smoke --out X --classes 60": "longer than 60 time steps for 60 classes",
    "--preset smoke --out X --lag-step-hours 4": "divides the lag step of 4 h, found 3 h",
    "--preset smoke --out X --validation-fraction 1.5": "between 0 and 1, found 1.5",
    "--preset smoke --out FILE/below": "Expected a folder that can be written for --out",
    "--preset smoke --out X --resume": "Expected a run to resume in",
}
GAN_FLAGS = {
    "--content l2": "Expected one of ('mse', 'l1', 'atmodist', 'autoencoder', 'random-encoder', 'amse'",
    "--preset smoke --out X --adversarial-form hinge": "Expected --balance none with --adversarial-form hinge",
    "--preset smoke --out X --ema-decay 1": "--ema-decay from 0 to below 1, found 1",
    "--preset smoke --out X --conserve-block-mean --pool-normalized": "found --pool-normalized",
    "--preset smoke --out X --factor 2 --output-filter low-pass": "filter_cutoff of GeneratorConfig between 0.5",
    "--preset smoke --out X --content random-encoder --distance-layer stage7": "found 'stage7'",
    "--preset smoke --out X --discriminator-filters 8 0": "positive numbers after --discriminator-filters",
    "--preset smoke --out X --content atmodist --distance nothing": "found 'nothing'",
    "--preset smoke --out X --start-from nothing": "found 'nothing'",
    "--preset smoke --out X --patch-size 30": "that --factor 4 divides, found 30; choose 28",
    "--preset smoke --out X --factor 3": "power of two",
    "--preset smoke --out X --adversarial-weight -1": "--adversarial-weight of 0 or more, found -1",
    "--preset smoke --out X --content-weight 0 --mse-weight 0": "found all 0",
    "--preset smoke --out X --pretraining-epochs 0 --epochs 0 --final-epochs 0": "at least one epoch",
    "--preset smoke --out X --filters 0": "Expected a positive --filters",
}
ENSEMBLE_FLAGS = {
    "--content mse": "Expected one of ('atmodist', 'autoencoder', 'random-encoder')",
    "--preset smoke --out X --members 1": "Expected --members of at least 2, found 1",
    "--preset smoke --out X --held-out-members 1": "--held-out-members of at least 2, found 1",
    "--preset smoke --out X --crps-weight 0 --feature-weight 0": "--feature-weight, found all 0",
    "--preset smoke --out X --patch-weight -1": "--patch-weight of 0 or more, found -1",
    "--preset smoke --out X --noise-channels 0 --fine-noise-channels 0": "members differ by noise",
    "--preset smoke --out X --fair-share 1.5": "Expected --fair-share from 0 to 1, found 1.5",
    "--preset smoke --out X --patch-weight 1 --patch-energy-size 33": "within --patch-size 32, found 33",
    "--preset smoke --out X --epochs 0": "Expected a positive --epochs, found 0",
    "--preset smoke --out X --content atmodist --distance nothing": "found 'nothing'",
    "--preset smoke --out X --distance-layer stage7": "found 'stage7'",
    "--preset smoke --out X --start-from sr-4x-mse": "--filters 16 after --start-from",
    "--preset demo --out X --start-from atmodist-23": "found the distance model 'atmodist-23'",
    "--preset smoke --out X --patch-size 30": "that --factor 4 divides, found 30; choose 28",
}


@pytest.mark.parametrize(
    ("command", "line", "words"),
    [
        *((distance, *case) for case in FLAGS.items()),
        *((gan, *case) for case in GAN_FLAGS.items()),
        *((ensemble, *case) for case in ENSEMBLE_FLAGS.items()),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_mistakes_are_one_clear_sentence(command, line, words, tmp_path, monkeypatch, weather):
    # the weather of the smoke preset is made elsewhere; here only its size matters
    from atmodist_core.training.data import synthetic

    small = synthetic.synthetic_fields(100, latitude_count=60) if "--preset smoke" in line else None
    monkeypatch.setattr(synthetic, "synthetic_fields", lambda: small)
    (tmp_path / "FILE").write_text("a file, not a folder")
    arguments = [str(tmp_path / word) if word.startswith(("X", "FILE")) else word for word in line.split()]
    with pytest.raises(UserError) as error:
        command.main(arguments)
    sentence = str(error.value)
    assert words in sentence
    assert "\n" not in sentence and "Traceback" not in sentence
    assert sentence.startswith("Expected ") and len(sentence) < 500


def test_the_command_prints_the_sentence_and_exits_with_2(repository, tmp_path):
    script = [sys.executable, str(repository / "train" / "distance.py"), "--preset", "smoke", "--lr", "1"]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=1200, cwd=tmp_path)
    assert ended.returncode == 2 and ended.stdout == ""
    assert (
        ended.stderr.startswith("error: Expected a known flag, found --lr") and ended.stderr.count("\n") == 1
    )


def test_smoke_presets_run_from_nothing_to_models(tmp_path, monkeypatch, capsys):
    """Every trainer anywhere, without data: a distance, an autoencoder, a generator, and a GAN of them."""
    monkeypatch.chdir(tmp_path)

    def call(command, *arguments):
        assert command.main(["--preset", "smoke", "--threads", "1", *arguments]) == 0
        return capsys.readouterr().err

    progress = call(distance, "--out", "runs/a", "--export", "models/atmodist-tiny")
    assert re.search(r"loss [\d.]+, accuracy [\d.]+.*pairs/s, 0:00:00 left", progress)
    call(autoencoder, "--out", "runs/e", "--export", "models/autoencoder-tiny")
    call(gan, "--out", "runs/b", "--export", "models/sr", "--epochs", "0", "--final-epochs", "0")
    more = ("--content", "atmodist", "--distance", "models/atmodist-tiny", "--start-from", "models/sr")
    call(gan, "--out", "runs/c", "--export", "models/gan", *more)
    call(ensemble, "--out", "runs/d", "--export", "models/ensemble")

    cards = {
        path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "models").glob("*/card.json")
    }
    assert set(cards) == {"atmodist-tiny", "autoencoder-tiny", "sr", "gan", "ensemble"}
    assert all((tmp_path / "models" / name / "curves.csv").is_file() for name in cards)
    distance_card = cards["atmodist-tiny"]
    assert set(distance_card["distance_scale"]) == {"stage1", "stage2", "stage3", "stage4"}
    needed = {f"{who}_lag_error_hours" for who in ("held_out", "chance", "least_squares", "rms")}
    assert needed | {"held_out_accuracy", "held_out_top3", "rms_accuracy"} <= set(distance_card["scores"])
    assert cards["sr"]["loss"]["adversarial_weight"] == 0.0
    gan_loss = cards["gan"]["loss"]
    assert gan_loss["distance_model"] == "atmodist-tiny" and gan_loss["adversarial_weight"] == 0.004
    assert gan_loss["distance_scale"] == distance_card["distance_scale"]["stage2"]
    assert cards["gan"]["schedule"]["start_model"] == "sr"
    assert cards["gan"]["normalization"] == cards["sr"]["normalization"]
    assert list((tmp_path / "runs" / "a" / "tensorboard").glob("events.out.*"))
    header = (tmp_path / "runs" / "a" / "curves.csv").read_text().splitlines()[0].split(",")
    assert header[:5] == ["step", "epoch", "loss", "accuracy", "top3"]
