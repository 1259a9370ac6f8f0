"""The shared cache: bounded, made once, nothing kept of a failure."""

import threading

import numpy as np
import pytest
import xarray as xr

from app.compute.cache import SharedCache, size_of
from app.compute.engine import SLICE_CACHE_BYTES, Engine
from app.compute.memory import cache_share


def test_the_least_recently_used_goes_first():
    cache = SharedCache(3_000)
    for key in "abc":
        cache.get(key, lambda: np.zeros(1000, np.int8))
    cache.get("a", lambda: pytest.fail("a is there"))
    cache.get("d", lambda: np.zeros(1000, np.int8))
    assert ["a" in cache, "b" in cache, "c" in cache, "d" in cache] == [True, False, True, True]
    assert cache.held_bytes == 3000


def test_what_is_larger_than_the_cache_is_returned_and_not_kept():
    cache = SharedCache(10)
    assert cache.get("a", lambda: np.zeros(100)).size == 100
    assert "a" not in cache and cache.held_bytes == 0


def test_two_threads_make_a_result_once():
    cache, calls, begin = SharedCache(10_000), [], threading.Barrier(4)

    def make():
        calls.append(1)
        threading.Event().wait(0.05)
        return len(calls)

    def ask(results):
        begin.wait()
        results.append(cache.get("key", make))

    results: list[int] = []
    threads = [threading.Thread(target=ask, args=(results,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1, 1, 1, 1] and len(calls) == 1


def test_a_failure_is_raised_and_tried_again():
    cache = SharedCache(10_000)
    with pytest.raises(ValueError, match="first"):
        cache.get("key", lambda: (_ for _ in ()).throw(ValueError("first")))
    assert cache.get("key", lambda: 7) == 7


def test_sizes_are_summed_over_containers():
    array = np.zeros(1000)
    assert size_of((array, {"a": array})) >= 16_000
    assert size_of("text") == 1024


def test_clear_forgets():
    cache = SharedCache(1000)
    cache.get("a", lambda: np.zeros(10))
    cache.clear()
    assert "a" not in cache and cache.held_bytes == 0


def test_what_is_yet_to_be_read_takes_no_room():
    """Else a long record would never be kept open, and would be opened anew for every time that is asked for."""
    fields = xr.Dataset({"vorticity": (("time", "x"), np.zeros((400, 1000)))})
    assert size_of(fields) > fields.nbytes
    assert size_of((fields.chunk(time=1), "described")) < 10_000


def test_the_caches_take_what_the_environment_allows(monkeypatch, caplog):
    assert cache_share() == 1
    monkeypatch.setenv("ATMODIST_CACHE_GB", "0.5")
    assert Engine()._slices.limit_bytes == pytest.approx(SLICE_CACHE_BYTES / 4)
    for wrong in ("much", "-1", "nan"):
        monkeypatch.setenv("ATMODIST_CACHE_GB", wrong)
        assert cache_share() == 1
        assert "positive number of gigabytes" in caplog.messages[-1] and wrong in caplog.messages[-1]
