"""Any fields at any levels: names, units, levels, derived fields, and sentences for what is not there."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import Channel, channel_names, is_pseudo_scalar, is_standardized
from atmodist_core.fields.canonical.names import ALL_QUANTITIES
from tests.fields.layouts import AREA_LATITUDE, AREA_LONGITUDE, TIMES, at_levels, cds_new, cds_new_vorticity

LEVELS = np.array([500.0, 850.0])


def with_more_fields(folder, units="K", height_units="m"):
    """A CDS file with wind, temperature and geopotential height at 500 and 850 hPa; 850 hPa holds what is named here."""
    path = cds_new(folder)
    with xr.open_dataset(path) as opened:
        dataset = opened.load()
    shape = (len(TIMES), AREA_LATITUDE.size, AREA_LONGITUDE.size)
    ramp = np.broadcast_to(np.linspace(0.0, 20.0, AREA_LONGITUDE.size), shape)
    axes = ("valid_time", "latitude", "longitude")
    for name, values, unit in (
        ("t", (270.0 if units == "K" else -3.15) + ramp, units),
        ("gh", 1500.0 + 10.0 * ramp, height_units),
        ("tcc", ramp, "1"),
    ):
        field = xr.DataArray(values.astype(np.float32), dims=axes)
        field = at_levels(field, 2, 1, "pressure_level", LEVELS) if name != "tcc" else field
        dataset[name] = field.assign_attrs(units=unit)
    other = folder / f"more_{units}.nc"
    dataset.to_netcdf(other, engine="netcdf4")
    return other


def test_names_may_be_written_in_any_way():
    assert channel_names(("t@850", "Temperature@850 hPa", "vo@hybrid 120", "d", "clwc@0.5")) == (
        "temperature@850",
        "temperature@850",
        "vorticity@120",
        "divergence",
        "clwc@0.5",
    )
    assert Channel.of(" q @ 700 ") == Channel("specific_humidity", "700")
    for wrong in ("", "@850", "temperature@"):
        with pytest.raises(UserError, match="temperature@850"):
            Channel.of(wrong)


def test_no_name_means_two_fields():
    aliases = [alias for quantity in ALL_QUANTITIES.values() for alias in quantity.aliases]
    assert len(set(aliases)) == len(aliases)


def test_which_fields_change_sign_in_a_mirror_and_which_have_heavy_tails():
    """Reflect the wind of a vortex: (u, v)(y) -> (u, -v)(-y) turns its rotation round, and not its divergence."""
    y = x = np.linspace(-1.0, 1.0, 21)
    u, v = -y[:, None] * np.ones(21), x[None, :] * np.ones((21, 1))
    rotation = np.gradient(v, x, axis=1) - np.gradient(u, y, axis=0)
    mirrored_u, mirrored_v = u[::-1], -v[::-1]
    mirrored = np.gradient(mirrored_v, x, axis=1) - np.gradient(mirrored_u, y, axis=0)
    np.testing.assert_allclose(mirrored, -rotation[::-1], atol=1e-12)
    odd = [
        is_pseudo_scalar(name)
        for name in ("vorticity@850", "v@500", "v10", "u@500", "divergence", "temperature@850")
    ]
    assert odd == [True, True, True, False, False, False]
    assert [is_standardized(name) for name in ("temperature@850", "u10", "divergence@850", "tcc")] == [
        True,
        True,
        False,
        False,
    ]


def test_fields_at_levels_are_read_and_derived(tmp_path):
    path = with_more_fields(tmp_path)
    fields = ad.open_fields(
        path, fields=("t@850", "temperature@500", "vorticity@850", "gh@850", "u@500", "tcc")
    )
    assert list(fields) == [
        "temperature@850", "temperature@500", "vorticity@850", "geopotential@850", "u@500", "tcc",
    ]  # fmt: skip
    ramp = np.linspace(0.0, 20.0, AREA_LONGITUDE.size)
    inner = fields.isel(time=0, latitude=40).compute()
    np.testing.assert_allclose(inner["temperature@850"], 270.0 + ramp, rtol=1e-6)
    np.testing.assert_allclose(inner["temperature@500"], 0.5 * (270.0 + ramp), rtol=1e-6)
    np.testing.assert_allclose(inner["geopotential@850"], 9.80665 * (1500.0 + 10.0 * ramp), rtol=1e-6)
    np.testing.assert_array_equal(inner["tcc"], ramp.astype(np.float32))
    attributes = fields["temperature@500"].attrs
    assert (attributes["units"], attributes["standard_name"], attributes["level"]) == (
        "K",
        "air_temperature",
        "500 hPa",
    )
    assert fields["geopotential@850"].attrs["units"] == "m2 s-2" and fields["tcc"].attrs["units"] == "1"
    assert fields.attrs["level"] == "850 hPa, 500 hPa" and fields.attrs["time_step_hours"] == 3.0
    for level in (500, 850):
        alone = ad.open_fields(path, level=level)
        together = ad.open_fields(path, fields=(f"divergence@{level}", f"vorticity@{level}"))
        for name in ("vorticity", "divergence"):
            np.testing.assert_array_equal(together[f"{name}@{level}"].values, alone[name].values)


def test_without_fields_nothing_changes(tmp_path):
    """The default pair, to the bit and to the attribute."""
    path = with_more_fields(tmp_path)
    default = ad.open_fields(path, level=850)
    asked = ad.open_fields(path, level=850, fields=("vorticity", "divergence"))
    assert list(default) == ["vorticity", "divergence"]
    for name in default:
        np.testing.assert_array_equal(default[name].values, asked[name].values)
        assert set(default[name].attrs) == {"units", "standard_name", "long_name"}
    assert default.attrs == asked.attrs


def test_celsius_becomes_kelvin_and_wrong_units_are_refused(tmp_path):
    fields = ad.open_fields(with_more_fields(tmp_path, units="degC"), fields=("temperature@850",))
    assert float(fields["temperature@850"].min()) == pytest.approx(270.0, abs=1e-3)
    with pytest.raises(UserError, match="'t' is 'Pa', but K"):
        ad.open_fields(with_more_fields(tmp_path, units="Pa"), fields=("temperature@850",))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (("temperature@300",), "temperature@300 cannot be read: Level 300 .* 500, 850 hPa"),
        (("specific_humidity@850",), "specific_humidity@850 cannot be read: .*'gh', 't', 'tcc', 'u', 'v'"),
        (("tcc@850",), "Level 850 was requested, but the data have no levels"),
        (("t@850", "temperature@850 hPa"), "twice"),
        ((), "at least one field"),
    ],
)
def test_what_is_not_there_is_a_sentence(tmp_path, asked, named):
    with pytest.raises(UserError, match=named):
        ad.open_fields(with_more_fields(tmp_path), fields=asked)


def test_the_wind_of_a_globe_comes_from_its_vorticity_and_divergence(tmp_path):
    """And back: the vorticity of that wind is the one it came from."""
    path = cds_new_vorticity(tmp_path)
    winds = ad.open_fields(path, fields=("u", "v"))
    assert winds["u"].attrs["units"] == "m s-1"
    again = ad.vorticity_divergence(winds["u"], winds["v"])
    given = ad.open_fields(path)
    np.testing.assert_allclose(again.vorticity, given.vorticity, atol=2e-3 * float(given.vorticity.std()))


def test_fields_of_several_files_meet_on_common_times(tmp_path):
    path = with_more_fields(tmp_path)
    with xr.open_dataset(path) as opened:
        both = opened.load()
    both[["t"]].isel(valid_time=slice(1, None)).to_netcdf(tmp_path / "t.nc")
    both[["u", "v"]].to_netcdf(tmp_path / "wind.nc")
    fields = ad.open_fields([tmp_path / "t.nc", tmp_path / "wind.nc"], fields=("vorticity@850", "t@850"))
    np.testing.assert_array_equal(fields.time.values, TIMES[1:])
    whole = ad.open_fields(path, level=850)
    np.testing.assert_array_equal(fields["vorticity@850"].values, whole.vorticity.values[1:])
    assert "1 times at which a field is missing were left out" in fields.attrs["notes"]


def test_opening_reads_no_field(tmp_path):
    """Of a large file, or a store: arrays stay lazy."""
    fields = ad.open_fields(with_more_fields(tmp_path), fields=("t@850", "vorticity@500"))
    assert all(fields[name].chunks for name in fields)
