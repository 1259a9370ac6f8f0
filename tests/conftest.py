"""What every test shares: thread limits, seeds, the real files and the browser."""

import contextlib
import os
import random
import sys
from pathlib import Path

# Before NumPy and torch start their pools: one thread a worker, so that pytest-xdist's workers do not fight
# over the cores and bit-exact comparisons do not depend on how many there are.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("MPLBACKEND", "agg")

# The wheels of ecCodes bring a PROJ of their own; loaded before pyproj it makes pyproj crash, the other order
# works.
with contextlib.suppress(ImportError):
    import pyproj  # noqa: F401

import numpy as np
import pytest

from app.server.local_server import CHROMIUM_FLAGS
from tests.browser import chromium_path

REPOSITORY = Path(__file__).resolve().parent.parent


def _cuda_is_available() -> bool:
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot do or what was not asked for; browser tests come last.

    Playwright keeps an event loop running in the process that has once used it, and ``asyncio.run`` refuses to
    work beside it.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    wanted = config.getoption("markexpr", default="")
    for item in items:
        if item.get_closest_marker("gpu") and not _cuda_is_available():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, none found"))
        if item.get_closest_marker("network") and "network" not in wanted:
            item.add_marker(pytest.mark.skip(reason="needs the internet; run with: pytest -m network"))
        if item.get_closest_marker("browser") and chromium_path() is None:
            reason = "needs Chromium: install it, or set ATMODIST_CHROMIUM to its path"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start every test from the same random state and number of threads, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
        # On some processors last bits depend on it, and a command that is tested in this process may have set it.
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real GFS, ERA5 and IFS files; they are not part of the project, so tests of them may be
    skipped.
    """
    folder = Path(os.environ.get("ATMODIST_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs real data files: no folder {folder} (set ATMODIST_REAL_DATA)")
    return folder


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """Let pytest-playwright drive the machine's own Chromium, which makes no connections of its own."""
    # No address but this machine's can be found: what the page lacks without a network is missing here too.
    flags = [*CHROMIUM_FLAGS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
    return {**browser_type_launch_args, "executable_path": chromium_path(), "args": flags}
