"""The store: pieces in any order give the files of one run, byte for byte."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.store.statistics_store import StatisticsStore, block_name, identity_hash

TIMES = np.datetime64("2001-01-01T00", "ns") + np.arange(0, 240, 6) * np.timedelta64(1, "h")
IDENTITY = {"name": "model", "weights": "abc", "factor": 4}


def statistics(indices):
    random = [np.random.default_rng(int(n)).standard_normal((2, 5)) for n in indices]
    return xr.Dataset(
        {
            "power": (("time", "field", "degree"), np.stack(random), {"units": "s-2"}),
            "share": (("time", "field"), np.stack(random)[..., 0].astype(np.float32)),
        },
        coords={"time": TIMES[list(indices)], "field": ["vorticity", "divergence"]},
    )


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_pieces_in_any_order_give_the_same_files(tmp_path):
    whole, pieces = (StatisticsStore(tmp_path / name, IDENTITY) for name in ("whole", "pieces"))
    whole.add(statistics(range(40)))
    pieces.add(statistics([39, 3, 17]))
    StatisticsStore(tmp_path / "pieces", IDENTITY).add(statistics(range(10)))
    assert pieces.missing(TIMES).sum() == 40 - 3  # it has not looked since
    pieces = StatisticsStore(tmp_path / "pieces", IDENTITY)
    assert pieces.missing(TIMES).sum() == 40 - 12
    pieces.add(statistics(range(5, 40)))
    assert contents(tmp_path / "whole") == contents(tmp_path / "pieces")
    assert len(contents(tmp_path / "whole")) > 2
    assert not pieces.missing(TIMES).any()


def test_load_gives_what_was_asked_for(tmp_path):
    store = StatisticsStore(tmp_path / "store", IDENTITY)
    store.add(statistics(range(40)))
    wanted = [39, 0, 12]
    xr.testing.assert_identical(store.load(TIMES[wanted]), statistics(wanted))
    part = store.load(TIMES[:3], ["power"], {"degree": slice(1, 3)})
    assert list(part.data_vars) == ["power"] and part.sizes["degree"] == 2


def test_a_time_is_kept_as_it_was(tmp_path):
    store = StatisticsStore(tmp_path / "store", IDENTITY)
    store.add(statistics([1]))
    store.add(statistics([1, 2]) * 2)
    xr.testing.assert_equal(store.load(TIMES[[1]]), statistics([1]))
    xr.testing.assert_equal(store.load(TIMES[[2]]), statistics([2]) * 2)


def test_a_broken_write_leaves_the_old_file(tmp_path, monkeypatch):
    store = StatisticsStore(tmp_path / "store", IDENTITY)
    store.add(statistics([1]))
    before = contents(tmp_path / "store")

    def broken(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(xr.Dataset, "dump_to_store", broken)
    with pytest.raises(OSError, match="no space"):
        store.add(statistics([2]))
    assert contents(tmp_path / "store") == before


def test_mistakes(tmp_path):
    store = StatisticsStore(tmp_path / "store", IDENTITY)
    store.add(statistics([1]))
    with pytest.raises(UserError, match="some missing"):
        store.load(TIMES[:2])
    with pytest.raises(UserError, match="other"):
        StatisticsStore(tmp_path / "store", {**IDENTITY, "weights": "xyz"})


def test_blocks_follow_the_calendar():
    names = block_name(
        np.array(["2001-01-05T23", "2001-01-06", "2001-01-13T21", "2001-01-14"], "datetime64[ns]")
    )
    assert len(set(names)) == 3 and names[1] == names[2] == "2001-01-06"
    assert identity_hash({"a": 1, "b": 2}) == identity_hash({"b": 2, "a": 1}) != identity_hash({"a": 2})
