"""Small local files and stores of exactly the layouts that users bring, all holding the same analytic flow.

Every builder takes a folder and returns what to give to `open_fields`. Names, dimensions, chunks, attributes
and conventions are those of the real archives; only the resolution is lower."""

import math

import numpy as np
import xarray as xr

from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.fields.open import grib
from tests.fields.analytic_flow import POTENTIAL, STREAM, TURN_PER_DAY, M, N, flow, flow_arrays

TIMES = np.arange("2020-01-01T00", "2020-01-01T12", 3, dtype="datetime64[h]").astype("datetime64[ns]")
LATITUDE, LONGITUDE = np.linspace(90, -90, 19), np.arange(36) * 10.0
PRESSURES = np.array([500, 700, 850, 925, 1000])
AREA_LATITUDE, AREA_LONGITUDE = np.linspace(60, 40, 81), np.linspace(0, 20, 81)


def at_levels(field, count, here, dim, values, axis=1):
    """The field at index `here` of a new dimension, half of it elsewhere: a wrong level is noticed."""
    parts = [field * (1.0 if index == here else 0.5) for index in range(count)]
    joined = xr.concat(parts, dim=xr.Variable(dim, values))
    dims = [name for name in joined.dims if name != dim]
    dims.insert(axis, dim)
    return joined.transpose(*dims)


def cds_new(folder, latitude=AREA_LATITUDE, longitude=AREA_LONGITUDE):
    """Climate Data Store since 2024: valid_time, pressure_level, scalar number, string expver along time."""
    u, v, _, _ = flow_arrays(latitude, longitude, TIMES)
    dataset = xr.Dataset({"u": u, "v": v}).rename(time="valid_time")
    for name, long_name, standard_name in (("u", "U", "eastward_wind"), ("v", "V", "northward_wind")):
        dataset[name] = at_levels(dataset[name], 2, 1, "pressure_level", np.array([500.0, 850.0]))
        dataset[name].attrs = {
            "GRIB_paramId": 131 if name == "u" else 132,
            "GRIB_shortName": name,
            "units": "m s**-1",
            "long_name": f"{long_name} component of wind",
            "standard_name": standard_name,
        }
    dataset["pressure_level"].attrs = {"units": "hPa", "standard_name": "air_pressure", "positive": "down"}
    dataset = dataset.assign_coords(number=0, expver=("valid_time", np.array(["0001"] * 2 + ["0005"] * 2)))
    dataset.attrs = {
        "GRIB_centre": "ecmf",
        "institution": "European Centre for Medium-Range Weather Forecasts",
    }
    time_encoding = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int64"}
    path = folder / "cds_new.nc"
    dataset.to_netcdf(path, engine="netcdf4", encoding={"valid_time": time_encoding, "u": {"zlib": True}})
    return path


def cds_new_vorticity(folder):
    """The same for vo and d on one level: a request for vorticity and divergence."""
    _, _, vorticity, divergence = flow_arrays(LATITUDE, LONGITUDE, TIMES)
    dataset = (
        xr.Dataset({"vo": vorticity, "d": divergence})
        .rename(time="valid_time")
        .expand_dims("pressure_level", 1)
    )
    dataset = dataset.assign_coords(pressure_level=[850.0], number=0, expver=("valid_time", ["0001"] * 4))
    for name, standard_name in (("vo", "atmosphere_relative_vorticity"), ("d", "divergence_of_wind")):
        dataset[name].attrs = {"units": "s**-1", "standard_name": standard_name}
    path = folder / "cds_new_vorticity.nc"
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def cds_legacy(folder):
    """Climate Data Store until 2024: time in hours since 1900, int level in millibars, int16 packing,
    netCDF-3."""
    u, v, _, _ = flow_arrays(LATITUDE, LONGITUDE, TIMES)
    dataset = xr.Dataset({"u": u, "v": v})
    encoding = {
        "time": {"units": "hours since 1900-01-01 00:00:00.0", "calendar": "gregorian", "dtype": "int32"}
    }
    for name in ("u", "v"):
        dataset[name] = at_levels(dataset[name], 3, 2, "level", np.array([200, 500, 850], dtype="int32"))
        dataset[name].attrs = {"units": "m s**-1"}
        span = float(np.abs(dataset[name]).max())
        encoding[name] = {
            "dtype": "int16",
            "scale_factor": span / 32000,
            "add_offset": 0.1,
            "_FillValue": -32767,
            "missing_value": -32767,
        }
    dataset["level"].attrs = {"units": "millibars", "long_name": "pressure_level"}
    dataset.attrs["Conventions"] = "CF-1.6"
    path = folder / "cds_legacy.nc"
    dataset.to_netcdf(path, engine="netcdf4", format="NETCDF3_64BIT", encoding=encoding)
    return path


