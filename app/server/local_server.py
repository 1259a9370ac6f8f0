"""Serve the page on a free local port, for screenshots and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Flags that keep Chromium from connecting to other servers."""

SEEN_SCRIPT = "window.localStorage.setItem('atmodist-studio-tour', 'seen')"
"""Script for a browser that marks the tour as closed."""


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served_page(
    log: Path,
    *,
    data: Path | None = None,
    models: Path | None = None,
    timeout_s: float = 180.0,
    warm: bool = False,
    plugin: bool = True,
    flags: Sequence[str] = (),
) -> Iterator[str]:
    """Serve the page while the context lasts, with its output in ``log`` and own folders of data and models; yield its address.

    ``flags`` are further ones of ``panel serve``. ``warm`` builds a page before the port opens and fills the caches afterwards, as ``make app`` does. Without ``plugin`` and
    ``warm`` the server learns of the page's own requests from the first visitor. A RuntimeError is raised if the server ended or did not listen in time.
    """
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if data is not None:
        environment["ATMODIST_DATA"] = str(data)
    if models is not None:
        environment["ATMODIST_MODELS"] = str(models)
    with log.open("w") as output:
        command = [sys.executable, "-m", "panel", "serve", "app/main.py", "--address", "127.0.0.1"]
        command += [
            "--port",
            str(port),
            *(["--plugins", "app.server.web.plugin"] if plugin else []),
            *(["--warm"] if warm else []),
            *flags,
        ]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_for(port, server, log, timeout_s)
            yield f"http://127.0.0.1:{port}/main"
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path, timeout_s: float) -> None:
    """Wait for the socket; an HTTP request would start a session."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(
        f"The page did not start within {timeout_s:.0f} s; its output: {log.read_text()[-1000:]}"
    )
