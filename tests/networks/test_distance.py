"""AtmoDist: embeddings, distances, matrices and guessed lags, against the network run by hand."""

import warnings

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, Cancelled, UserError
from atmodist_core.fields.grid.patches import PatchCover
from atmodist_core.inference.atmodist import load_distance
from atmodist_core.models.store import load_network
from tests.networks.mock_models import (
    CHANNELS,
    NORMALIZATION,
    fields,
    globe,
    saved_distance,
    saved_downscaler,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_distance(tmp_path_factory.mktemp("models") / "tiny", grid_spacing_deg=1.0)


@pytest.fixture
def atmodist(folder):
    return load_distance(folder)


def region(rows=32, columns=40, times=3, seed=0):
    return fields(20.0 - np.arange(rows), 10.0 + np.arange(columns), times=times, seed=seed)


def normalised(ds):
    return torch.from_numpy(NORMALIZATION.normalize(np.stack([ds[n].values for n in CHANNELS], axis=1)))


def by_hand(folder, a, b, layer):
    """The mean over filters and area of the squared difference of the activations, time by time."""
    _, network = load_network(folder)
    with torch.no_grad():
        first, second = (network.encoder.features(normalised(ds), (layer,))[layer] for ds in (a, b))
    squares = (first - second).double().square().mean(dim=1).numpy()
    stride = network.encoder.config.stride(layer)
    areas, columns = np.cos(np.deg2rad(a.latitude.values)), np.ones(a.sizes["longitude"])
    sides = [[part[i : i + stride].sum() for i in range(0, part.size, stride)] for part in (areas, columns)]
    weights = np.outer(*sides)
    return (squares * weights).sum(axis=(1, 2)) / weights.sum()


@pytest.mark.parametrize(("layer", "scale"), [("stage2", 0.5), ("stage4", 2.0), ("stage1", 1.0)])
def test_distance_is_the_scaled_difference_of_activations(folder, atmodist, layer, scale):
    a, b = region(seed=0), region(seed=1)
    found = atmodist.distance(a, b, layer=layer)
    np.testing.assert_allclose(found, scale * by_hand(folder, a, b, layer), rtol=1e-4)
    assert found.dims == ("time",) and (found.time == a.time).all()
    assert found.attrs["units"] == "1" and found.attrs["layer"] == layer and found.attrs["scale"] == scale
    assert "dimensionless" in found.attrs["comment"]
    assert ("not scaled" in found.attrs["comment"]) == (layer == "stage1")


def test_the_last_layer_is_the_default(atmodist):
    a, b = region(seed=0), region(seed=1)
    xr.testing.assert_equal(atmodist.distance(a, b), atmodist.distance(a, b, layer="stage4"))


def test_distance_is_symmetric_and_zero_for_equals(atmodist):
    a, b = region(seed=0), region(seed=1)
    assert (atmodist.distance(a, a) == 0).all()
    np.testing.assert_allclose(atmodist.distance(a, b), atmodist.distance(b, a), rtol=1e-6)
    assert (atmodist.distance(a, b) > 0).all()


def test_one_state_against_many(atmodist):
    many = region(seed=0)
    one = many.isel(time=[1])
    found = atmodist.distance(one, many)
    assert found.shape == (3,) and float(found[1]) == 0 and float(found[0]) > 0
    assert (found.time == many.time).all()
    np.testing.assert_allclose(found, atmodist.distance(many, one), rtol=1e-6)
    np.testing.assert_allclose(found, atmodist.distance(many.isel(time=1), many), rtol=1e-6)


def test_embedding(folder, atmodist):
    ds = region()
    found = atmodist.embed(ds, layer="stage3")
    assert found.dims == ("time", "feature", "row", "column") and found.shape == (3, 8, 2, 3)
    _, network = load_network(folder)
    with torch.no_grad():
        wanted = network.encoder.features(normalised(ds), ("stage3",))["stage3"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    pooled = atmodist.embed(ds, layer="stage3", pooled=True)
    assert pooled.dims == ("time", "feature")
    np.testing.assert_allclose(pooled, found.mean(("row", "column")), rtol=1e-5)


@pytest.mark.parametrize("layer", ["stage2", "stage4"])
def test_matrix_is_all_distances(atmodist, layer):
    ds = region(times=4)
    found = atmodist.matrix(ds, layer=layer)
    assert found.dims == ("time", "other_time") and found.shape == (4, 4)
    assert (np.diag(found) == 0).all() and np.array_equal(found, found.T)
    for i in range(4):
        np.testing.assert_allclose(
            found[i], atmodist.distance(ds.isel(time=[i]), ds, layer=layer), rtol=1e-5, atol=1e-12
        )


def test_matrix_in_blocks_equals_one_piece(atmodist, monkeypatch):
    ds, other = region(times=5), region(times=3, seed=1)
    whole, across = atmodist.matrix(ds), atmodist.matrix(ds, other)
    # Activations of one time: 10 filters on 1 x 2 points, of 24 bytes in two blocks: two times a block.
    monkeypatch.setattr("atmodist_core.inference.distance_matrix.EMBEDDING_MEMORY", 2 * 20 * 24)
    fractions = []
    np.testing.assert_allclose(
        atmodist.matrix(ds, progress=lambda fraction, _: fractions.append(fraction)),
        whole,
        rtol=1e-5,
        atol=1e-12,
    )
    # Five rows, and for the blocks of 2, 2, 1 times the later ones again: 3 + 1.
    assert len(fractions) == 9 and fractions[-1] == 1.0
    np.testing.assert_allclose(atmodist.matrix(ds, other), across, rtol=1e-5)
    np.testing.assert_allclose(across[2], atmodist.distance(ds.isel(time=[2]), other), rtol=1e-5)
    assert (across.other_time == other.time.values).all()


def test_tiny_differences_are_not_lost_in_the_matrix(atmodist):
    """Scalar products of embeddings subtract large numbers; two almost equal states must stay apart and
    close.
    """
    ds = region(times=2)
    for name in CHANNELS:
        ds[name][1] = ds[name][0] * np.float32(1.0001)
    wanted = float(atmodist.distance(ds.isel(time=[0]), ds.isel(time=[1]))[0])
    assert wanted > 0
    assert float(atmodist.matrix(ds)[0, 1]) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("layer", "cells"), [("stage1", 8), ("stage2", 4), ("stage4", 1)])
def test_the_globe_has_no_seam(tmp_path, layer, cells):
    """Turned by a multiple of the stride, the embedding of a globe turns along."""
    atmodist = load_distance(saved_distance(tmp_path / "tiny", grid_spacing_deg=180 / 64))
    ds = globe(64, 128)
    wanted = atmodist.embed(ds, layer=layer).roll(column=cells)
    np.testing.assert_allclose(
        atmodist.embed(ds.roll(longitude=32), layer=layer), wanted, rtol=0, atol=1e-5 * float(wanted.std())
    )


def test_predicted_lag_on_one_patch(folder, atmodist):
    a, b = region(32, 32, seed=0), region(32, 32, seed=1)
    found = atmodist.predict_lag(a, b)
    _, network = load_network(folder)
    with torch.no_grad():
        wanted = network(normalised(a), normalised(b)).softmax(1).numpy()
    np.testing.assert_allclose(found.probability, wanted, rtol=1e-4)
    np.testing.assert_allclose(found.probability.sum("lag"), 1.0)
    assert found.lag.values.tolist() == [3, 6, 9, 12, 15] and found.lag.attrs["units"] == "hours"
    np.testing.assert_allclose(found.expected, wanted @ np.arange(3, 16, 3), rtol=1e-4)
    assert found.most_likely.values.tolist() == [3.0 * (k + 1) for k in wanted.argmax(1)]
    assert (found.time == a.time).all()


def test_predicted_lag_averages_patches(atmodist):
    a, b = region(40, 70, seed=0), region(40, 70, seed=1)
    found, apart = atmodist.predict_lag(a, b), atmodist.predict_lag(a, b, per_patch=True)
    # ceil(40 / 32) x ceil(70 / 32) = 2 x 3 patches
    assert apart.probability.dims == ("time", "patch", "lag") and apart.sizes["patch"] == 6
    np.testing.assert_allclose(found.probability, apart.probability.mean("patch"))
    corner = atmodist.predict_lag(*(ds.isel(latitude=slice(0, 32), longitude=slice(0, 32)) for ds in (a, b)))
    np.testing.assert_allclose(apart.probability[:, 0], corner.probability, rtol=1e-5)
    assert float(apart.latitude[0]) == pytest.approx(20 - 15.5) and float(
        apart.longitude[0]
    ) == pytest.approx(25.5)


def test_patches_cover_the_globe_across_the_seam_within_60_degrees():
    ds = globe(40, 80)
    cover = PatchCover.of(ds.latitude.values, ds.longitude.values, 12)
    # ceil(80 / 12) = 7 columns of patches a seventh of the circle apart;
    # of ceil(40 / 12) = 4 rows the middle two.
    assert cover.count == 14
    assert np.abs(cover.latitude).max() <= 60
    assert sorted(set(cover.first_columns.tolist())) == [0, 11, 22, 34, 45, 57, 68]
    values = np.broadcast_to(np.arange(80, dtype=np.float32), (1, 40, 80))
    assert cover.cut(values)[6, 0, 0].tolist() == [68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79]
    shifted = PatchCover.of(ds.latitude.values, ds.longitude.values, 30)
    assert shifted.first_columns.max() + 30 > 80
    assert shifted.cut(values)[-1, 0, 0, -1] == (shifted.first_columns.max() + 29) % 80


def test_a_polar_region_is_covered_all_the_same():
    cover = PatchCover.of(90.0 - np.arange(20), 1.0 * np.arange(25), 20)
    assert cover.count == 2 and cover.latitude.tolist() == [80.5, 80.5]


def test_bfloat16(folder):
    a, b = region(seed=0), region(seed=1)
    exact, fast = (load_distance(folder, precision=p).distance(a, b) for p in ("float32", "bfloat16"))
    np.testing.assert_allclose(fast, exact, rtol=0.1)
    assert fast.attrs["precision"] == "bfloat16"


def test_a_foreign_grid_is_told_once(folder):
    atmodist = load_distance(folder)
    ds = globe(36, 72)
    assert "5 degrees instead of 1" in atmodist.applicability(ds)
    with pytest.warns(AtmodistWarning, match="5 degrees instead of 1") as caught:
        atmodist.distance(ds, ds)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atmodist.embed(ds)


def test_progress_and_cancel(atmodist):
    a, b = region(seed=0), region(seed=1)
    for call in (
        lambda **k: atmodist.distance(a, b, **k),
        lambda **k: atmodist.distance(a.isel(time=[0]), b, **k),
        lambda **k: atmodist.matrix(a, **k),
        lambda **k: atmodist.embed(a, **k),
        lambda **k: atmodist.predict_lag(a, b, **k),
    ):
        fractions = []
        call(progress=lambda fraction, message, fractions=fractions: fractions.append(fraction))
        assert fractions == sorted(fractions) and fractions[-1] == 1.0
        with pytest.raises(Cancelled):
            call(cancel=lambda: True)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda d: d.distance(region(), region(33)), "same grid"),
        (lambda d: d.distance(region(times=3), region(times=2)), "3 and 2"),
        (lambda d: d.distance(region(), region(), layer="stage7"), "stage1, stage2, stage3, stage4"),
        (lambda d: d.embed(region(31, 40)), "at least 32 x 32"),
        (lambda d: d.matrix(region(), region(32, 41)), "same grid"),
        (lambda d: d.predict_lag(region(31, 40), region(31, 40)), "at least 32 x 32.*31 x 40"),
        (lambda d: d.embed(region().drop_vars("vorticity")), "vorticity"),
        (lambda d: d.embed(region().vorticity), "xarray.Dataset"),
    ],
)
def test_mistakes_are_sentences(atmodist, call, named):
    with pytest.raises(UserError, match=named) as caught:
        call(atmodist)
    assert str(caught.value).startswith("Expected") and "found" in str(caught.value)


def test_only_distances_are_loaded(tmp_path):
    with pytest.raises(UserError, match="load_downscaler"):
        load_distance(saved_downscaler(tmp_path / "m"))
    with pytest.raises(UserError, match="precision"):
        load_distance(saved_distance(tmp_path / "d"), precision="half")
