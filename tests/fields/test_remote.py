"""Remote stores: anonymous access, a real web server on this machine, and servers that fail."""

import functools
import http.server
import threading

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from atmodist_core.fields.open import remote
from tests.fields import layouts
from tests.fields.analytic_flow import largest_error

pytest.importorskip("aiohttp")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and records requests; some paths are forbidden or broken."""

    requests: list = []  # noqa: RUF012 - one list for all requests is the point

    def do_GET(self):
        QuietHandler.requests.append(self.path)
        for word, status in (("secret", 403), ("broken", 500)):
            if word in self.path:
                self.send_error(status)
                return
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """Folder and address of a web server."""
    QuietHandler.requests.clear()
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


def test_store_on_a_web_server(server):
    folder, address = server
    path = layouts.arco_model_level(folder)
    fields = open_fields(f"{address}/{path.name}/", level=120)
    assert fields.attrs["source"] == f"{address}/{path.name}/"
    assert not [request for request in QuietHandler.requests if "/vorticity/0" in request]
    assert largest_error(fields.isel(time=[2]), start=layouts.TIMES[0]) < 2e-7
    data = [request for request in QuietHandler.requests if "/vorticity/" in request and "/.z" not in request]
    assert {request.split("/vorticity/")[1] for request in data} == {"2.1.0.0"}


def test_netcdf_on_a_web_server(server):
    pytest.importorskip("h5py")
    folder, address = server
    fields = open_fields(f"{address}/{layouts.cds_new_vorticity(folder).name}")
    assert largest_error(fields) < 2e-7


def test_nothing_at_the_address(server):
    with pytest.raises(UserError, match=r"Expected a Zarr group with variables, found none at http://127"):
        open_fields(f"{server[1]}/absent.zarr")


def test_server_refuses(server):
    with pytest.raises(UserError, match=r"refuses anonymous access to .*secret\.zarr"):
        open_fields(f"{server[1]}/secret.zarr")


def test_server_fails(server):
    with pytest.raises(
        UserError, match=r"broken\.zarr cannot be read .*check the address and the connection"
    ):
        open_fields(f"{server[1]}/broken.zarr")


def test_nobody_listens():
    with pytest.raises(UserError, match=r"cannot be read \(Client"):
        open_fields("http://127.0.0.1:9/store.zarr")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3", {"token": "anon"}),
        ("gcs://weatherbench2/datasets/era5/x.zarr", {"token": "anon"}),
        ("s3://bucket/store.zarr", {"anon": True}),
        ("https://arco.datastores.ecmwf.int/cadl-arco-time-048/arco/x/pl/timeChunked.zarr", {}),
        ("memory://store.zarr", {}),
    ],
)
def test_access_is_anonymous(url, options, tmp_path, monkeypatch):
    """What reaches the store is the anonymous token, whatever credentials the machine has."""
    import xarray as xr

    given = {}

    def open_instead(location, storage_options):
        given.update(location=location, options=storage_options)
        return xr.open_zarr(layouts.arco_full_37(tmp_path), chunks=None)

    monkeypatch.setattr(remote, "_check_scheme", lambda *_: None)
    monkeypatch.setattr(remote, "_check_host", lambda *_: None)
    monkeypatch.setattr(remote, "open_zarr_url", open_instead)
    fields = open_fields(url, time="2020-01-01T00")
    assert given == {"location": url, "options": options}
    assert np.isfinite(fields.vorticity).all()
    assert fields.attrs["source"] == url


@pytest.mark.parametrize(
    ("url", "what"), [("s3://b/x.zarr", "s3fs"), ("gs://b/x", r"'atmodist-studio\[remote\]'")]
)
def test_a_missing_package_is_named(monkeypatch, url, what):
    """s3fs is in no extra, as it fits no common set of versions with the rest."""
    monkeypatch.setattr("atmodist_core.fields.open.remote.find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"not installed; install it with: pip install {what}\."):
        open_fields(url)


def test_unknown_server_is_told_at_once(monkeypatch):
    """The clients would retry for minutes; a name that cannot be resolved is an answer."""
    import time
    import urllib.request

    monkeypatch.setattr(urllib.request, "getproxies", dict)
    monkeypatch.setattr(remote.socket, "getaddrinfo", _no_such_name)
    pytest.importorskip("gcsfs")
    start = time.monotonic()
    with pytest.raises(UserError, match=r"The server storage\.googleapis\.com of gs://.* cannot be found"):
        open_fields("gs://gcp-public-data-arco-era5/ar/x.zarr")
    assert time.monotonic() - start < 30


def _no_such_name(*_):
    raise OSError("Name or service not known")


@pytest.mark.network
def test_the_real_archive():
    """One hour of ARCO-ERA5 model level 120 as coefficients, 3 MB, from Google's public bucket."""
    pytest.importorskip("gcsfs")
    url = "gs://gcp-public-data-arco-era5/co/model-level-wind.zarr-v2"
    fields = open_fields(url, level=120, time="2020-01-01T00", region="Europe").load()
    assert fields.attrs["level"] == "hybrid 120"
    assert 2e-5 < float(fields.vorticity.std()) < 1e-4
