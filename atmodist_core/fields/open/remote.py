"""Remote stores: Google Cloud, Amazon S3 and web servers, read anonymously through fsspec."""

from __future__ import annotations

import os
import socket
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.open.detect import Note
from atmodist_core.fields.open.netcdf import one_line, open_netcdf_stream
from atmodist_core.fields.open.zarr_store import open_zarr_url

_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "http": "aiohttp", "https": "aiohttp"}
_ANONYMOUS: dict[str, dict[str, Any]] = {
    "gs": {"token": "anon"},
    "gcs": {"token": "anon"},
    "s3": {"anon": True},
}
_HOSTS = {"gs": "storage.googleapis.com", "gcs": "storage.googleapis.com", "s3": "s3.amazonaws.com"}
_ENDPOINT_VARIABLES = {
    "gs": "STORAGE_EMULATOR_HOST",
    "gcs": "STORAGE_EMULATOR_HOST",
    "s3": "AWS_ENDPOINT_URL",
}


def open_remote_netcdf(url: str, _: Note) -> list[xr.Dataset]:
    """Open a remote netCDF-4 file without credentials, reading metadata only."""
    return [_open(url, _stream)]


def open_remote_zarr(url: str, _: Note) -> list[xr.Dataset]:
    """Open a remote Zarr store without credentials, reading metadata and coordinates only."""
    return [_open(url, lambda url, options: open_zarr_url(url.rstrip("/"), options))]


def _stream(url: str, options: dict[str, Any]) -> xr.Dataset:
    import fsspec

    return open_netcdf_stream(fsspec.open(url, **options).open(), url)


def _open(url: str, opened: Callable[[str, dict[str, Any]], xr.Dataset]) -> xr.Dataset:
    """Check the address, open it, and raise each kind of failure as a message of its own."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if not parts.netloc and not parts.path.strip("/"):
        raise UserError(
            f"Expected an address after {scheme}://, found {url!r}; give the bucket or host and the path."
        )
    _check_scheme(scheme, url)
    _check_host(scheme, parts.hostname, url)
    try:
        return opened(url, dict(_ANONYMOUS.get(scheme, {})))
    except UserError:
        raise
    except ImportError as error:
        raise _missing_package(str(error.name or error), url) from error
    except Exception as error:  # aiohttp, gcsfs and botocore each raise their own kinds
        raise remote_error(url, error) from error


def _check_scheme(scheme: str, url: str) -> None:
    import fsspec

    package = _PACKAGES.get(scheme)
    if package is not None and find_spec(package) is None:
        raise _missing_package(package, url)
    if package == "gcsfs":
        # gcsfs would first ask a second service for the kind of the bucket, which anonymous users may not,
        # and wait a minute where a firewall swallows the question. Public archives are ordinary buckets.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError as error:
        raise UserError(
            f"Expected an address such as gs://, s3:// or https://, found {url!r}; check its beginning."
        ) from error
    except ImportError as error:
        raise _missing_package(str(error.name or scheme), url) from error


def _missing_package(package: str, url: str) -> UserError:
    # The releases of s3fs pin other versions of fsspec and botocore than the rest, so that it is in no extra.
    what = package if package == "s3fs" else "'atmodist-studio[remote]'"
    return UserError(
        f"Opening {url} needs the package {package}, which is not installed; install it with: pip install"
        f" {what}."
    )


def _check_host(scheme: str, host: str | None, url: str) -> None:
    """Fail at once where the name of the server is unknown: the clients would retry for minutes."""
    name = _HOSTS.get(scheme, host if scheme in ("http", "https") else None)
    if name is None or urllib.request.getproxies() or os.environ.get(_ENDPOINT_VARIABLES.get(scheme, ""), ""):
        return
    try:
        socket.getaddrinfo(name, 443)
    except OSError as error:
        raise UserError(
            f"The server {name} of {url} cannot be found ({error.strerror or error}); check the address and "
            "the connection."
        ) from error


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an error of aiohttp, gcsfs or urllib; None where there is none."""
    status = getattr(error, "status", None) or getattr(error, "code", None)
    return status if isinstance(status, int) else None


def remote_error(url: str, error: BaseException) -> UserError:
    """Return the message for a failed request: access refused, or an address that cannot be read."""
    status = status_of(error)
    text = one_line(error)
    # Without a status, its number is not looked for in the text: it may be part of the address.
    refused = any(word in text for word in ("Forbidden", "Unauthorized", "Access Denied"))
    if status in (401, 403) or (status is None and refused):
        return UserError(
            f"The server refuses anonymous access to {url} ({text}); download the data with your account and "
            "open the local copy."
        )
    return UserError(
        f"{url} cannot be read ({type(error).__name__}: {text}); check the address and the connection."
    )
