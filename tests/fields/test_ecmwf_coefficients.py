"""ECMWF's coefficient order, norm and phase, against references that share no code with this package."""

from functools import lru_cache

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields import coefficients_to_ecmwf, ecmwf_to_coefficients, open_fields
from atmodist_core.fields.open.ecmwf_coefficients import synthesise, truncation_of
from tests.fields import layouts

CDO_POINTS = [
    # latitude, longitude, vorticity, divergence: `cdo -f nc -sp2gpl` (CDO 2.1.1) of
    # ifs_t511_spectral_vo_d.grib2
    (89.73114861841316, 0.0, 2.2775042452849448e-05, 1.030787302624958e-06),
    (82.71198193854305, 13.0078125, -3.542841295711696e-05, -2.1285993625497213e-06),
    (54.61459575680399, 70.3125, -2.148424209735822e-05, 3.943496722058626e-06),
    (19.49267327485731, 246.09375, 8.145269930537324e-06, -3.902166099578608e-06),
    (0.17560967252357632, 179.6484375, -3.402721995371394e-05, -3.417888592593954e-06),
    (-0.17560967252357632, 0.3515625, -2.7639750896923942e-06, 1.3670014595845714e-06),
    (-15.62926066447188, 316.40625, 4.753808389068581e-05, 6.64196022626129e-07),
    (-50.751186137234455, 126.5625, 2.465079705871176e-05, -3.8214484447962604e-06),
    (-78.84864216811243, 27.0703125, 5.6625838624313474e-05, -5.872486781299813e-07),
    (-89.73114861841316, 359.6484375, 6.080886123527307e-07, 9.267347422792227e-07),
]


@lru_cache
def legendre_functions(truncation, latitude):
    """Orthonormal associated Legendre functions by pyshtools, shape (L + 1, L + 1), no Condon-Shortley
    phase."""
    pysh = pytest.importorskip("pyshtools")
    functions = pysh.legendre.legendre(
        truncation, np.sin(np.deg2rad(latitude)), normalization="ortho", csphase=1
    )
    # pyshtools' are of the real kind: sqrt(2) larger for every order above zero.
    return functions / np.where(np.arange(truncation + 1) > 0, np.sqrt(2.0), 1.0)


def evaluate(coefficients, latitude, longitude):
    """Field of orthonormal coefficients (L + 1, L + 1) at one point."""
    order = np.arange(coefficients.shape[-1])
    legendre = legendre_functions(len(order) - 1, latitude)
    waves = (coefficients * legendre).sum(axis=0) * np.exp(1j * order * np.deg2rad(longitude))
    return float(waves[0].real + 2.0 * waves[1:].real.sum())


def test_real_file_equals_the_expansion_of_cdo(real_data):
    """Order, norm and phase at once: CDO expanded the real T511 file on its Gaussian grid."""
    pytest.importorskip("pyproj")
    pytest.importorskip("eccodes")
    from atmodist_core.fields.open.grib import open_grib

    datasets = open_grib(str(real_data / "ifs_t511_spectral_vo_d.grib2"), lambda _: None)
    fields = {str(name): dataset[name].values.squeeze() for dataset in datasets for name in dataset.data_vars}
    for name, column in (("vo", 2), ("d", 3)):
        coefficients = ecmwf_to_coefficients(fields[name], 511)
        for point in CDO_POINTS:
            # CDO wrote float32: 6e-8 of the value; the packing is the same for both.
            assert evaluate(coefficients, *point[:2]) == pytest.approx(point[column], rel=3e-7, abs=1e-12)


def test_against_pyshtools(rng):
    """Random coefficients, expanded by pyshtools on its Driscoll-Healy grid and by us on ours."""
    pysh = pytest.importorskip("pyshtools")
    import xarray as xr

    truncation = 15
    values = rng.normal(size=(truncation + 1) * (truncation + 2))
    values[1 : 2 * (truncation + 1) : 2] = 0.0  # a zonal coefficient is real
    cilm = np.zeros((2, truncation + 1, truncation + 1))
    position = 0
    for m in range(truncation + 1):  # written out: m outer, n inner, (re, im) interleaved
        for n in range(m, truncation + 1):
            factor = np.sqrt(2.0) if m else 1.0
            cilm[0, n, m], cilm[1, n, m] = factor * values[position], -factor * values[position + 1]
            position += 2
    coefficients = pysh.SHCoeffs.from_array(cilm, normalization="4pi", csphase=1)
    truth = coefficients.expand(grid="DH2", extend=False).data
    lazy = xr.DataArray(values[None], dims=("time", "values"), coords={"time": layouts.TIMES[:1]}).chunk()
    ours = synthesise(lazy, "field", lambda _: None)
    assert ours.shape == (1, 32, 64)
    np.testing.assert_allclose(ours.values[0], truth, atol=2e-5 * np.abs(truth).max())


