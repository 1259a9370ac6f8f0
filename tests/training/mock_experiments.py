"""Experiments that take a second, with a training in their place that only counts.

As a program it runs a plan the way train/experiments.py does, so that tests can kill it:
``python mock_experiments.py OUT 'JSON of names, needs and behaviours' JOBS``.
"""

import json
import signal
import sys
import time
from pathlib import Path

TRAINING = """
import json, os, signal, sys, time
from pathlib import Path

spec, stop = json.loads(sys.argv[1]), []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
folder, model = Path(spec["folder"]), Path(spec["model"])
resumed = "--resume" in sys.argv
with (folder.parent / "order.txt").open("a") as file:
    file.write(f"{folder.name} {'goes on' if resumed else 'starts'}\\n")
(folder / "config.json").write_text(json.dumps(spec["config"]))
(folder / "pid").write_text(str(os.getpid()))
for needed in spec["needs"]:
    assert (model.parent / needed / "card.json").is_file(), needed
checkpoint = folder / "checkpoint"
step = int(checkpoint.read_text()) if resumed and checkpoint.is_file() else 0
while step < spec.get("steps", 1):
    time.sleep(spec.get("pause", 0.0))
    step += 1
    (folder / "partial").write_text(str(step))
    (folder / "partial").replace(checkpoint)
    (folder / "curves.csv").write_text(f"step,epoch,seconds\\n{step},0,{step}.50\\n")
    if step == spec.get("fails_at") and not resumed:
        sys.exit("error: Expected weather, found none; look for some.")
    if stop:
        sys.exit(130)
model.mkdir(parents=True)
for name in ("model.safetensors", "curves.csv"):
    (model / name).write_text("")
(model / "card.json").write_text(json.dumps({"scores": {"held_out_mse": 0.25, "held_out_bicubic_mse": 0.5}}))
"""


def run_plan(out: Path, behaviours: dict[str, dict], parallel: int = 1, say=print):
    """Run experiments whose behaviour is given by name: ``needs``, ``steps``, ``pause`` [s], ``fails_at``.

    Returns
    -------
    jobs, queue, finished
    """
    from atmodist_core.training.configuration import to_dict
    from train.plan import queue as _experiment_queue
    from train.plan import runs as _experiment_runs
    from train.plan.experiment_plan import Experiment, Plan

    experiments = tuple(
        Experiment(name, "gan", "", needs={f"need_{i}": n for i, n in enumerate(b.get("needs", ()))})
        for name, b in behaviours.items()
    )

    def arguments_of(job):
        spec = dict(behaviours[job.name], folder=str(job.folder), model=str(job.model))
        spec |= {"config": to_dict(job.config) | {"kind": "GanConfig"}, "needs": list(job.needs)}
        resume = ["--resume"] if (job.folder / "config.json").is_file() else []
        return [sys.executable, "-c", TRAINING, json.dumps(spec), *resume]

    class CountingJob(_experiment_runs.Job):
        process_arguments = arguments_of

        @property
        def config(self):
            from atmodist_core.training.configuration import GAN_PRESETS

            return GAN_PRESETS["smoke"]

    place = _experiment_runs.Place(out)
    jobs = _experiment_runs.jobs_of(Plan("smoke", experiments), place)
    jobs = [CountingJob(job.experiment, job.arguments, job.needs, job.folder, job.model) for job in jobs]
    queue = _experiment_queue.Queue(jobs, parallel, say)
    return jobs, queue, queue.run()


def wait_for(path: Path, seconds: float = 120.0) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + seconds
    while not path.is_file():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.02)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _, _, finished = run_plan(
        Path(sys.argv[1]), json.loads(sys.argv[2]), say=lambda sentence: print(sentence, flush=True)
    )
    sys.exit(0 if finished else 130)
