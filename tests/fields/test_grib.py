"""GRIB: scanning modes, missing values, messages with several fields, damaged files, incomplete cubes."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.analytic_flow import flow, largest_error

pytest.importorskip("eccodes")


@pytest.fixture
def codes():
    from atmodist_core.fields.open.grib import eccodes

    return eccodes()


LATITUDE, LONGITUDE = np.linspace(60, 40, 11), np.arange(0, 22, 2.0)


def message(codes, parameter, values, **keys):
    """One GRIB2 message on an area of 11 x 11 points."""
    handle = codes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    settings = {
        "Ni": 11,
        "Nj": 11,
        "latitudeOfFirstGridPointInDegrees": 60.0,
        "latitudeOfLastGridPointInDegrees": 40.0,
        "longitudeOfFirstGridPointInDegrees": 0.0,
        "longitudeOfLastGridPointInDegrees": 20.0,
        "iDirectionIncrementInDegrees": 2.0,
        "jDirectionIncrementInDegrees": 2.0,
        "dataDate": 20200101,
        "dataTime": 0,
        "level": 850,
        "paramId": parameter,
        "bitsPerValue": 24,
        **keys,
    }
    for key, value in settings.items():
        codes.codes_set(handle, key, value)
    codes.codes_set_values(handle, np.asarray(values, dtype=float).ravel())
    return handle


def write(codes, path, handles):
    with open(path, "wb") as file:
        for handle in handles:
            codes.codes_write(handle, file)
            codes.codes_release(handle)
    return path


def test_both_editions(tmp_path):
    for edition in (1, 2):
        fields = open_fields(layouts.grib_grid(tmp_path, edition), level=850)
        assert fields.sizes["time"] == 2
        assert largest_error(fields) < 5e-6


def test_area_with_rows_from_the_south(codes, tmp_path):
    u, v, _, _ = flow(LATITUDE, LONGITUDE)
    keys = {
        "jScansPositively": 1,
        "latitudeOfFirstGridPointInDegrees": 40.0,
        "latitudeOfLastGridPointInDegrees": 60.0,
    }
    up = write(
        codes,
        tmp_path / "up.grib",
        [message(codes, 131, u[::-1], **keys), message(codes, 132, v[::-1], **keys)],
    )
    down = write(codes, tmp_path / "down.grib", [message(codes, 131, u), message(codes, 132, v)])
    a, b = open_fields(up), open_fields(down)
    np.testing.assert_allclose(a.latitude, LATITUDE)
    np.testing.assert_allclose(a.vorticity, b.vorticity, atol=1e-10)


def test_area_across_greenwich(codes, tmp_path):
    u, v, _, _ = flow(LATITUDE, np.arange(-10, 12, 2.0))
    keys = {"longitudeOfFirstGridPointInDegrees": 350.0, "longitudeOfLastGridPointInDegrees": 10.0}
    path = write(codes, tmp_path / "g.grib", [message(codes, 131, u, **keys), message(codes, 132, v, **keys)])
    np.testing.assert_allclose(open_fields(path).longitude, np.arange(-10, 12, 2.0))


def test_missing_values_are_a_mask(codes, tmp_path):
    _, _, vorticity, divergence = flow(LATITUDE, LONGITUDE)
    vorticity[4, 5] = 9999.0
    keys = {"bitmapPresent": 1, "missingValue": 9999.0}
    path = write(
        codes, tmp_path / "m.grib", [message(codes, 138, vorticity, **keys), message(codes, 155, divergence)]
    )
    fields = open_fields(path)
    assert int(np.isnan(fields.vorticity).sum()) == 1 and np.isnan(fields.vorticity[0, 4, 5])
    assert "1 values of 'vo' and 0 of 'd' of 121 are missing" in fields.attrs["notes"]


def test_several_fields_in_one_message(codes, tmp_path):
    """NCEP packs u and v into one message."""
    u, v, _, _ = flow(LATITUDE, LONGITUDE)
    handles = [message(codes, 131, u), message(codes, 132, v)]
    multi = codes.codes_grib_multi_new()
    for handle in handles:
        codes.codes_grib_multi_append(handle, 4, multi)
    with open(tmp_path / "multi.grib", "wb") as file:
        codes.codes_grib_multi_write(multi, file)
    codes.codes_grib_multi_release(multi)
    single = write(codes, tmp_path / "single.grib", handles)
    a, b = open_fields(tmp_path / "multi.grib"), open_fields(single)
    np.testing.assert_allclose(a.vorticity, b.vorticity, atol=1e-10)
    np.testing.assert_allclose(a.divergence, b.divergence, atol=1e-10)


def test_regular_gaussian_grid(codes, tmp_path):
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(64)[0]))[::-1]
    u, v, _, _ = flow(latitude, np.arange(128) * 2.8125)
    handles = []
    for parameter, values in ((131, u), (132, v)):
        handle = codes.codes_grib_new_from_samples("regular_gg_pl_grib2")
        for key, value in {
            "N": 32,
            "dataDate": 20200101,
            "dataTime": 0,
            "level": 850,
            "paramId": parameter,
        }.items():
            codes.codes_set(handle, key, value)
        codes.codes_set(handle, "bitsPerValue", 24)
        codes.codes_set_values(handle, values.ravel())
        handles.append(handle)
    fields = open_fields(write(codes, tmp_path / "gg.grib", handles))
    assert fields.attrs["grid"] == "gaussian" and fields.sizes["latitude"] == 64
    assert largest_error(fields) < 5e-6


def test_pressure_levels_beside_the_tropopause(codes, tmp_path):
    """Fields of kinds of level that cannot be chosen do not disturb those that can."""
    u, v, _, _ = flow(LATITUDE, LONGITUDE)
    handles = [message(codes, 131, u), message(codes, 132, v)]
    handles += [message(codes, p, 0 * u, typeOfFirstFixedSurface=7) for p in (131, 132)]
    fields = open_fields(write(codes, tmp_path / "t.grib", handles))
    assert fields.attrs["level"] == "850 hPa"
    assert float(np.abs(fields.vorticity).max()) > 1e-6


def test_other_fields_only(codes, tmp_path):
    path = write(codes, tmp_path / "t.grib", [message(codes, 130, np.full(121, 280.0))])
    with pytest.raises(
        UserError, match=r"Expected u and v, or vorticity and divergence, found the fields 't' in"
    ):
        open_fields(path)


def test_incomplete_cube(codes, tmp_path):
    u, v, _, _ = flow(LATITUDE, LONGITUDE)
    handles = [message(codes, p, f) for p, f in ((131, u), (132, v))]
    handles += [message(codes, 131, u, level=500), message(codes, 131, u, dataTime=300)]
    with pytest.raises(
        UserError, match=r"Expected 'u' at all 2 times on all 2 levels .* but 1 messages are missing"
    ):
        open_fields(write(codes, tmp_path / "i.grib", handles))


def test_same_field_twice(codes, tmp_path):
    u, v, _, _ = flow(LATITUDE, LONGITUDE)
    handles = [message(codes, p, f) for p, f in ((131, u), (132, v), (131, u))]
    with pytest.raises(UserError, match=r"Expected each field once, found 'u' at .* twice"):
        open_fields(write(codes, tmp_path / "d.grib", handles))


def test_reduced_gaussian_grid(codes, tmp_path):
    handle = codes.codes_grib_new_from_samples("reduced_gg_pl_32_grib2")
    codes.codes_set(handle, "paramId", 131)
    path = write(codes, tmp_path / "r.grib", [handle])
    with pytest.raises(UserError, match=r"found reduced_gg in .* regrid it first"):
        open_fields(path)


def test_ensemble(codes, tmp_path):
    u, v, _, _ = flow(LATITUDE, LONGITUDE)
    handles = [
        message(codes, p, f, productDefinitionTemplateNumber=1, perturbationNumber=n)
        for n in (0, 1)
        for p, f in ((131, u), (132, v))
    ]
    with pytest.raises(UserError, match="Expected one forecast, found 2 ensemble members"):
        open_fields(write(codes, tmp_path / "e.grib", handles))


def test_cut_file(codes, tmp_path):
    path = layouts.grib_grid(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 100])
    with pytest.raises(UserError, match="is damaged or incomplete"):
        open_fields(path)


def test_only_the_word_grib(tmp_path):
    path = tmp_path / "word.grib"
    path.write_bytes(b"GRIB is what this claims to be" * 10)
    with pytest.raises(UserError, match=r"damaged or incomplete|found the fields none"):
        open_fields(path)


def test_headers_only_are_read_on_opening(codes, tmp_path, monkeypatch):
    from atmodist_core.fields.open import grib

    decoded = []
    original = grib._read
    monkeypatch.setattr(grib, "_read", lambda *args: decoded.append(args[1:]) or original(*args))
    datasets = grib.open_grib(str(layouts.grib_grid(tmp_path)), lambda _: None)
    assert decoded == []
    u = next(dataset for dataset in datasets if "u" in dataset)
    assert dict(u.sizes) == {"time": 2, "level": 2, "latitude": 19, "longitude": 36}
    u.u.isel(time=1, level=0).load()
    assert len(decoded) == 1


def test_no_index_files_are_left_beside_the_data(tmp_path):
    path = layouts.grib_grid(tmp_path)
    open_fields(path).load()
    assert list(tmp_path.iterdir()) == [path]


def test_pyproj_is_imported_before_eccodes():
    """The other order crashes the process; a child process shows that ours works."""
    pytest.importorskip("pyproj")
    import subprocess
    import sys

    code = (
        "from atmodist_core.fields.open.grib import eccodes; eccodes(); import pyproj; "
        "print(round(pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(1, 2)[1]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "222684"
