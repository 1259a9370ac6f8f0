"""Experiments in order: stopped, killed, failing, several at once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training import mock_experiments
from tests.training.mock_experiments import run_plan, wait_for
from train.experiments import summary
from train.plan.runs import is_locked, lock

PLAN = {"a": {}, "b": {"needs": ["a"]}, "c": {}, "d": {"needs": ["b", "c"]}}


def order(out):
    return (out / "order.txt").read_text().splitlines()


def start(out, plan):
    """Run a plan in a process of its own, which can be killed."""
    words = [sys.executable, mock_experiments.__file__, str(out), json.dumps(plan)]
    environment = os.environ | {"PYTHONPATH": str(Path(mock_experiments.__file__).parents[2])}
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def finish(process):
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def test_each_comes_after_those_it_needs_and_nothing_is_done_twice(tmp_path):
    reversed_plan = dict(reversed(PLAN.items()))
    jobs, queue, finished = run_plan(tmp_path, reversed_plan, parallel=2)
    assert finished and queue.done == set(PLAN) and not queue.failed
    names = [line.removesuffix(" starts") for line in order(tmp_path)]
    assert sorted(names) == list("abcd") and names[-1] == "d" and names.index("a") < names.index("b")
    said = []
    run_plan(tmp_path, PLAN, say=said.append)
    assert said == [] and len(order(tmp_path)) == 4
    table = summary(jobs, {})
    assert "| a | done | 0:00:02 | mse 0.25 |" in table  # the clock of the curves; bicubic is not the model


def test_a_failure_leaves_what_does_not_need_it_alone(tmp_path):
    said = []
    plan = PLAN | {"a": {"fails_at": 1}}
    jobs, queue, finished = run_plan(tmp_path, plan, say=said.append)
    assert finished and queue.done == {"c"}
    assert queue.failed["a"] == "Expected weather, found none; look for some."
    assert queue.failed["b"] == "needs a" and queue.failed["d"] == "needs b"
    assert any("a: failed (Expected weather" in sentence and "output.log" in sentence for sentence in said)
    assert "| a | failed: Expected weather, found none" in summary(jobs, queue.failed)
    assert "| b | missing: needs a |" in summary(jobs, queue.failed)

    _, queue, _ = run_plan(tmp_path, plan)  # mended: it goes on, and the others follow
    assert queue.done == set("abcd") and not (tmp_path / "a" / "failure.txt").exists()
    assert order(tmp_path) == ["a starts", "c starts", "a goes on", "b starts", "d starts"]


def test_a_run_of_other_settings_is_not_touched(tmp_path):
    run_plan(tmp_path, {"a": {}})
    path = tmp_path / "a" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"factor": 8}))
    _, queue, _ = run_plan(tmp_path, PLAN)
    assert "other settings (--factor (8 -> 4))" in queue.failed["a"] and queue.done == {"c"}
    assert order(tmp_path) == ["a starts", "c starts"]


SLOW = {"a": {"steps": 30, "pause": 0.1}, "b": {"needs": ["a"]}}


def test_kill_9_of_both_goes_on_from_the_checkpoint(tmp_path):
    process = start(tmp_path, SLOW)
    wait_for(tmp_path / "a" / "checkpoint")
    child = process_number(tmp_path / "a")
    process.kill()
    os.kill(child, signal.SIGKILL)
    finish(process)
    assert 1 <= int((tmp_path / "a" / "checkpoint").read_text()) < 30
    code, said = finish(start(tmp_path, SLOW))
    assert code == 0 and "a: continues." in said
    assert order(tmp_path) == ["a starts", "a goes on", "b starts"]


def test_a_training_that_outlives_its_caller_is_waited_for(tmp_path):
    process = start(tmp_path, SLOW)
    wait_for(tmp_path / "a" / "checkpoint")
    kill(process)
    assert is_locked(tmp_path / "a")  # held by the training itself
    code, said = finish(start(tmp_path, SLOW))
    assert code == 0 and "a: is running already, waiting for it." in said and "a: done" in said
    assert order(tmp_path) == ["a starts", "b starts"]


def test_an_orphan_that_dies_is_gone_on_with(tmp_path):
    process = start(tmp_path, SLOW)
    wait_for(tmp_path / "a" / "checkpoint")
    child = process_number(tmp_path / "a")
    kill(process)
    second = start(tmp_path, SLOW)
    while "waiting" not in second.stdout.readline():
        assert second.poll() is None
    os.kill(child, signal.SIGKILL)
    assert finish(second)[0] == 0
    assert order(tmp_path) == ["a starts", "a goes on", "b starts"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_stop_reaches_the_trainings(tmp_path, number):
    process = start(tmp_path, {"a": {"steps": 10_000, "pause": 0.05}, "b": {"needs": ["a"]}})
    wait_for(tmp_path / "a" / "checkpoint")
    process.send_signal(number)
    code, said = finish(process)
    assert code == 130 and "a: stopped, its checkpoint is kept." in said
    assert order(tmp_path) == ["a starts"] and not (tmp_path / "a" / "failure.txt").exists()
    assert not is_locked(tmp_path / "a")


def test_a_killed_training_is_a_failure_that_says_so(tmp_path):
    process = start(tmp_path, SLOW)
    wait_for(tmp_path / "a" / "checkpoint")
    child = process_number(tmp_path / "a")
    os.kill(child, signal.SIGKILL)
    code, said = finish(process)
    assert code == 0 and "a: failed (killed by SIGKILL" in said and "b: left out, it needs a." in said


def test_a_lock_is_held_by_one(tmp_path):
    with lock(tmp_path) as first:
        assert first is not None and is_locked(tmp_path)
        with lock(tmp_path) as second:
            assert second is None
    assert not is_locked(tmp_path)


def kill(process):
    """Not communicate(): the training that lives on holds nothing of ours but its lock and its log."""
    process.kill()
    process.wait(timeout=60)
    process.stdout.close()


def process_number(run):
    """Of the training that writes to a run."""
    return int((run / "pid").read_text())
