"""AtmoDist inside other packages gives the numbers of :class:`AtmoDist`, one state at a time."""

import os
import socket
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.fields.derive import vorticity_divergence, wind
from tests.networks import mock_models

LATITUDE, LONGITUDE = np.linspace(77.5, -77.5, 32), np.arange(36) * 5.0


def _model(folder):
    return mock_models.saved_distance(folder / "tiny-distance", grid_spacing_deg=5.0)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return ad.load_distance(_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def pair():
    """Three members over four times, and observations that start one time later."""
    members = [mock_models.fields(LATITUDE, LONGITUDE, 4, seed=n) for n in range(3)]
    fcst = xr.concat(members, "member")
    obs = mock_models.fields(LATITUDE, LONGITUDE, 4, seed=9)
    return fcst, obs.assign_coords(time=obs.time + np.timedelta64(3, "h"))


@pytest.fixture
def expected(network, pair):
    """Distances over the three common times and the members, by the distance itself."""
    fcst, obs = pair
    found = np.empty((3, 3))
    for time in range(3):
        for member in range(3):
            states = fcst.isel(member=member, time=[time + 1]), obs.isel(time=[time])
            found[time, member] = network.distance(*states).item()
    assert found.std() > 0
    return found


def test_every_state_by_its_labels(network, pair, expected):
    found = ad.evaluation.atmodist(*pair, distance=network, preserve_dims="all")
    assert found.dims == ("time", "member") and list(found.time.values) == list(pair[0].time.values[1:])
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    swapped = ad.evaluation.atmodist(*pair[::-1], distance=network, preserve_dims="all")
    np.testing.assert_allclose(swapped.transpose("time", "member").values, expected, rtol=1e-6)


def test_several_shared_dimensions(network, pair, expected):
    """Start and lag, as forecasts are stored: every state meets the observation of the same place."""
    fcst, obs = (each.isel(time=slice(*cut)) for each, cut in zip(pair, ((1, 4), (0, 3)), strict=True))
    both = [each.expand_dims(init_time=[0, 1]) for each in (fcst, obs)]
    found = ad.evaluation.atmodist(*both, distance=network, preserve_dims=["init_time", "time", "member"])
    for start in (0, 1):
        np.testing.assert_allclose(
            found.sel(init_time=start).transpose("time", "member"), expected, rtol=1e-6
        )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reduce_dims": "member"},
        {"reduce_dims": ["time", "member"]},
        {"preserve_dims": "time"},
        {"preserve_dims": "all"},
        {"reduce_dims": "all"},
    ],
    ids=str,
)
def test_dimensions_and_weights_as_in_scores(network, pair, expected, options):
    """The same means as those that the package scores takes of the same values."""
    pytest.importorskip("scores", reason="needs the package scores")
    from scores.processing import aggregate
    from scores.utils import gather_dimensions

    values = xr.DataArray(expected, dims=("time", "member"), coords={"time": pair[0].time[1:]})
    weights = xr.DataArray([1.0, 2.0, np.nan], dims="member")
    dims = gather_dimensions(values.dims, ("time",), **options)
    for given, filled in ((None, None), (weights, weights.fillna(0.0))):
        theirs = aggregate(values, reduce_dims=dims, weights=filled) if dims else values
        ours = ad.evaluation.atmodist(*pair, distance=network, weights=given, **options)
        xr.testing.assert_allclose(
            ours.drop_vars("time", errors="ignore"), theirs.drop_vars("time", errors="ignore")
        )


def test_what_cannot_be_paired(network, pair):
    fcst, obs = pair
    with pytest.raises(UserError, match="found both; give one of them"):
        ad.evaluation.atmodist(fcst, obs, distance=network, reduce_dims="time", preserve_dims="member")
    with pytest.raises(UserError, match="dimensions among time, member, found 'lead'"):
        ad.evaluation.atmodist(fcst, obs, distance=network, reduce_dims="lead")
    later = obs.assign_coords(time=obs.time + np.timedelta64(9, "D"))
    with pytest.raises(UserError, match="common labels of time, found none"):
        ad.evaluation.atmodist(fcst, later, distance=network)
    with pytest.raises(UserError, match="found run in the observations alone and member in the forecasts"):
        ad.evaluation.atmodist(fcst, obs.expand_dims(run=2), distance=network)
    with pytest.raises(UserError, match="found no divergence in one of them"):
        ad.evaluation.atmodist(fcst, obs[["vorticity"]], distance=network)


