"""netCDF files opened, read, written and forgotten in several threads at once."""

import pickle
import subprocess
import sys
import threading
from pathlib import Path

from atmodist_core.common.netcdf_lock import NETCDF_LOCK, LibraryLock

REPOSITORY = Path(__file__).resolve().parents[2]
STRESS = """
import gc, sys, threading, time
sys.setswitchinterval(1e-5)
from pathlib import Path
import numpy as np, xarray as xr
from atmodist_core.fields.open.netcdf import open_netcdf
from atmodist_core.evaluation.store.statistics_store import read_statistics, replace_statistics
folder, failures, until = Path(sys.argv[1]), [], time.monotonic() + float(sys.argv[2])
sys.unraisablehook = lambda what: failures.append(repr(what.exc_value))
days = np.arange(4).astype("datetime64[D]").astype("datetime64[ns]")
def work(number):
    statistics = xr.Dataset({f"a{i}": ("time", np.arange(4.0), {f"k{j}":"x"*20 for j in range(10)}) for i in range(20)}, {"time": days})
    file = folder / f"{number}.nc"
    try:
        while time.monotonic() < until:
            if number % 2:
                [fields] = open_netcdf(str(folder / "winds" / f"{number}.nc"), lambda *_: None)
                circle = [fields]
                circle.append(circle)  # left to the garbage collector, which closes the file in any thread
                del fields, circle
            else:
                replace_statistics(file, statistics)
                assert read_statistics(file)["a1"].sum() == 6
            gc.collect()
    except Exception as error:
        failures.append(repr(error))
(folder / "winds").mkdir()
for number in range(8):
    t = np.datetime64("2001-01-01", "ns") + np.arange(3) * np.timedelta64(6, "h")
    xr.Dataset({f"u{i}": (("time","x"), np.random.rand(3,50), {f"k{j}":"y"*30 for j in range(12)}) for i in range(20)}, {"time":t}).to_netcdf(folder/"winds"/f"{number}.nc")
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(failures[:3] or "good")
"""


def test_files_forgotten_in_one_thread_disturb_no_other(tmp_path):
    """With xarray's lock alone the process crashes within a few seconds."""
    command = [sys.executable, "-c", STRESS, str(tmp_path), "4"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "good"), done.stderr[-2000:]


def test_a_thread_takes_it_again_and_others_wait():
    lock, found = LibraryLock(), []
    with lock, lock:
        other = threading.Thread(target=lambda: found.append(lock.acquire(blocking=False)))
        other.start()
        other.join()
    assert found == [False]
    assert lock.acquire(blocking=False)
    lock.release()


def test_a_copy_in_another_process_is_the_lock_of_that_process():
    assert pickle.loads(pickle.dumps(NETCDF_LOCK)) is NETCDF_LOCK