def cds_legacy_expver(folder):
    """The same with ERA5 (1) and ERA5T (5) along a dimension, each missing where the other is given."""
    u, v, _, _ = flow_arrays(AREA_LATITUDE, AREA_LONGITUDE, TIMES)
    dataset = xr.Dataset({"u": u, "v": v})
    late = xr.DataArray(np.arange(4) >= 3, dims="time")
    dataset = xr.concat(
        [dataset.where(~late), dataset.where(late)], dim=xr.Variable("expver", np.array([1, 5], "int32"))
    )
    dataset = dataset.transpose("time", "expver", "latitude", "longitude")
    for name in ("u", "v"):
        dataset[name].attrs["units"] = "m s**-1"
    path = folder / "cds_expver.nc"
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def arco_full_37(folder):
    """ARCO-ERA5 ar/full_37: Zarr 2 here as there, all levels in one chunk, empty outside its valid period."""
    times = np.arange("2019-12-31T18", "2020-01-01T18", 3, dtype="datetime64[h]").astype("datetime64[ns]")
    u, v, _, _ = flow_arrays(LATITUDE, LONGITUDE, TIMES)
    dataset = xr.Dataset({"u_component_of_wind": u, "v_component_of_wind": v}).reindex(time=times)
    for name in dataset.data_vars:
        dataset[name] = at_levels(dataset[name], 5, 2, "level", PRESSURES)
        dataset[name].attrs = {"units": "m s**-1", "short_name": name[0]}
    dataset["temperature"] = dataset["u_component_of_wind"] * 0 + 280
    dataset.attrs = {
        "valid_time_start": "2020-01-01",
        "valid_time_stop": "2020-01-01T09",
        "last_updated": "2026-03-09",
    }
    encoding = {name: {"chunks": (1, 5, 19, 36)} for name in dataset.data_vars}
    path = folder / "full_37-1h-0p25deg-chunk-1.zarr-v3"
    dataset.to_zarr(path, zarr_format=2, consolidated=True, encoding=encoding)
    return path


def arco_model_level(folder):
    """ARCO-ERA5 ar/model-level: vorticity and divergence with long names, hybrid levels in chunks of 18."""
    _, _, vorticity, divergence = flow_arrays(LATITUDE, LONGITUDE, TIMES)
    dataset = xr.Dataset({"vorticity": vorticity, "divergence": divergence})
    hybrid = np.arange(101, 138)
    for name in dataset.data_vars:
        dataset[name] = at_levels(dataset[name], hybrid.size, 19, "hybrid", hybrid)
        dataset[name].attrs = {"units": "s**-1", "GRIB_typeOfLevel": "hybrid"}
    dataset.attrs = {"valid_time_start": "2020-01-01", "valid_time_stop": "2020-01-01"}
    path = folder / "model-level-1h-0p25deg.zarr-v1"
    encoding = {name: {"chunks": (1, 18, 19, 36)} for name in dataset.data_vars}
    dataset.to_zarr(path, zarr_format=2, consolidated=True, encoding=encoding)
    return path


def spectral_values(truncation, days=0.0):
    """ECMWF coefficients of the vorticity and divergence of the flow, from the formulas and nothing of the
    package.

    The flow's vorticity is Z cos^m sin cos(m lambda) = 2 Re(X P e^(i m lambda)) with P = c cos^m sin and c
    such that the mean of P^2 is 1; the same for the divergence."""
    mu, weight = np.polynomial.legendre.leggauss(40)
    values = []
    for order, degree, amplitude, shape in (
        (M, M + 1, -(M + 1) * (M + 2) / EARTH_RADIUS_M**2 * STREAM, (1 - mu**2) ** (M / 2) * mu),
        (N, N, -N * (N + 1) / EARTH_RADIUS_M**2 * POTENTIAL, (1 - mu**2) ** (N / 2)),
    ):
        norm = 1.0 / math.sqrt(0.5 * np.sum(weight * shape**2))
        x = amplitude / (2 * norm) * np.exp(-1j * order * TURN_PER_DAY * days)
        flat = np.zeros((truncation + 1) * (truncation + 2))
        pair = sum(truncation + 1 - m for m in range(order)) + degree - order
        flat[2 * pair], flat[2 * pair + 1] = x.real, x.imag
        values.append(flat)
    return values