def _tensor(fields):
    return torch.from_numpy(fields.to_array().transpose("time", "variable", ...).values)


def test_torchmetrics(network, pair, expected):
    """Batches of any size, and merged states of two processes, give the mean over all states."""
    pytest.importorskip("torchmetrics", reason="needs the package torchmetrics")
    from atmodist_core.integrations.torchmetrics import AtmoDistMetric

    fcst, obs = _tensor(pair[0].isel(member=0)[["vorticity", "divergence"]])[1:], _tensor(pair[1])[:3]
    whole, first, second = (AtmoDistMetric(LATITUDE, LONGITUDE, network) for _ in range(3))
    assert float(whole(fcst, obs)) == pytest.approx(expected[:, 0].mean(), rel=1e-6)
    first.update(fcst[:1], obs[:1])
    second.update(fcst[1:], obs[1:])
    second.merge_state(first)
    assert float(second.compute()) == pytest.approx(expected[:, 0].mean(), rel=1e-6)
    whole.reset()
    assert int(whole.count) == 0
    with pytest.raises(UserError, match=r"Expected predictions of shape \(batch, 2, 32, 36\)"):
        whole.update(fcst[..., 1:], obs)


_PROCESS = """
import os, sys, torch, numpy as np
import atmodist_core as ad
from atmodist_core.integrations.torchmetrics import AtmoDistMetric
rank = int(os.environ["RANK"])
torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
data = np.load(sys.argv[2])
metric = AtmoDistMetric(data["latitude"], data["longitude"], ad.load_distance(sys.argv[1]))
part = slice(0, 1) if rank == 0 else slice(1, 3)
metric.update(*(torch.from_numpy(data[name][part]) for name in ("fcst", "obs")))
print(float(metric.compute()))
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_torchmetrics_in_two_processes(tmp_path, network, pair, expected):
    """One state on one process and two on the other: both report the mean of all three."""
    pytest.importorskip("torchmetrics", reason="needs the package torchmetrics")
    fcst, obs = _tensor(pair[0].isel(member=0)[["vorticity", "divergence"]])[1:], _tensor(pair[1])[:3]
    np.savez(tmp_path / "data.npz", latitude=LATITUDE, longitude=LONGITUDE, fcst=fcst, obs=obs)
    folder = _model(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(Path(__file__).resolve().parents[2])
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": root}
    command = [sys.executable, "-W", "ignore", "-c", _PROCESS, str(folder), str(tmp_path / "data.npz")]
    started = [
        subprocess.Popen(command, env={**shared, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    values = [float(each.communicate(timeout=300)[0].splitlines()[-1]) for each in started]
    assert values == pytest.approx([expected[:, 0].mean()] * 2, rel=1e-6)


def _weatherbenchx(monkeypatch):
    """The package itself, or its class of statistics where it is not installed."""
    try:
        import weatherbenchX  # noqa: F401
    except ImportError:
        import abc
        import types

        class Statistic(abc.ABC):
            """The part of the interface that a statistic has to have."""

            unique_name = property(lambda self: type(self).__name__)

            @abc.abstractmethod
            def compute(self, predictions, targets): ...

        for name in ("weatherbenchX", "weatherbenchX.metrics", "weatherbenchX.metrics.base"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["weatherbenchX.metrics.base"].Statistic = Statistic
    monkeypatch.delitem(sys.modules, "atmodist_core.integrations.weatherbenchx", raising=False)
    from atmodist_core.integrations.weatherbenchx import AtmoDistStatistic

    return AtmoDistStatistic


def test_weatherbenchx(network, pair, monkeypatch):
    """Start and lag are kept; winds from south to north are differentiated first; one name per network and layer."""
    statistic = _weatherbenchx(monkeypatch)(network, layer="stage2")
    assert statistic.unique_name == "AtmoDist_tiny-distance_stage2_u_component_of_wind_v_component_of_wind"
    latitude = np.linspace(87.5, -87.5, 36)
    series = [
        mock_models.fields(latitude, np.arange(72) * 5.0, 2, seed=n).expand_dims(init_time=2) for n in (0, 1)
    ]
    winds = []
    for each in series:
        uv = wind(each.vorticity, each.divergence).rename(time="lead_time")
        names = {"u": "u_component_of_wind", "v": "v_component_of_wind"}
        winds.append({new: uv[old].sortby("latitude") for old, new in names.items()})
    found = statistic.compute(*winds)["atmodist"]
    assert set(found.dims) == {"init_time", "lead_time"}
    for start in (0, 1):
        one = [
            vorticity_divergence(*(x.isel(init_time=start) for x in each.values())).rename(lead_time="time")
            for each in winds
        ]
        np.testing.assert_allclose(
            found.isel(init_time=start), network.distance(*one, layer="stage2"), rtol=1e-5
        )
    direct = statistic.compute(*({n: x[n] for n in ("vorticity", "divergence")} for x in series))["atmodist"]
    assert set(direct.dims) == {"init_time", "time"}
    with pytest.raises(UserError, match="Expected vorticity and divergence, or u_component_of_wind"):
        statistic.compute({"z": series[0].vorticity}, {})


def test_earth2studio(network):
    """The protocol of its metrics: winds south of the ensemble and time dimensions, coordinates of the result."""
    from atmodist_core.integrations.earth2studio import AtmoDistMetric

    metric = AtmoDistMetric(("u850", "v850"), ("time",), network)
    rows = np.linspace(87.5, -87.5, 36)
    truth = mock_models.fields(rows, np.arange(72) * 5.0, 2, seed=5)
    members = [mock_models.fields(rows, np.arange(72) * 5.0, 2, seed=n) for n in (0, 1, 2)]

    def tensor(each):
        uv = wind(each.vorticity, each.divergence)
        stacked = np.stack([uv.u.values, 0 * uv.u.values, uv.v.values], axis=1)
        return torch.from_numpy(stacked.astype(np.float32))

    y = tensor(truth)
    x = torch.stack([tensor(each) for each in members])
    y_coords = OrderedDict(
        time=truth.time.values,
        variable=np.array(["u850", "t2m", "v850"]),
        lat=rows,
        lon=np.arange(72) * 5.0,
    )
    x_coords = OrderedDict(ensemble=np.arange(3), **y_coords)
    values, coords = metric(x, x_coords, y, y_coords)
    assert list(coords) == ["ensemble"] == list(metric.output_coords(x_coords)) and values.shape == (3,)
    assert str(metric) == "time_atmodist"

    def derived(array):
        uv = [
            xr.DataArray(array[:, n].numpy(), dims=("time", "latitude", "longitude"),
                         coords={"latitude": rows, "longitude": np.arange(72) * 5.0})
            for n in (0, 2)
        ]  # fmt: skip
        return vorticity_divergence(*uv)

    wanted = [float(network.distance(derived(each), derived(y)).mean()) for each in x]
    np.testing.assert_allclose(values.numpy(), wanted, rtol=1e-5)
    with pytest.raises(UserError, match="add time or leave it out"):
        metric.output_coords(OrderedDict((k, v) for k, v in y_coords.items() if k != "time"))


def test_earth2studio_knows_it_as_a_metric(network):
    base = pytest.importorskip("earth2studio.statistics.base", reason="needs the package earth2studio")
    from atmodist_core.integrations.earth2studio import AtmoDistMetric

    assert isinstance(AtmoDistMetric(distance=network), base.Metric)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.delitem(sys.modules, "atmodist_core.integrations.torchmetrics", raising=False)
    from atmodist_core.integrations.torchmetrics import AtmoDistMetric

    with pytest.raises(
        UserError, match=r"needs the package torchmetrics, .* 'atmodist-studio\[integrations\]'"
    ):
        AtmoDistMetric(LATITUDE, LONGITUDE)
    monkeypatch.delitem(sys.modules, "atmodist_core.integrations.torchmetrics")
