"""Workers that take turns: one process for each framework, told over a pipe what to time next.

Two frameworks in one process fight over its threads. Here only one computes at a time, and all of them stay warm. Only
the standard library is used, as a worker may lack everything else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Worker:
    """A process that prepares tasks and times them when asked, on as many threads as `cores`.

    `folder` is where weights, inputs and outputs are exchanged; `name` is that of its log.
    """

    def __init__(self, name: str, python: str, script: Path, cores: list[int], folder: Path) -> None:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
        # Freed memory is kept, as our commands do with keep_freed_memory(): for all alike, since pages that are handed
        # back to the system and zeroed again cost every framework time that has nothing to do with its layers.
        kept = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=2147483647"
        quiet |= {"GLIBC_TUNABLES": kept}
        environment = {**os.environ, **quiet, **dict.fromkeys(names, str(len(cores)))}
        self.log = folder / f"{name}.log"
        self._process = subprocess.Popen(
            [python, str(script), ",".join(map(str, cores)), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            env=environment,
        )

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and wait for its answer; a failed worker raises RuntimeError with the end of its log."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.log.stem} stopped at {message}:\n{self.log.read_text()[-3000:]}")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def serve(prepare: Callable[[dict[str, Any], Path], tuple[Callable[[], Any], dict[str, Any]]]) -> None:
    """Answer messages until there are no more: the worker's side.

    `prepare` takes a message and the folder, and returns a call to be timed and what else to answer. A message with
    ``run`` times the call of the task of that name instead.
    """
    # Frameworks print what they like; the answers go through a copy of standard output that only they use.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    folder, calls = Path(sys.argv[2]), {}
    for line in sys.stdin:
        message = json.loads(line)
        if "run" in message:
            call, start, start_processor = calls[message["run"]], time.perf_counter(), time.process_time()
            call()
            answer = {"wall": time.perf_counter() - start, "cpu": time.process_time() - start_processor}
        else:
            calls[message["name"]], answer = prepare(message, folder)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def use_cores() -> int:
    """Keep this process on the cores of its command line, and return how many these are."""
    cores = {int(core) for core in sys.argv[1].split(",")}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    return len(cores)
