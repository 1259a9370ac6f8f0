"""Times: every way files have of saying, or not saying, when."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from atmodist_core.fields.canonical.time_axis import name_time_axis, note_spacing
from atmodist_core.fields.canonical.time_selection import spell_times, time_indices
from tests.fields.analytic_flow import flow_arrays
from tests.fields.layouts import AREA_LATITUDE, AREA_LONGITUDE

TIMES = np.arange("2020-01-01T00", "2020-03-01", 3, dtype="M8[h]").astype("M8[ns]")


def area(times):
    u, v, _, _ = flow_arrays(AREA_LATITUDE[::10], AREA_LONGITUDE[::10], times)
    return xr.Dataset({"u": u.assign_attrs(units="m s-1"), "v": v.assign_attrs(units="m s-1")})


def opened(dataset, folder, **arguments):
    path = folder / f"{len(list(folder.iterdir()))}.nc"  # the one before may still be open
    dataset.to_netcdf(path, engine="netcdf4")
    return open_fields(path, **arguments)


@pytest.mark.parametrize(
    ("request_", "count", "first"),
    [
        ("2020", 480, "2020-01-01"),
        ("2020-02", 29 * 8, "2020-02-01"),
        ("2020-01-02", 8, "2020-01-02"),
        ("20200102", 8, "2020-01-02"),
        ("2020-01-02T06", 1, "2020-01-02T06"),
        ("2020-01-02 06:00", 1, "2020-01-02T06"),
        ("2020-01-02T06:00:00Z", 1, "2020-01-02T06"),
        (np.datetime64("2020-01-02T06"), 1, "2020-01-02T06"),
        (dt.datetime(2020, 1, 2, 6), 1, "2020-01-02T06"),
        (dt.date(2020, 1, 2), 8, "2020-01-02"),
        (pd.Timestamp("2020-01-02T08", tz="Europe/Berlin"), None, None),
        (pd.Timestamp("2020-01-02T07", tz="Europe/Berlin"), 1, "2020-01-02T06"),
        (slice("2020-01-02", "2020-01-03"), 16, "2020-01-02"),
        (slice(None, "2020-01-01"), 8, "2020-01-01"),
        (slice("2020-02-29", None), 8, "2020-02-29"),
        (slice(None, None, 8), 60, "2020-01-01"),
        (["2020-01-05T03", "2020-01-01T00"], 2, "2020-01-01"),
        (pd.date_range("2020-01-01", "2020-01-02", freq="6h"), 5, "2020-01-01"),
        (xr.DataArray(TIMES[5:7], dims="time"), 2, "2020-01-01T15"),
    ],
)
def test_requests(request_, count, first):
    if count is None:
        with pytest.raises(UserError, match="is not in the data"):
            time_indices(TIMES, request_)
        return
    chosen = TIMES[time_indices(TIMES, request_)]
    assert chosen.size == count
    assert chosen[0] == np.datetime64(first)
    assert np.all(np.diff(chosen) > np.timedelta64(0))


@pytest.mark.parametrize(
    "request_", [slice("a", None), slice(None, None, -1), slice(None, None, 0), slice(None, None, 1.5)]
)
def test_bad_slices(request_):
    with pytest.raises(UserError, match=r"Expected a (time|positive whole number)"):
        time_indices(TIMES, request_)


def test_unsorted_times_are_sorted(tmp_path):
    dataset = area(TIMES[:4])
    fields = opened(dataset.isel(time=[2, 0, 3, 1]), tmp_path)
    assert "Times were sorted" in fields.attrs["notes"]
    xr.testing.assert_allclose(fields.drop_attrs(), opened(dataset, tmp_path).drop_attrs())


def test_irregular_times_are_noted(tmp_path):
    fields = opened(area(TIMES[[0, 1, 2, 3, 8]]), tmp_path)
    assert "most are 3 h apart, but steps range from 3 to 15 h" in fields.attrs["notes"]
    assert "time_step_hours" not in fields.attrs


def test_regular_times_have_a_step():
    notes = []
    assert note_spacing(TIMES, notes.append) == 3.0
    assert note_spacing(TIMES[:1], notes.append) is None
    assert notes == []


def test_no_time_axis(tmp_path):
    fields = opened(area(TIMES[:1]).isel(time=0, drop=True), tmp_path)
    assert fields.sizes["time"] == 1 and fields.time.values[0] == np.datetime64("2001-01-01")
    assert "The file has no time axis; the placeholder date 2001-01-01 was given" in fields.attrs["notes"]


def test_scalar_time(tmp_path):
    fields = opened(area(TIMES[:2]).isel(time=1), tmp_path)
    assert list(fields.time.values) == [TIMES[1]]
    assert fields.attrs["notes"] == ""


def test_time_dimension_without_values(tmp_path):
    fields = opened(area(TIMES[:3]).drop_vars("time"), tmp_path)
    assert list(fields.time.dt.day.values) == [1, 2, 3]
    assert "Dimension 'time' has no values; placeholder dates from 2001-01-01" in fields.attrs["notes"]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("month", [1, 4, 7], ["2001-01-01", "2001-04-01", "2001-07-01"]),
        ("dayofyear", [1, 32, 60], ["2001-01-01", "2001-02-01", "2001-03-01"]),
        ("hour", [0, 6, 12], ["2001-01-01T00", "2001-01-01T06", "2001-01-01T12"]),
        ("season", ["DJF", "MAM", "JJA"], ["2001-01-01", "2001-01-02", "2001-01-03"]),
        ("record", None, ["2001-01-01", "2001-01-02", "2001-01-03"]),
    ],
)
def test_dimensions_instead_of_time(name, values, expected, tmp_path):
    dataset = area(TIMES[:3]).drop_vars("time").rename(time=name)
    fields = opened(dataset if values is None else dataset.assign_coords({name: values}), tmp_path)
    assert [np.datetime64(day) for day in expected] == list(fields.time.values)
    assert f"its dimension '{name}'" in fields.attrs["notes"]
    assert "time_step_hours" not in fields.attrs, "placeholders have no true spacing"


@pytest.mark.parametrize("calendar", ["noleap", "365_day", "julian"])
def test_model_calendars(calendar, tmp_path):
    dataset = area(TIMES[:2]).assign_coords(
        time=("time", [0.0, 0.25], {"units": "days since 2001-02-28", "calendar": calendar})
    )
    fields = opened(dataset, tmp_path)
    assert fields.time.values[1] == np.datetime64("2001-02-28T06")
    assert list(fields.model_date.values) == ["2001-02-28T00:00", "2001-02-28T06:00"]
    assert "are as far apart as in the model" in fields.attrs["notes"]


def test_dates_as_text(tmp_path):
    fields = opened(area(TIMES[:2]).assign_coords(time=["2020-01-01T00:00", "2020-01-01T03:00Z"]), tmp_path)
    np.testing.assert_array_equal(fields.time, TIMES[:2])


def test_forecast_steps(tmp_path):
    """One forecast: the steps are the times."""
    dataset = area(TIMES[:3]).drop_vars("time").rename(time="step").assign_coords(time=TIMES[8])
    dataset = dataset.assign_coords(step=("step", [3, 6, 9], {"units": "hours"}))
    fields = opened(dataset, tmp_path)
    np.testing.assert_array_equal(fields.time, TIMES[9:12])
    assert "these are forecasts, not analyses" in fields.attrs["notes"]


def test_several_forecasts(tmp_path):
    """Reference time x step becomes one axis when no time occurs twice."""
    u, v, _, _ = flow_arrays(AREA_LATITUDE[::10], AREA_LONGITUDE[::10], TIMES[:4])
    names = {"u": u, "v": v}
    data = {
        n: (
            ("forecast_reference_time", "forecast_period", "latitude", "longitude"),
            a.values.reshape(2, 2, *a.shape[1:]),
            {"units": "m s-1"},
        )
        for n, a in names.items()
    }
    dataset = xr.Dataset(
        data,
        {
            "forecast_reference_time": TIMES[[0, 2]],
            "forecast_period": ("forecast_period", [0, 3], {"units": "hours"}),
            "latitude": u.latitude,
            "longitude": u.longitude,
        },
    )
    fields = opened(dataset, tmp_path)
    np.testing.assert_array_equal(fields.time, TIMES[:4])
    np.testing.assert_allclose(fields.vorticity, opened(area(TIMES[:4]), tmp_path).vorticity, atol=1e-12)


def test_overlapping_forecasts_are_refused(tmp_path):
    dataset = (
        area(TIMES[:2]).rename(time="forecast_reference_time").expand_dims(forecast_period=[0, 3], axis=1)
    )
    dataset["forecast_period"].attrs["units"] = "hours"
    with pytest.raises(UserError, match="Expected each time once, found 1 duplicate times"):
        opened(dataset, tmp_path)


def test_reference_time_beside_valid_time(tmp_path):
    """cfgrib's netCDF: scalar step, 'time' is the reference, valid_time(time) what counts."""
    dataset = area(TIMES[:2]).assign_coords(step=6, valid_time=("time", TIMES[2:4]))
    np.testing.assert_array_equal(opened(dataset, tmp_path).time, TIMES[2:4])


def test_steps_without_a_reference():
    array = xr.DataArray(np.zeros((2, 3, 3)), dims=("step", "latitude", "longitude"), coords={"step": [1, 2]})
    with pytest.raises(UserError, match="has forecast steps \\('step'\\) but no reference time"):
        name_time_axis(array, "u", lambda _: None)


def test_spelling_of_times():
    assert spell_times(TIMES[:2]) == "2020-01-01T00:00, 2020-01-01T03:00"
    assert spell_times(TIMES[:5]).endswith("and 2 more")