def arco_coefficients(folder, truncation=21):
    """ARCO-ERA5 co/model-level-wind: (time, hybrid, values) float32, one level and one time per chunk."""
    days = (TIMES - TIMES[0]) / np.timedelta64(1, "D")
    fields = np.array([spectral_values(truncation, day) for day in days], dtype=np.float32)
    hybrid = np.array([119.0, 120.0])
    data = {
        name: (
            ("time", "hybrid", "values"),
            np.stack([0.5 * fields[:, i], fields[:, i]], axis=1),
            {
                "units": "s**-1",
                "GRIB_gridType": "sh",
                "GRIB_paramId": param,
                "GRIB_cfName": cf,
            },
        )
        for i, (name, param, cf) in enumerate(
            (("vo", 138, "atmosphere_relative_vorticity"), ("d", 155, "divergence_of_wind"))
        )
    }
    dataset = xr.Dataset(data, {"time": TIMES, "hybrid": hybrid})
    dataset = dataset.assign_coords(number=0, step=0.0, valid_time=("time", TIMES))
    dataset.attrs = {"valid_time_start": "2020-01-01", "valid_time_stop": "2020-01-01", "GRIB_centre": "ecmf"}
    path = folder / "model-level-wind.zarr-v2"
    count = fields.shape[-1]
    dataset.to_zarr(
        path, zarr_format=2, consolidated=True, encoding={n: {"chunks": (1, 1, count)} for n in ("vo", "d")}
    )
    return path


def weatherbench2(folder):
    """WeatherBench2: latitude ascending, (time, level, longitude, latitude), no poles, conservative grid."""
    latitude, longitude = np.arange(-87.1875, 90, 5.625), np.arange(0, 360, 5.625)
    u, v, _, _ = flow_arrays(latitude, longitude, TIMES)
    dataset = xr.Dataset({"u_component_of_wind": u, "v_component_of_wind": v})
    for name in dataset.data_vars:
        field = at_levels(dataset[name], 3, 1, "level", np.array([500, 850, 1000]))
        dataset[name] = field.transpose("time", "level", "longitude", "latitude")
        dataset[name].attrs = {"units": "m s**-1"}
    path = folder / "1959-2023_01_10-6h-64x32_equiangular_conservative.zarr"
    dataset.to_zarr(
        path, zarr_format=2, consolidated=True, encoding={n: {"chunks": (2, 3, 64, 32)} for n in dataset}
    )
    return path


def ecmwf_datacube(folder):
    """ECMWF's ARCO data cube: Zarr 3, longitudes from -180, plain u and v."""
    u, v, _, _ = flow_arrays(LATITUDE, np.arange(-180, 180, 10.0), TIMES)
    dataset = xr.Dataset({"u": u, "v": v})
    for name in dataset.data_vars:
        dataset[name] = at_levels(dataset[name], 2, 0, "level", np.array([850, 1000]))
        dataset[name].attrs = {"units": "m s-1"}
    path = folder / "timeChunked.zarr"
    dataset.to_zarr(
        path, zarr_format=3, consolidated=False, encoding={n: {"chunks": (1, 1, 19, 36)} for n in dataset}
    )
    return path


