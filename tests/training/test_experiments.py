"""The plan of experiments: every command is one that the trainings take, and budgets are equal."""

import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from atmodist_core.common.errors import UserError
from train import _cli, experiments
from train.evaluate import EvaluateConfig
from train.plan.experiment_plan import PLANS, Experiment, Plan
from train.plan.runs import Place, Progress, chosen, jobs_of, progress_of

WHERE = {"data": ("weather/a", "weather/b"), "threads": 2}


@functools.cache
def jobs(plan="demo", hardware="cpu", scale=1.0):
    """Read once: parsing thirty command lines takes seconds."""
    return jobs_of(PLANS[plan], Place(Path("out"), hardware, scale, WHERE))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("hardware", ["cpu", "gpu"])
def test_every_experiment_has_settings_that_its_training_takes(plan, hardware):
    found = jobs(plan, hardware)
    names = [job.name for job in found]
    assert len(set(names)) == len(names)
    for number, job in enumerate(found):
        c = job.config
        assert c.run.seed == job.experiment.seed and str(c.run.export) == f"out/models/{job.name}"
        assert [str(path) for path in c.data.data] == ["weather/a", "weather/b"] and c.run.threads == 2
        assert set(job.needs) <= set(names[:number]), "each after those it needs"
        assert (PLANS[plan].preset, job.experiment.question != "") == (c.preset, True)
        for setting, needed in job.experiment.needs.items():
            assert getattr(c, setting) == f"out/models/{needed}"


@pytest.mark.parametrize(("hardware", "scale"), [("cpu", 0.25), ("gpu", 0.013)])
def test_generators_that_are_compared_have_equal_budgets(hardware, scale):
    found = {job.name: job for job in jobs("demo", hardware, scale)}
    generators = [job for job in found.values() if job.experiment.command == "gan"]
    budgets = {job.samples() for job in generators if job.experiment.needs.get("start_from")}
    assert len(budgets) == 1
    full = jobs("demo", hardware)
    for job, whole in zip(found.values(), full, strict=True):
        assert job.samples()[0] == pytest.approx(scale * whole.samples()[0], rel=0.25)
    assert found["atmodist-23"].samples()[1] == "pairs" and found["sr-4x-mse"].samples()[1] == "patches"


def test_the_controls_differ_in_what_they_are_meant_to(tmp_path):
    found = {job.name: job.config for job in jobs()}
    reference = found["srgan-4x-atmodist"]
    assert found["sr-4x-mse-long"].adversarial_weight == found["sr-4x-atmodist"].adversarial_weight == 0
    assert found["sr-4x-mse"].epochs + found["sr-4x-mse"].final_epochs == 0
    mse = sorted(c.adversarial_weight for n, c in found.items() if re.match("srgan-4x-mse(-adv|$)", n))
    assert len(mse) == 3 and mse[1] == reference.adversarial_weight
    assert reference.adversarial_weight == found["srgan-4x-mse"].adversarial_weight
    contents = {c.content for n, c in found.items() if n.startswith("srgan")}
    assert {"mse", "atmodist", "autoencoder", "random-encoder"} <= contents
    layers = {tuple(c.distance_layer) for c in found.values() if getattr(c, "content", "") == "atmodist"}
    assert {("stage1",), ("stage2",), ("stage3",), ("stage4",)} <= layers and any(len(x) > 1 for x in layers)
    paper = found["srgan-4x-atmodist-paper"]
    assert (paper.mse_weight, paper.adversarial_weight, paper.distance_layer) == (0, 0.001, ("stage4",))
    assert {found[n].classes for n in ("atmodist-15", "atmodist-23", "atmodist-31")} == {15, 23, 31}
    seeds = found["srgan-4x-atmodist-seed1"]
    assert seeds.run.seed == 1 and seeds.distance.endswith("-seed1") and seeds.start_from.endswith("-seed1")


