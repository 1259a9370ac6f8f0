"""Sums in whole numbers: no order, kill or piece changes a bit."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.store import sums_store
from atmodist_core.evaluation.store.sums_store import SumsStore

DAYS = np.datetime64("2001-01-01", "ns") + np.arange(40) * np.timedelta64(1, "D")
IDENTITY = {"name": "known", "group": "maps"}


def values_at(times):
    """Large whole numbers that depend on the time alone."""
    return sum(
        np.random.default_rng(int(time.astype("datetime64[s]").astype(int))).integers(-(2**55), 2**55, (3, 4))
        for time in times
    )


def sums_of(times):
    return xr.Dataset({"power_1": (("latitude", "longitude"), values_at(times))}, {"time": times})


def blocks(times):
    names = sums_store.block_name(times)
    return [times[names == name] for name in np.unique(names)]


def filled(folder, times):
    store = SumsStore(folder, IDENTITY)
    for block in blocks(times):
        store.add(sums_of(block))
    return store


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_any_order_gives_the_same_bytes(tmp_path):
    one = filled(tmp_path / "one", DAYS)
    one.fold()
    other = SumsStore(tmp_path / "other", IDENTITY)
    random = np.random.default_rng(0)
    for part in np.array_split(random.permutation(len(DAYS)), 11):
        for block in blocks(np.sort(DAYS[part])):
            other.add(sums_of(block))
        if random.random() < 0.5:
            other.fold()
    other.fold()
    assert content(tmp_path / "one") == content(tmp_path / "other")
    assert sorted(content(tmp_path / "one")) == ["identity.json", "total.nc"]
    loaded = other.load()
    assert (loaded["power_1"].values == values_at(DAYS)).all() and (loaded["time"].values == DAYS).all()
    assert not other.missing(DAYS).any() and other.missing(DAYS + np.timedelta64(1, "h")).all()


def test_a_kill_while_folding_counts_nothing_twice(tmp_path, monkeypatch):
    store = filled(tmp_path / "store", DAYS)
    unlink = sums_store.Path.unlink

    def dies(path, missing_ok=False):
        if path.parent.name == "pieces":
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(sums_store.Path, "unlink", dies)
    with pytest.raises(KeyboardInterrupt):
        store.fold()
    monkeypatch.undo()
    assert (tmp_path / "store" / "total.nc").is_file()
    assert len(list((tmp_path / "store" / "pieces").glob("*.nc"))) == len(blocks(DAYS))
    again = SumsStore(tmp_path / "store", IDENTITY)
    assert not again.missing(DAYS).any()
    assert (again.load()["power_1"].values == values_at(DAYS)).all()
    again.fold()
    assert sorted(content(tmp_path / "store")) == ["identity.json", "total.nc"]
    assert (again.load()["power_1"].values == values_at(DAYS)).all()


def test_pieces_of_several_machines_are_put_together(tmp_path):
    whole = filled(tmp_path / "whole", DAYS)
    whole.fold()
    merged = SumsStore(tmp_path / "merged", IDENTITY)
    for number, part in enumerate(np.array_split(DAYS, 3)):
        piece = filled(tmp_path / str(number), part)
        if number:
            piece.fold()
        merged.merge(piece)
    assert content(tmp_path / "whole") == content(tmp_path / "merged")
    merged.merge(SumsStore(tmp_path / "1", IDENTITY))  # again: nothing new
    assert content(tmp_path / "whole") == content(tmp_path / "merged")
    overlapping = filled(tmp_path / "overlapping", np.append(DAYS[-3:], DAYS[-1] + np.timedelta64(1, "D")))
    with pytest.raises(UserError, match=r"pieces without a common time in .*, found 3 in two of them"):
        merged.merge(overlapping)
    assert content(tmp_path / "whole") == content(tmp_path / "merged")


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match=r"Expected sums in .*, found none"):
        SumsStore(tmp_path / "none", IDENTITY).load()
    filled(tmp_path / "store", DAYS[:2])
    with pytest.raises(UserError, match="with the same data and settings, found others"):
        SumsStore(tmp_path / "store", {**IDENTITY, "name": "other"})
    large = sums_of(DAYS[2:3])
    large["power_1"].values[0, 0] = 2**61 + 1
    with pytest.raises(UserError, match=r"below 2\^61"):
        sums_store.added([large, sums_of(DAYS[3:4])], tmp_path)
    with pytest.raises(ValueError, match="one block at a time"):
        SumsStore(tmp_path / "two", IDENTITY).add(sums_of(DAYS[:20]))
