"""Embedded records and the most similar times in them."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.inference.similar.embedded_record import embed_record, open_embeddings
from tests.networks.mock_models import globe, saved_distance

REGION = ad.Region(-30.0, 60.0, 20.0, 170.0)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return ad.load_distance(
        saved_distance(tmp_path_factory.mktemp("models") / "tiny-distance", grid_spacing_deg=5.625)
    )


@pytest.fixture(scope="module")
def fields():
    """Seventy times, two blocks; time 40 is nearly time 3."""
    made = globe(rows=32, columns=64, times=70).assign_attrs(level="")
    rng = np.random.default_rng(1)
    for name in made.data_vars:
        made[name][40] = made[name][3] + 1e-7 * rng.standard_normal((32, 64))
    return made


@pytest.fixture(scope="module")
def record(fields, network):
    return embed_record(fields, model=network)


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_distances_are_those_of_the_network(record, fields, network):
    found = ad.find_similar(record, fields.time.values[3], k=69)
    expected = network.matrix(fields).isel(time=3).drop_vars("time")
    expected = expected.sel(other_time=found["time"].values)
    # Activations in float16: 1e-5 is a 200,000th of the usual distance here.
    np.testing.assert_allclose(found["distance"], expected, rtol=2e-3, atol=1e-5)
    assert (np.diff(found["distance"]) >= 0).all() and found["time"].values[0] == fields.time.values[40]
    assert fields.time.values[3] not in found["time"].values


def test_percentile_counts_pairs_of_the_same_separation(record, fields, network):
    found = ad.find_similar(record, fields.time.values[3], k=1)
    matrix = network.matrix(fields).values
    # 111 h apart; within 10 % of it lie the lags of 34 to 40 steps of 3 h.
    pairs = np.concatenate([np.diagonal(matrix, lag) for lag in range(34, 41)])
    assert found["pairs"].item() == pairs.size
    assert found["percentile"].item() == pytest.approx(100 * (pairs < 0.999 * matrix[3, 40]).mean()) == 0.0


def test_exclusion_and_spacing_in_time(record, fields):
    found = ad.find_similar(record, "2001-01-03", k=9, exclude_hours=24, apart_hours=12)
    assert (np.abs(found["separation"]) > 24).all()
    assert (np.diff(np.sort(found["time"].values)) >= np.timedelta64(12, "h")).all()


def test_a_region_ignores_the_rest(fields, network):
    """Far from the region, beyond the reach of the encoder's first stage, anything may happen."""
    changed = fields.copy(deep=True)
    for name in changed.data_vars:
        changed[name][:, :, 52:56] *= 3.0
    region = ad.Region(-30.0, 30.0, 100.0, 180.0)
    both = [
        ad.find_similar(embed_record(each, model=network, layer="stage1"), "2001-01-02", 5, region)
        for each in (fields, changed)
    ]
    xr.testing.assert_identical(*both)
    apart = ad.find_similar(embed_record(changed, model=network, layer="stage1"), "2001-01-02", 5)
    assert not np.allclose(apart["distance"], both[0]["distance"])


def test_fields_as_query_and_a_store(tmp_path, record, fields, network):
    store = tmp_path / "store"
    embed_record(fields, store, model=network)
    stored = open_embeddings(store)
    assert all(np.array_equal(a, b) for a, b in zip(stored.blocks, record.blocks, strict=True))
    with xr.open_zarr(store, consolidated=False) as readable:
        np.testing.assert_array_equal(readable["activation"][65], record.activations(65))
        np.testing.assert_array_equal(readable["time"], fields["time"])
    expected = ad.find_similar(record, "2001-01-02", region=REGION)
    xr.testing.assert_identical(ad.find_similar(store, "2001-01-02", region=REGION), expected)


def test_an_interrupted_run_continues_with_the_same_bytes(tmp_path, fields, network):
    embed_record(fields, tmp_path / "whole", model=network)
    calls = iter(range(1000))
    with pytest.raises(ad.Cancelled):
        embed_record(fields, tmp_path / "cut", model=network, cancel=lambda: next(calls) > 66)
    with pytest.raises(ad.UserError, match="first 64 of 70 times"):
        open_embeddings(tmp_path / "cut")
    messages = []
    embed_record(fields, tmp_path / "cut", model=network, progress=lambda _, text: messages.append(text))
    assert len(messages) == 6  # only the second block
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")
    with pytest.raises(ad.UserError, match="embeddings of the same record"):
        embed_record(fields.isel(time=slice(60)), tmp_path / "cut", model=network)


def test_mistakes_are_said(record, fields, tmp_path):
    with pytest.raises(ad.UserError, match="the nearest is 2001-01-01T00:00"):
        ad.find_similar(record, "2001-01-01T01")
    with pytest.raises(ad.UserError, match="Expected a time such as"):
        ad.find_similar(record, "yesterday evening")
    with pytest.raises(ad.UserError, match="whole number of times k"):
        ad.find_similar(record, "2001-01-02", k=0)
    with pytest.raises(ad.UserError, match="found none in a record of 70"):
        ad.find_similar(record, "2001-01-02", exclude_hours=1e4)
    with pytest.raises(ad.UserError, match="Expected embeddings in"):
        ad.find_similar(tmp_path, "2001-01-02")