def test_printed_commands_are_those_that_are_run(capsys, repository):
    line = [
        "--plan",
        "demo",
        "--optional",
        "--data",
        "a b",
        "c",
        "--gap-hours",
        "24",
        "--out",
        "o",
        "--print",
    ]
    assert experiments.main(line) == 0
    printed = [shlex.split(text) for text in capsys.readouterr().out.splitlines()]
    place = Place(Path("o"), settings={"data": ("a b", "c"), "gap_hours": 24.0})
    expected = jobs_of(PLANS["demo"], place)
    assert len(printed) == len(expected)
    for words, job in zip(printed, expected, strict=True):
        assert words[0] == "python" and (repository / words[1]).is_file()
        kind = type(job.config)
        presets = {
            job.config.preset: next(v for v in _presets(kind).values() if v.preset == job.config.preset)
        }
        assert _cli.parse(kind, presets, words[2:], words[1]) == job.config
        assert job.config.data.gap_hours == 24.0


def _presets(kind):
    from atmodist_core.training import configuration as c

    return {c.GanConfig: c.GAN_PRESETS, c.DistanceConfig: c.DISTANCE_PRESETS}.get(kind, c.AUTOENCODER_PRESETS)


def test_given_models_take_the_place_of_experiments(capsys):
    place = Place(Path("o"), given={"atmodist-23": "assets/models/atmodist-23"})
    found = {job.name: job for job in jobs_of(PLANS["demo"], place)}
    assert "atmodist-23" not in found and "atmodist-23-seed1" in found
    taking = found["srgan-4x-atmodist"]
    assert taking.config.distance == "assets/models/atmodist-23" and taking.needs == ("sr-4x-mse",)
    names = [job.name for job in chosen(list(found.values()), ["srgan-4x-atmodist"], False)]
    assert names == ["sr-4x-mse", "srgan-4x-atmodist"]
    for words, found_text in (("atmodist-23", "'atmodist-23'"), ("nothing=x", "'nothing'")):
        with pytest.raises(UserError, match=f"--given .*found {found_text}"):
            experiments.main(["--list", "--given", words])


def test_a_choice_brings_what_it_needs():
    found = jobs()
    only = [job.name for job in chosen(found, ["srgan-4x-autoencoder"], False)]
    assert only == ["autoencoder", "sr-4x-mse", "srgan-4x-autoencoder"]
    pattern = {job.name for job in chosen(found, ["srgan-4x-mse*"], False)}
    assert {
        "srgan-4x-mse",
        "srgan-4x-mse-seed1",
        "sr-4x-mse-seed1",
    } <= pattern and "atmodist-23" not in pattern
    usual, all_of_them = chosen(found, [], False), chosen(found, [], True)
    assert {job.name for job in all_of_them} - {job.name for job in usual} == {
        "atmodist-15",
        "atmodist-23-pairs",
        "atmodist-31",
    }
    assert "atmodist-15" in [job.name for job in chosen(found, ["atmodist-15"], False)]


def test_an_unreasonable_plan_is_refused():
    def plan(*experiments):
        return Plan("smoke", experiments)

    circle = plan(
        Experiment("a", "gan", "", needs={"start_from": "b"}),
        Experiment("b", "gan", "", needs={"start_from": "a"}),
    )
    for wrong, words in (
        (circle, "a needs b needs a"),
        (plan(Experiment("a", "gan", "", needs={"start_from": "c"})), "found that a needs 'c'"),
        (plan(Experiment("a", "gan", ""), Experiment("a", "gan", "")), "two of one name"),
    ):
        with pytest.raises(UserError, match=words):
            jobs_of(wrong, Place(Path("out")))
    (job,) = jobs_of(plan(Experiment("a", "gan", "", {"lerning_rate": 1})), Place(Path("out")))
    with pytest.raises(
        UserError, match=r"Experiment a: .*found --lerning-rate; did you mean --learning-rate"
    ):
        _ = job.config


