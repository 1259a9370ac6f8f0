"""Patches from a training store: the same as from memory, whoever reads them."""

import dataclasses

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.configuration import DataConfig
from atmodist_core.training.data import patches, store_data
from atmodist_core.training.data.fields_in_memory import FieldsInMemory, load_fields
from atmodist_core.training.data.fields_in_store import FieldsInStore
from atmodist_core.training.data.look_ahead import LookAhead
from atmodist_core.training.data.store_data import open_store
from atmodist_core.training.data.training_data import load_training_data, measure_normalization
from atmodist_core.training.store.store_layout import read_description, shard_path
from tests.training.prepared_stores import prepared, write_sources

CHANNELS = ("vorticity", "divergence")


@pytest.fixture(scope="module")
def sources(weather, tmp_path_factory):
    return write_sources(weather, tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def store(sources, tmp_path_factory):
    return prepared(sources, tmp_path_factory.mktemp("stores") / "store")


@pytest.fixture(scope="module")
def memory(sources):
    return load_fields(sources)


def places_of(fields, size, count=64):
    sampler = patches.PatchSampler(fields, [(0, 40), (40, 60)], patch_size=size, mirror=True)
    return sampler.pairs(3, count, classes=4, stride=1)


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("size", [5, 16, 41])
def test_patches_are_those_from_memory_to_the_bit(store, memory, workers, size):
    """Within a tile, across tiles, across the last longitude, mirrored; earlier and later patches."""
    fields = open_store(store, CHANNELS, residence="store", workers=workers).fields
    assert isinstance(fields, FieldsInStore) and fields.gigabytes == 0
    places = places_of(memory, size)
    assert (places.column + size > 96).any() and places.mirrored.any() and (places.time >= 40).any()
    for part in (places, places.part(1, 3)):
        for ours, theirs in zip(
            patches.cut_pairs(fields, part, size, 1), patches.cut_pairs(memory, part, size, 1), strict=True
        ):
            assert torch.equal(ours, theirs)
    areas = [patches.patch_row_areas(source, places, size) for source in (fields, memory)]
    assert torch.equal(*areas)


def test_block_means_are_those_from_memory(store, memory):
    fields = open_store(store, CHANNELS, residence="store").fields
    places = places_of(memory, 16)
    means = [
        block_means(
            patches.cut(source, places.time, places, 16), patches.patch_row_areas(source, places, 16), 4
        )
        for source in (fields, memory)
    ]
    assert torch.equal(*means) and means[0].shape == (64, 2, 4, 4)


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_batches_made_ahead_are_those_made_when_asked(store, workers):
    fields = open_store(store, CHANNELS, residence="store", workers=workers).fields
    sampler = patches.PatchSampler(fields, [(0, 40)], patch_size=16, seed=5)

    def batch(step):
        return patches.cut_pairs(fields, sampler.pairs(step, 16, classes=4, stride=1), 16, 1)

    ahead = LookAhead(batch, workers)
    for step in (0, 1, 2, 3, 7, 8, 2):  # also a jump forward and back, as resumed and repeated batches make
        for ours, theirs in zip(ahead(step), batch(step), strict=True):
            assert torch.equal(ours, theirs)
    ahead.close()


def test_a_mistake_in_a_batch_made_ahead_is_told_when_it_is_asked_for():
    ahead = LookAhead(lambda step: 1 // (step - 2), workers=1)
    assert ahead(0) == -1 and ahead(1) == -1
    with pytest.raises(ZeroDivisionError):
        ahead(2)
    ahead.close()


def test_split_and_moments_come_from_the_store(store, memory):
    config = DataConfig(data=(store,), residence="store", validation_fraction=0.9)
    data = load_training_data(config)
    assert (data.training, data.held_out) == ([(0, 28), (40, 53)], [(30, 40), (55, 60)])
    for mirror in (False, True):
        found = load_training_data(dataclasses.replace(config, mirror=mirror)).normalization
        measured = measure_normalization(memory, data.training, mirrored=mirror)
        np.testing.assert_allclose(found.std, measured.std, rtol=1e-5)
        assert (found.mean_y[0] == 0) == mirror
    assert "41 times to train on, 15 held out, patches read from the store" in data.describe()
    given = dataclasses.replace(found, std=(1.0, 1.0))
    assert load_training_data(config, normalization=given).normalization is given


def test_normalised_patches_do_not_depend_on_where_the_fields_lie(store):
    """From the store and from memory the same to the bit, and those of fields normalised as a whole."""
    found = {}
    for residence in ("store", "memory"):
        config = DataConfig(data=(store,), residence=residence, mirror=True, loader_workers=1)
        data = load_training_data(config)
        normal = data.normalized().to(torch.device("cpu"))
        places = places_of(normal.training_fields, 16)
        found[residence] = patches.cut_pairs(normal.training_fields, places, 16, 1)
        physical = patches.cut(data.training_fields, places.time, places, 16)
        expected = data.normalization.normalize(physical)
        torch.testing.assert_close(found[residence][0], expected, rtol=1e-6, atol=1e-6)
        assert normal.held_out_fields is normal.training_fields
    for one, other in zip(*found.values(), strict=True):
        assert torch.equal(one, other)


def test_the_place_is_chosen_by_the_memory_that_is_free(store, monkeypatch):
    needed = 60 * 47 * 96 * 2 * 2
    for free, processes, kind in (
        (2.1 * needed, "1", FieldsInMemory),
        (2.1 * needed, "2", FieldsInStore),
        (1.9 * needed, "1", FieldsInStore),
        (None, "1", FieldsInStore),
    ):
        monkeypatch.setattr(store_data, "available_memory_bytes", lambda free=free: free)
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
        assert isinstance(open_store(store, CHANNELS).fields, kind)
    monkeypatch.setattr("atmodist_core.training.data.fields_in_memory.available_memory_bytes", lambda: 1e5)
    with pytest.raises(UserError, match="choose --residence store"):
        open_store(store, CHANNELS, residence="memory")


@pytest.mark.parametrize("residence", ["store", "memory"])
def test_channels_may_be_fewer_and_in_another_order(store, memory, residence):
    opened = open_store(store, ("divergence",), residence=residence)
    places = places_of(memory, 16)
    part = patches.cut(opened.fields, places.time, places, 16)
    whole = patches.cut(memory, places.time, places, 16)
    assert torch.equal(part, whole[:, 1:])
    assert opened.normalization.channels == ("divergence",)
    both = open_store(store, CHANNELS, residence=residence)
    assert opened.normalization.std == both.normalization.std[1:]


def test_mistakes_are_named(store, sources, tmp_path):
    cases = [
        ({"data": (store, store)}, "Expected one training store, or sources that are none"),
        ({"data": tuple(sources), "residence": "store"}, "Expected a training store for --residence store"),
        ({"data": (store,), "channels": ("temperature",)}, "found vorticity, divergence; change --channels"),
    ]
    for changes, words in cases:
        with pytest.raises(UserError, match=words):
            load_training_data(DataConfig(**changes))
    data = load_training_data(DataConfig(data=(store,), residence="gpu"))
    with pytest.raises(UserError, match="Expected a GPU for --residence gpu, found the device cpu"):
        data.to(torch.device("cpu"))


def test_damaged_shards_are_named(sources, tmp_path):
    store = prepared(sources[1:], tmp_path / "store")
    index_bytes = read_description(store).layout.index_bytes
    path = shard_path(store, 0, 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])

    def read():
        fields = open_store(store, CHANNELS, residence="store").fields
        places = patches.Places(*(np.array([v]) for v in (9, 0, 2, 3, False)))
        return patches.cut(fields, places.time, places, 8)

    with pytest.raises(UserError, match=rf"Expected {len(whole)} bytes in .*, found {len(whole) - 100}"):
        read()
    with pytest.raises(UserError, match=rf"Expected {len(whole)} bytes in"):
        open_store(store, CHANNELS, residence="memory")
    index = np.frombuffer(whole[-index_bytes:], "<u8").reshape(-1, 2)
    path.write_bytes(whole[:-index_bytes] + index[::-1].tobytes())
    with pytest.raises(UserError, match=r"in the order in which train/prepare.py writes them"):
        read()
    path.unlink()
    with pytest.raises(UserError, match="found no file"):
        read()


@pytest.mark.gpu
def test_a_gpu_cuts_the_same_patches(store, memory):
    places = places_of(memory, 16)
    expected = patches.cut_pairs(memory, places, 16, 1)
    for residence in ("store", "memory", "gpu"):
        data = load_training_data(DataConfig(data=(store,), residence=residence)).to(torch.device("cuda"))
        for ours, theirs in zip(
            patches.cut_pairs(data.training_fields, places, 16, 1), expected, strict=True
        ):
            assert ours.device.type == "cuda" and torch.equal(ours.cpu(), theirs)
