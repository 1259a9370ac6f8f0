"""Spectra of any global field: Parseval, an independent transform, other axes, and the means of scores."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import area_weights, global_spectrum


@pytest.fixture
def field():
    """Smooth random fields of degrees up to 20 over time and level, on 1.5-degree rows with poles [K]."""
    import torch

    from atmodist_core.harmonics import get_transform

    generator = torch.Generator().manual_seed(3)
    parts = torch.randn(2, 3, 21, 21, 2, generator=generator, dtype=torch.float64)
    coefficients = torch.view_as_complex(parts).tril()
    coefficients[..., 0].imag = 0
    values = (
        get_transform(61, 120, 20, "equiangular-with-poles", dtype=torch.float64)
        .synthesis(coefficients)
        .numpy()
    )
    return xr.DataArray(
        values,
        dims=("time", "level", "latitude", "longitude"),
        coords={
            "time": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"),
            "level": [500, 700, 850],
            "latitude": np.linspace(90, -90, 61),
            "longitude": np.arange(120) * 3.0,
        },
        name="temperature",
        attrs={"units": "K"},
    )


def test_its_sum_is_the_area_mean_of_the_square(field):
    spectrum = global_spectrum(field, preserve_dims=["time", "level"])
    weights = area_weights(field.to_dataset())
    wanted = (field**2 * xr.DataArray(weights, dims=("latitude", "longitude"))).sum(("latitude", "longitude"))
    np.testing.assert_allclose(spectrum.sum("total_wavenumber"), wanted, rtol=2e-3)
    assert spectrum.attrs["units"] == "K2" and spectrum.dims == ("time", "level", "total_wavenumber")
    assert float(spectrum[..., 21:].max()) < 1e-9


def test_against_pyshtools(field):
    pyshtools = pytest.importorskip("pyshtools")
    one = field[0, 0]
    grid = pyshtools.SHGrid.from_array(
        np.asarray(one[:-1, :].values)
    )  # Driscoll-Healy, without the south pole
    theirs = grid.expand(normalization="ortho").spectrum(unit="per_l")  # already divided by 4 pi
    ours = global_spectrum(one)
    np.testing.assert_allclose(ours[:21], theirs[:21], rtol=1e-5)


def test_other_axes_do_not_matter(field):
    """South to north, longitudes from -180, lat and lon, level last: the same numbers."""
    wanted = global_spectrum(field, preserve_dims="all")
    rolled = field.assign_coords(longitude=(field.longitude + 180) % 360 - 180).sortby("longitude")
    turned = rolled.sortby("latitude").transpose("longitude", "time", "latitude", "level")
    found = global_spectrum(turned.rename(latitude="lat", longitude="lon"), preserve_dims="all")
    xr.testing.assert_allclose(found.transpose(*wanted.dims), wanted, rtol=1e-4, atol=1e-9)


def test_means_as_in_scores(field):
    scores = pytest.importorskip("scores.processing", reason="needs the package scores")
    every = global_spectrum(field, preserve_dims="all")
    weights = xr.DataArray([1.0, 0.0, 3.0], dims="level")
    xr.testing.assert_allclose(
        global_spectrum(field, reduce_dims="level", weights=weights),
        scores.aggregate(every, reduce_dims="level", weights=weights),
    )
    xr.testing.assert_allclose(global_spectrum(field), every.mean(("time", "level")))


def test_it_is_the_spectrum_of_the_page():
    demo = ad.open_demo().isel(time=slice(0, 2))
    ours = global_spectrum(demo.vorticity, preserve_dims="time")
    theirs = ad.evaluation.energy_spectrum(demo)["vorticity"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-7 * float(theirs.max()))


def test_what_is_refused(field):
    with pytest.raises(UserError, match="Expected the whole globe"):
        global_spectrum(field[..., :20])
    with pytest.raises(UserError, match="temperature without gaps"):
        global_spectrum(field.where(field.level > 500))
    with pytest.raises(UserError, match="Expected dimensions among time, level, found 'member'"):
        global_spectrum(field, reduce_dims="member")
    with pytest.raises(UserError, match=r"Expected an xarray\.DataArray, found Dataset"):
        global_spectrum(field.to_dataset())
