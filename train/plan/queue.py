"""Run jobs after the ones they need, several at once; stop and continue at any time."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from train import _cli
from train.plan.runs import FAILURE_NAME, LOG_NAME, REPOSITORY, Job, lock, progress_of

_POLL_SECONDS = 0.2
_REPORT_SECONDS = 60.0


class Queue:
    """Runs all jobs that are not finished, ``parallel`` at once; each comes after those it needs."""

    def __init__(self, jobs: Sequence[Job], parallel: int, say: Callable[[str], None] = print) -> None:
        self.jobs, self.parallel, self.say = list(jobs), parallel, say
        self.waiting = list(jobs)
        self.running: dict[str, subprocess.Popen[bytes] | None] = {}
        """Processes; None for a training that an earlier, killed call of this command left running."""
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self._stop = False
        self._signalled: set[str] = set()
        self._reported = time.monotonic()
        self._lines: dict[str, str] = {}
        self._printed_before: dict[str, int] = {}
        """Bytes of each log that an earlier attempt wrote."""

    def run(self) -> bool:
        """Run until nothing can be done any more; False when it was stopped by SIGINT or SIGTERM."""
        with self._listening():
            while (self.waiting and not self._stop) or self.running:
                self._collect()
                if self._stop:
                    self._pass_on_the_stop()
                else:
                    self._start_ready()
                self._report()
                if self.running:
                    time.sleep(_POLL_SECONDS)
                elif self._stop:
                    break
        return not self._stop

    def _start_ready(self) -> None:
        for job in list(self.waiting):
            broken = [name for name in job.needs if name in self.failed]
            if broken:
                self.waiting.remove(job)
                self.failed[job.name] = f"needs {', '.join(broken)}"
                self.say(f"{job.name}: left out, it needs {', '.join(broken)}.")
            elif set(job.needs) <= self.done and len(self.running) < self.parallel:
                self.waiting.remove(job)
                self._start(job)

    def _start(self, job: Job) -> None:
        progress = progress_of(job)
        if progress.state == "done":
            self.done.add(job.name)
            return
        if progress.state == "other settings":
            self.failed[job.name] = (
                f"{job.folder} holds a run of other settings ({progress.detail}); move it away or choose another --out"
            )
            self.say(f"{job.name}: {self.failed[job.name]}.")
            return
        with lock(job.folder) as handle:
            if handle is None:
                self.running[job.name] = None
                self.say(f"{job.name}: is running already, waiting for it.")
                return
            (job.folder / FAILURE_NAME).unlink(missing_ok=True)
            self.say(f"{job.name}: {'continues' if job.begun else 'starts'}.")
            with (job.folder / LOG_NAME).open("ab") as log:
                self._printed_before[job.name] = log.tell()
                self.running[job.name] = subprocess.Popen(
                    job.process_arguments(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[handle],  # the training holds the lock, even if we are killed
                    start_new_session=True,  # Ctrl-C reaches it through us, once
                )

    def _collect(self) -> None:
        """See what has ended."""
        for job in [job for job in self.jobs if job.name in self.running]:
            process = self.running[job.name]
            if process is not None and process.poll() is None:
                continue
            progress = progress_of(job)
            if progress.state == "running":
                continue
            del self.running[job.name]
            code = process.returncode if process is not None else None
            if progress.state == "done":
                self.done.add(job.name)
                took = "" if progress.seconds is None else f" after {clock(progress.seconds)}"
                self.say(f"{job.name}: done{took}.")
            elif process is None and not self._stop:
                self.waiting.insert(0, job)  # it ended unfinished, so it is continued here
            elif self._stop and code in (_cli.EXIT_INTERRUPTED, -signal.SIGTERM):
                self.say(f"{job.name}: stopped, its checkpoint is kept.")
            elif not self._stop or code not in (None, 0):
                self._fail(job, code)

    def _fail(self, job: Job, code: int | None) -> None:
        sentence = self._last_line(job).removeprefix("error: ") or "it printed nothing"
        killed = f"killed by {signal.Signals(-code).name}; " if code is not None and code < 0 else ""
        self.failed[job.name] = killed + sentence
        (job.folder / FAILURE_NAME).write_text(f"{killed}{sentence}\n", encoding="utf-8")
        self.say(f"{job.name}: failed ({killed}{sentence}); its output is in {job.folder / LOG_NAME}.")

    def _report(self) -> None:
        """Once a minute: the newest line of each training."""
        if time.monotonic() - self._reported < _REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        for job in self.jobs:
            line = self._last_line(job) if job.name in self.running else ""
            if line and self._lines.get(job.name) != line:
                self._lines[job.name] = line
                self.say(f"{job.name}: {line}")

    def _pass_on_the_stop(self) -> None:
        """Signal the own trainings once to write a checkpoint and end."""
        for name, process in list(self.running.items()):
            if process is None:
                del self.running[name]
            elif name not in self._signalled and process.poll() is None:
                self._signalled.add(name)
                process.terminate()

    def _last_line(self, job: Job) -> str:
        """Last line that a training printed in this attempt."""
        path = job.folder / LOG_NAME
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(end - 4000, self._printed_before.get(job.name, 0)))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")

    def _handle(self, number: int, frame: Any) -> None:
        self._stop = True

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # Python delivers signals to the main thread only
            return
        former = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def evaluate(arguments: Sequence[str], say: Callable[[str], None] = print) -> int:
    """Run train/evaluate.py and return its exit code."""
    import sys

    say(f"python train/evaluate.py {' '.join(arguments)}")
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "train" / "evaluate.py"), *arguments], check=False
    ).returncode