def test_against_the_statistics_of_eccodes(rng, tmp_path):
    """ecCodes computes mean and standard deviation of a spectral message from ECMWF's own definition."""
    pytest.importorskip("eccodes")
    from atmodist_core.fields.open.grib import eccodes

    truncation = 21
    values = rng.normal(size=(truncation + 1) * (truncation + 2)) * 1e-5
    values[1 : 2 * (truncation + 1) : 2] = 0.0
    # ecCodes 2.50 counts the last zonal coefficient, n = T, twice, as if it were of order above zero.
    values[2 * truncation] = 0.0
    codes = eccodes()
    handle = codes.codes_grib_new_from_samples("sh_ml_grib1")
    for key in "JKM":
        codes.codes_set(handle, key, truncation)
    codes.codes_set(handle, "packingType", "spectral_simple")
    codes.codes_set(handle, "bitsPerValue", 24)
    codes.codes_set_values(handle, values)
    mean, deviation = (codes.codes_get_double(handle, key) for key in ("average", "standardDeviation"))
    codes.codes_release(handle)

    coefficients = ecmwf_to_coefficients(values)
    power = np.abs(coefficients) ** 2
    mean_square = (power[:, 0].sum() + 2 * power[:, 1:].sum()) / (4 * np.pi)
    assert coefficients[0, 0].real / np.sqrt(4 * np.pi) == pytest.approx(mean, abs=1e-11)
    assert np.sqrt(mean_square - mean**2) == pytest.approx(deviation, rel=1e-5)


def test_wind_has_neither_mean_vorticity_nor_mean_divergence(real_data):
    """X(0, 0) is the mean over the globe: ECMWF's vorticity and divergence have it zero, as Stokes and Gauss
    say."""
    pytest.importorskip("pyproj")
    pytest.importorskip("eccodes")
    from atmodist_core.fields.open.grib import open_grib

    for dataset in open_grib(str(real_data / "ifs_t511_spectral_vo_d.grib2"), lambda _: None):
        for array in dataset.data_vars.values():
            coefficients = ecmwf_to_coefficients(array.values.squeeze())
            assert coefficients[0, 0] == 0
            # The spectrum falls towards the truncation; any other order of n and m would mix it up.
            power = (np.abs(coefficients) ** 2).sum(axis=1)
            assert power[10:30].mean() > 10 * power[200:300].mean() > 100 * power[490:512].mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip(rng, dtype):
    values = rng.normal(size=(3, 2, 10 * 11)).astype(dtype)
    values[..., 1:20:2] = 0.0
    coefficients = ecmwf_to_coefficients(values, 9)
    assert coefficients.shape == (3, 2, 10, 10)
    assert coefficients.dtype == (np.complex64 if dtype == np.float32 else np.complex128)
    assert np.all(coefficients[..., *np.triu_indices(10, 1)] == 0), "no order above the degree"
    back = coefficients_to_ecmwf(coefficients)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, values, rtol=1e-6 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize(("count", "truncation"), [(2, 0), (6, 1), (506, 21), (262656, 511), (410240, 639)])
def test_truncation_of(count, truncation):
    assert truncation_of(count) == truncation


@pytest.mark.parametrize("count", [0, 1, 3, 410241, 542080])
def test_other_lengths_are_refused(count):
    with pytest.raises(
        UserError, match=f"Expected \\(T \\+ 1\\)\\(T \\+ 2\\) coefficients .* found {count} along"
    ):
        truncation_of(count)


def test_wrong_truncation_is_refused():
    with pytest.raises(UserError, match=r"Expected 506 coefficients for T21, found 462, which is T20"):
        ecmwf_to_coefficients(np.zeros(462), 21)


def test_missing_coefficients_are_refused(tmp_path):
    import xarray as xr

    dataset = xr.open_zarr(layouts.arco_coefficients(tmp_path), chunks=None).load()
    dataset["vo"][0, 1, 100] = np.nan
    dataset = dataset.drop_encoding()
    dataset.to_zarr(
        tmp_path / "holes.zarr", zarr_format=2, encoding={n: {"chunks": (1, 1, 506)} for n in ("vo", "d")}
    )
    opened = open_fields(tmp_path / "holes.zarr")
    with pytest.raises(
        UserError, match="coefficients of vorticity everywhere on the globe, found 1 of 506 missing"
    ):
        opened.isel(time=0).load()
    assert np.isfinite(opened.isel(time=1).load().vorticity).all()
