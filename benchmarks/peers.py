"""Time our networks against the same layers in TensorFlow and against sup3r's generator.

::

    python -m venv .peers && .peers/bin/pip install -r benchmarks/peer_workers/requirements.txt
    python benchmarks/peers.py
    python benchmarks/peers.py --cores 1 2 --repeats 15

TensorFlow and sup3r need an environment of their own (Python 3.11 or 3.12), because their requirements conflict with ours.
Each framework is a process on the same cores; they take turns.

The networks are checked to be equal: Keras models get our weights, and parameter counts, outputs (generator, encoder, distance
network, discriminator) and the losses of three training steps must agree to rounding. Timed are the network alone, from
normalised arrays to an array, and an optimiser step on a constant batch. TensorFlow runs a `tf.function`, compiled by XLA
with `--xla`; its bfloat16 is Keras' policy `mixed_bfloat16`. sup3r has no spatial 4x generator: its 10x one (2 x 5) is used
with 2 instead of 5. Its layers differ from ours: 3 x 3 kernels at both ends, and reflected borders that are cropped.

Ratios are TensorFlow's float32 time divided by each time, turn by turn: above one, the other is faster.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent / "peer_workers"))

from turns import Worker

from atmodist_core.common.hardware import Hardware

SCRIPTS = Path(__file__).resolve().parent / "peer_workers"
REFERENCE = "TensorFlow float32"


@dataclass(frozen=True)
class Settings:
    """What is timed."""

    peer_python: Path = Path(".peers/bin/python")
    """Interpreter of the environment of benchmarks/peer_workers/requirements.txt."""
    cores: tuple[int, ...] = (1,)
    """Numbers of cores to measure with."""
    repeats: int = 9
    """Turns of every contestant."""
    xla: bool = False
    """Compile TensorFlow's graphs with XLA."""
    clock: Literal["wall", "cpu"] = "wall"
    """Seconds of the clock, or of the processor, which a busy machine stretches less."""
    only: str = ""
    """Tasks whose name holds this."""


@dataclass(frozen=True)
class Task:
    """A network at work on one size."""

    name: str
    kind: str
    network: str
    batch: int
    size: tuple[int, int]

    @property
    def items(self) -> str:
        """What a batch is made of."""
        if self.network == "generator":
            return "fields" if self.kind == "inference" else "patches"
        return "patches" if self.network == "encoder" else "pairs"


TASKS = (
    Task("generator 40 x 40 -> 160 x 160", "inference", "generator", 1, (40, 40)),
    Task("generator 80 x 160 -> 320 x 640", "inference", "generator", 1, (80, 160)),
    Task("encoder, patches of 160 x 160", "inference", "encoder", 16, (160, 160)),
    Task("generator, MSE step, 24 -> 96", "training", "generator", 16, (24, 24)),
    Task("distance, step, pairs of 160 x 160", "training", "distance", 16, (160, 160)),
)
CHECKED_ONLY = (
    Task("distance network, outputs", "inference", "distance", 2, (160, 160)),
    Task("discriminator, outputs", "inference", "discriminator", 2, (96, 96)),
)


def contestants(task: Task, has_openvino: bool) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, worker and message of everyone who can do a task."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    engines = ["torch", "openvino"] if has_openvino and task.kind == "inference" else ["torch"]
    for engine, precision in itertools.product(engines, ("float32", "bfloat16")):
        label = "ours" if engine == "torch" else "ours, OpenVINO"
        found.append((f"{label} {precision}", engine, {"engine": engine, "precision": precision}))
    for precision in ("float32", "bfloat16"):
        found.append((f"TensorFlow {precision}", "tensorflow", {"precision": precision}))
    if task.network == "generator":
        found.append(("sup3r float32", "tensorflow", {"kind": "sup3r", "precision": "float32"}))
    return found


