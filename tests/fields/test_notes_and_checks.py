"""What is noticed about values is handled on purpose and written into the notes."""

import numpy as np
import xarray as xr

from atmodist_core.fields import open_fields
from atmodist_core.fields.canonical.notes import add_note
from tests.fields import layouts
from tests.fields.analytic_flow import flow_arrays, largest_error

LATITUDE, LONGITUDE = np.linspace(60, 40, 11), np.arange(0, 22, 2.0)


def written(dataset, folder):
    path = folder / f"{len(list(folder.iterdir()))}.nc"  # the one before may still be open
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def winds(latitude=LATITUDE, longitude=LONGITUDE, units="m s-1", times=layouts.TIMES):
    u, v, _, _ = flow_arrays(latitude, longitude, times)
    return xr.Dataset({"u": u.assign_attrs(units=units), "v": v.assign_attrs(units=units)})


def test_missing_values_of_a_limited_area_stay_missing(tmp_path):
    dataset = winds()
    dataset["u"][1, 5, 5] = np.nan
    fields = open_fields(written(dataset, tmp_path))
    assert np.argwhere(np.isnan(fields.vorticity.values)).tolist() == [[1, 5, 5]]
    assert np.argwhere(np.isnan(fields.divergence.values)).tolist() == [[1, 5, 5]]
    assert (
        "1 values of 'u' and 0 of 'v' of 484 are missing; derivatives beside them are one-sided"
        in fields.attrs["notes"]
    )


def test_missing_values_of_given_global_fields_stay_missing(tmp_path):
    """A mask of a global vorticity is the user's own; nothing is derived from it here."""
    _, _, vorticity, divergence = flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, layouts.TIMES)
    vorticity[0, 3, 3] = np.nan
    dataset = xr.Dataset(
        {"vo": vorticity.assign_attrs(units="s-1"), "d": divergence.assign_attrs(units="s-1")}
    )
    fields = open_fields(written(dataset, tmp_path))
    assert int(np.isnan(fields.vorticity).sum()) == 1
    assert "1 values of 'vo' and 0 of 'd' of 2736 are missing" in fields.attrs["notes"]


def test_times_without_any_value_are_left_out(tmp_path):
    dataset = winds(layouts.LATITUDE, layouts.LONGITUDE)
    dataset["u"][2] = np.nan
    fields = open_fields(written(dataset, tmp_path))
    assert list(fields.time.values) == list(layouts.TIMES[[0, 1, 3]])
    assert "1 of 4 times hold no values and were left out (2020-01-01T06:00)" in fields.attrs["notes"]
    assert np.isfinite(fields.vorticity).all()


def test_missing_units_are_assumed_and_noted(tmp_path):
    dataset = winds(layouts.LATITUDE, layouts.LONGITUDE)
    for array in dataset.values():
        array.attrs.clear()
    fields = open_fields(written(dataset, tmp_path))
    assert "Variable 'u' has no units; m s-1 was assumed (standard deviation" in fields.attrs["notes"]
    assert largest_error(fields) < 5e-6


def test_knots_are_converted_and_noted(tmp_path):
    dataset = winds(layouts.LATITUDE, layouts.LONGITUDE)
    with xr.set_options(keep_attrs=True):
        dataset = dataset * (3600 / 1852)
    for array in dataset.values():
        array.attrs["units"] = "knots"
    fields = open_fields(written(dataset, tmp_path))
    assert "Variable 'u' was converted from knots to m s-1." in fields.attrs["notes"]
    assert largest_error(fields) < 5e-6


def test_given_fields_are_preferred_to_winds(tmp_path):
    dataset = winds(layouts.LATITUDE, layouts.LONGITUDE)
    _, _, vorticity, divergence = flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, layouts.TIMES)
    dataset = dataset.assign(vo=vorticity.assign_attrs(units="s-1"), d=divergence.assign_attrs(units="s-1"))
    fields = open_fields(written(dataset, tmp_path))
    assert fields.attrs["derived_from"] == "vo and d as given"
    assert "The data also hold u and v; vorticity and divergence were taken" in fields.attrs["notes"]


def test_winds_beside_half_a_pair(tmp_path):
    """Vorticity without divergence is no pair: the winds are used."""
    dataset = winds(layouts.LATITUDE, layouts.LONGITUDE)
    dataset = dataset.assign(vo=(dataset.u * 0).assign_attrs(units="s-1"))
    assert largest_error(open_fields(written(dataset, tmp_path))) < 5e-6


def test_winds_of_two_heights(tmp_path):
    dataset = winds(layouts.LATITUDE, layouts.LONGITUDE)
    with xr.set_options(keep_attrs=True):
        dataset = dataset.assign(u10=0.5 * dataset.u, v10=0.5 * dataset.v)
    dataset["u10"].attrs["standard_name"] = dataset["u"].attrs["standard_name"] = "eastward_wind"
    fields = open_fields(written(dataset, tmp_path))
    assert "The data also hold u10 and v10 (10 m wind); u and v were taken" in fields.attrs["notes"]
    assert largest_error(fields) < 5e-6


def test_era5_asks_for_its_citation(tmp_path):
    dataset = winds().assign_attrs(Licence="Generated using Copernicus Climate Change Service information")
    assert "cite Hersbach et al. (2020)" in open_fields(written(dataset, tmp_path)).attrs["notes"]
    assert "Hersbach" not in open_fields(written(winds(), tmp_path)).attrs["notes"]


def test_coarse_era5_is_told_to_be_samples(tmp_path):
    licence = {"Licence": "Copernicus"}
    coarse = winds(layouts.LATITUDE, layouts.LONGITUDE).assign_attrs(licence)
    assert (
        "ERA5 at 10 degrees holds interpolated points"
        in open_fields(written(coarse, tmp_path)).attrs["notes"]
    )
    fine = winds(LATITUDE[:5] / 8, LONGITUDE[:5] / 8).assign_attrs(licence)
    assert "interpolated points" not in open_fields(written(fine, tmp_path)).attrs["notes"]


def test_duplicate_meridian_is_dropped(tmp_path):
    dataset = winds(layouts.LATITUDE, np.arange(37) * 10.0)
    fields = open_fields(written(dataset, tmp_path))
    assert fields.sizes["longitude"] == 36 and fields.attrs["grid"] == "equiangular-with-poles"
    assert "The meridian 360 E is stored twice; one copy was dropped" in fields.attrs["notes"]
    assert largest_error(fields) < 5e-6


def test_dataset_can_be_saved_and_opened_again(tmp_path):
    """Canonical fields are themselves a layout that is read."""
    fields = open_fields(written(winds(layouts.LATITUDE, layouts.LONGITUDE), tmp_path)).load()
    fields.to_netcdf(tmp_path / "again.nc", engine="netcdf4")
    again = open_fields(tmp_path / "again.nc")
    np.testing.assert_array_equal(again.vorticity, fields.vorticity)
    np.testing.assert_array_equal(again.longitude, fields.longitude)
    assert again.attrs["derived_from"] == "vorticity and divergence as given"


def test_notes_are_sentences_once():
    dataset = xr.Dataset()
    add_note(dataset, "times were sorted.")
    add_note(dataset, "Times were sorted.")
    add_note(dataset, "Another one.")
    assert dataset.attrs["notes"] == "Times were sorted.\nAnother one."