MISTAKES = {
    "": "at least one folder of fields after --data",
    "--plan paper": "Expected --plan demo, rivals, rivals-short, smoke, found 'paper'",
    "--only nothing": "Expected --only to name .*, found 'nothing'",
    "--jobs 0": "--jobs of 1 or more",
    "--budget-scale 0": "positive --budget-scale",
    "--preset tpu": "Expected --preset cpu, gpu, found 'tpu'",
    "--data a --evaluate": "Expected --evaluate-data",
    "--plan smoke --precision float8 --list": "Experiment .*--precision",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_are_one_sentence(line, tmp_path):
    with pytest.raises(UserError, match=MISTAKES[line]) as error:
        experiments.main([*line.split(), "--out", str(tmp_path)])
    assert "\n" not in str(error.value)


def test_the_list_shows_states_budgets_and_needs(tmp_path, capsys):
    assert experiments.main(["--plan", "smoke", "--list", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"\| srgan-4x-atmodist \| missing \|  \| 160 patches \| sr-4x-mse, atmodist-23 \|", text)
    job = next(job for job in jobs_of(PLANS["smoke"], Place(tmp_path)) if job.name == "sr-4x-mse")
    config = json.loads(json.dumps(_settings(job.config) | {"kind": "GanConfig"}))
    job.folder.mkdir()
    (job.folder / "config.json").write_text(json.dumps(config | {"learning_rate": 3.0}))
    progress = progress_of(job)
    assert (progress.state, progress.detail) == ("other settings", "--learning-rate (3.0 -> 0.0001)")
    (job.folder / "config.json").write_text(json.dumps(config))
    assert progress_of(job).state == "stopped"


def _settings(config):
    from atmodist_core.training.configuration import to_dict

    return to_dict(config)


@pytest.mark.slow
def test_the_smoke_plan_from_nothing_to_models(repository, tmp_path):
    """The real trainings, cut short, and a comparison of what they leave."""

    def call(script, *arguments):
        ended = subprocess.run(
            [sys.executable, str(repository / "train" / script), *arguments],
            capture_output=True,
            text=True,
            timeout=1800,
            cwd=tmp_path,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    wanted = ("--plan", "smoke", "--budget-scale", "0.2", "--threads", "1", "--out", "ex")
    first = call("experiments.py", *wanted)
    assert first.count(": starts.") == first.count(": done after") == 5
    again = call("experiments.py", *wanted)
    assert "starts" not in again and again.count("| done |") == 5
    for name in ("atmodist-23", "autoencoder", "srgan-4x-atmodist"):
        run = tmp_path / "ex" / name
        names = {path.name for path in run.iterdir()}
        assert {"config.json", "environment.json", "curves.csv", "samples", "scores.json"} <= names
        assert list((run / "samples").glob("step_*.png")), name
        start = json.loads((run / "environment.json").read_text())["starts"][0]
        assert start["command"][0].startswith("train/") and str(tmp_path) not in json.dumps(start)
    call("figures/compare.py", "ex/srgan-4x-mse", "ex/srgan-4x-atmodist", "--out", "compared")
    text = (tmp_path / "compared" / "comparison.md").read_text()
    assert "| content | mse | atmodist |" in text and "| state | finished | finished |" in text


def test_the_evaluation_gets_its_flags(tmp_path, monkeypatch):
    """All finished generators, and of those that are not MSE ones the targets against the MSE GAN."""
    command = experiments.ExperimentsCommand(
        plan="smoke", out=tmp_path, evaluate=True, evaluate_data=("weather/c",), evaluate_every_hours=24
    )
    found = jobs_of(PLANS["smoke"], Place(tmp_path))
    done = {"atmodist-23", "sr-4x-mse", "srgan-4x-mse", "srgan-4x-atmodist"}
    monkeypatch.setattr(
        experiments, "progress_of", lambda job: Progress("done" if job.name in done else "missing")
    )
    told = _cli.parse(
        EvaluateConfig,
        {"default": EvaluateConfig()},
        experiments.evaluate_arguments(command, found),
        "evaluate",
    )
    generators = ("sr-4x-mse", "srgan-4x-mse", "srgan-4x-atmodist")
    assert told.models == ("bicubic", *(f"{name}={tmp_path}/models/{name}" for name in generators))
    assert (told.candidates, told.reference) == (("srgan-4x-atmodist",), ("srgan-4x-mse",))
    assert (told.data, told.every_hours, told.out) == (("weather/c",), 24, tmp_path / "evaluation")
    done.discard("srgan-4x-atmodist")
    told = _cli.parse(
        EvaluateConfig,
        {"default": EvaluateConfig()},
        experiments.evaluate_arguments(command, found),
        "evaluate",
    )
    assert not told.targets