def check(task: Task, answers: dict[str, dict[str, Any]], folder: Path) -> str:
    """Assert that all but sup3r computed the same thing, and say how close they came."""
    ours = answers["ours float32"]
    same = {name: answer for name, answer in answers.items() if not name.startswith("sup3r")}
    assert all(answer["parameters"] == ours["parameters"] for answer in same.values()), answers
    if task.kind == "training":
        theirs = answers[REFERENCE]["losses"]
        np.testing.assert_allclose(theirs, ours["losses"], rtol=1e-3)
        listed = " ".join(f"{loss:.4f}" for loss in theirs)
        return f"{ours['parameters']} parameters; losses of three steps agree: {listed}"
    wanted, errors = np.load(folder / f"{task.name}: ours float32.npy"), {}
    for name in same:
        found = np.load(folder / f"{task.name}: {name}.npy")
        assert found.shape == wanted.shape, (name, found.shape, wanted.shape)
        errors[name] = float(np.sqrt(np.mean((found - wanted) ** 2)) / wanted.std())
        limit = 1e-4 if name.endswith("float32") else 0.1
        assert errors[name] < limit, (name, errors)
    listed = ", ".join(f"{name} {error:.1e}" for name, error in errors.items() if name != "ours float32")
    return f"{ours['parameters']} parameters; rms difference from ours in float32: {listed}"


def time_task(
    task: Task, workers: dict[str, Worker], settings: Settings, has_openvino: bool, folder: Path
) -> None:
    """Prepare, check and time one task, and print its part of the table."""
    about = {"task": task.name, "kind": task.kind, "network": task.network, "batch": task.batch}
    about |= {"size": task.size, "xla": settings.xla}
    everyone = contestants(task, has_openvino)
    if task in CHECKED_ONLY:
        everyone = [one for one in everyone if one[0] in ("ours float32", REFERENCE)]
    answers = {
        name: workers[worker].ask(name=f"{task.name}: {name}", **{**about, **more})
        for name, worker, more in everyone
    }
    print(f"\n{task.name}: {check(task, answers, folder)}", flush=True)
    if task in CHECKED_ONLY:
        return
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in everyone}
    for turn in range(settings.repeats + 2):
        for name, worker, _ in everyone:
            took = workers[worker].ask(run=f"{task.name}: {name}")[settings.clock]
            if turn >= 2:  # the first two warm up
                seconds[name].append(took)
    for name, values in seconds.items():
        low, median, high = (1e3 * value for value in statistics.quantiles(values, n=4))
        ratios = [theirs / mine for theirs, mine in zip(seconds[REFERENCE], values, strict=True)]
        first, ratio, last = statistics.quantiles(ratios, n=4)
        print(
            f"  {name:26s} {median:9.1f} ms ({low:.1f}-{high:.1f}) {1e3 * task.batch / median:8.1f} {task.items}/s"
            f"   {ratio:6.2f} x ({first:.2f}-{last:.2f})",
            flush=True,
        )


def main(settings: Settings) -> None:
    """Compare on each number of cores."""
    python = settings.peer_python.absolute()
    if not python.exists():
        print(
            f"Skipped: needs TensorFlow and sup3r in an environment of their own, found none at {settings.peer_python}; "
            "make it with: python -m venv .peers && .peers/bin/pip install -r benchmarks/peer_workers/requirements.txt"
        )
        return
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    for count in settings.cores:
        if count > len(available):
            print(f"Skipped {count} cores: this process may use {len(available)}.")
            continue
        with tempfile.TemporaryDirectory() as name:
            folder, cores = Path(name), available[:count]
            workers = {
                name: Worker(name, interpreter, SCRIPTS / script, cores, folder)
                for name, interpreter, script in (
                    ("torch", sys.executable, "torch_worker.py"),
                    ("openvino", sys.executable, "torch_worker.py"),
                    ("tensorflow", str(python), "tensorflow_worker.py"),
                )
            }
            versions = {who: worker.ask(name="version") for who, worker in workers.items()}
            openvino = versions["torch"]["openvino"]
            machine = Hardware("cpu", "both precisions").describe().split(",")[0]
            print(
                f"\n{machine}, {count} core(s); torch {versions['torch']['version']}, OpenVINO {openvino or 'not installed'}, "
                f"TensorFlow {versions['tensorflow']['version']}{' with XLA' if settings.xla else ''}; "
                f"{settings.repeats} turns, {settings.clock} clock, median (quartiles)"
            )
            for task in (*CHECKED_ONLY, *TASKS):
                if settings.only in task.name:
                    time_task(task, workers, settings, openvino is not None, folder)
            for worker in workers.values():
                worker.close()


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