def generic_wind(folder):
    """Any climate model: lat, lon, plev in Pa, ua, va, known by their CF standard names."""
    latitude, longitude = LATITUDE[::-1], LONGITUDE
    u, v, _, _ = flow_arrays(latitude, longitude, TIMES)
    dataset = xr.Dataset({"zonal": u, "meridional": v}).rename(latitude="lat", longitude="lon")
    for name, standard_name in (("zonal", "eastward_wind"), ("meridional", "northward_wind")):
        dataset[name] = at_levels(dataset[name], 2, 1, "plev", np.array([50000.0, 85000.0]))
        dataset[name].attrs = {"units": "m s-1", "standard_name": standard_name}
    dataset["plev"].attrs = {"units": "Pa", "standard_name": "air_pressure"}
    path = folder / "generic.nc"
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def generic_vorticity_gaussian(folder):
    """Vorticity and divergence on Gaussian latitudes in 1e-5 s-1, as plotting tools like them."""
    latitude = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(32)[0]))[::-1]
    _, _, vorticity, divergence = flow_arrays(latitude, np.arange(64) * 5.625, TIMES)
    dataset = xr.Dataset({"relative_vorticity": vorticity * 1e5, "div": divergence * 1e5})
    for name in dataset.data_vars:
        dataset[name].attrs["units"] = "1e-5 s-1"
    path = folder / "gaussian.nc"
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def several_files(folder):
    """u and v in files of their own, one pair per half of the period."""
    u, v, _, _ = flow_arrays(LATITUDE, LONGITUDE, TIMES)
    paths = []
    for half, times in (("b", slice(2, 4)), ("a", slice(0, 2))):
        for name, field in (("u", u), ("v", v)):
            part = field.isel(time=times).assign_attrs(units="m s**-1").to_dataset(name=name)
            paths.append(folder / f"wind_{name}_{half}.nc")
            part.to_netcdf(paths[-1], engine="netcdf4")
    return paths


def zip_of_files(folder):
    """What the Climate Data Store sends when a request mixes kinds of fields."""
    import zipfile

    path = folder / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(cds_new_vorticity(folder), "data_stream-oper_stepType-instant.nc")
        archive.writestr("readme.txt", "not a data file")
    return path


def grib_grid(folder, edition=2):
    """u, v as GRIB messages on a regular grid, two levels and two times."""
    eccodes = grib.eccodes()
    path = folder / f"grid.grib{edition}"
    with open(path, "wb") as file:
        for index, time in enumerate(TIMES[:2]):
            u, v, _, _ = flow(LATITUDE, LONGITUDE, (time - TIMES[0]) / np.timedelta64(1, "D"))
            for level in (500, 850):
                for parameter, field in ((131, u), (132, v)):
                    handle = eccodes.codes_grib_new_from_samples(f"regular_ll_pl_grib{edition}")
                    keys = {
                        "Ni": 36,
                        "Nj": 19,
                        "latitudeOfFirstGridPointInDegrees": 90.0,
                        "latitudeOfLastGridPointInDegrees": -90.0,
                        "longitudeOfFirstGridPointInDegrees": 0.0,
                        "longitudeOfLastGridPointInDegrees": 350.0,
                        "iDirectionIncrementInDegrees": 10.0,
                        "jDirectionIncrementInDegrees": 10.0,
                        "dataDate": 20200101,
                        "dataTime": 300 * index,
                        "level": level,
                        "paramId": parameter,
                        "bitsPerValue": 24,
                    }
                    for key, value in keys.items():
                        eccodes.codes_set(handle, key, value)
                    eccodes.codes_set_values(handle, (field * (1.0 if level == 850 else 0.5)).ravel())
                    eccodes.codes_write(handle, file)
                    eccodes.codes_release(handle)
    return path


def grib_spectral(folder, truncation=21):
    """vo and d as GRIB messages of spherical-harmonic coefficients, beside a temperature that is not
    wanted."""
    eccodes = grib.eccodes()
    path = folder / "spectral.grib"
    with open(path, "wb") as file:
        vorticity, divergence = spectral_values(truncation)
        for parameter, values in ((130, vorticity * 1e6), (138, vorticity), (155, divergence)):
            handle = eccodes.codes_grib_new_from_samples("sh_ml_grib1")
            for key in ("J", "K", "M"):
                eccodes.codes_set(handle, key, truncation)
            for key, value in {
                "dataDate": 20200101,
                "dataTime": 0,
                "level": 120,
                "paramId": parameter,
            }.items():
                eccodes.codes_set(handle, key, value)
            eccodes.codes_set(handle, "packingType", "spectral_simple")
            eccodes.codes_set(handle, "bitsPerValue", 24)
            eccodes.codes_set_values(handle, values)
            eccodes.codes_write(handle, file)
            eccodes.codes_release(handle)
    return path
