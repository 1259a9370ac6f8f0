"""Models at a web address: card and weights are fetched once, checked, and kept in the user's cache.

The layout is that of a model's folder: ``ADDRESS/card.json`` and ``ADDRESS/model.safetensors``, with the SHA-256 of the weights in the
card. A server is not trusted: no file of another kind is read, no more bytes than the card's architecture has are taken, and nothing that
it sends decides where a file is written.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import torch

from atmodist_core.common.errors import UserError
from atmodist_core.harmonics.tables import cache_folder
from atmodist_core.models.card import CARD_FILE, TENSOR_FILE, find_model, read_card
from atmodist_core.models.store import build_network

_LARGEST_CARD = 4 * 2**20
_LARGEST_WEIGHTS = 2 * 2**30
_LARGEST_HEADER = 2**20
_BYTES_PER_NUMBER = 8
_SECONDS_WITHOUT_BYTES = 30
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def local_model(name_or_path: str | Path) -> Path:
    """Return the folder of a model: of a name or a path as :func:`find_model` does, or of a web address.

    Parameters
    ----------
    name_or_path : str or path
        ``"https://host/model"`` fetches a model, once; ``"https://host/model#sha256=DIGITS"`` accepts only weights with this
        SHA-256. Later calls use the copy in the cache without asking the server.

    Raises
    ------
    UserError
        The address is not safe, the server cannot be reached, or what it sends is no model or not the one that its card
        describes.
    """
    text = str(name_or_path)
    return fetch_model(text) if isinstance(name_or_path, str) and "://" in text else find_model(name_or_path)


def fetch_model(address: str) -> Path:
    """Return the folder in the cache that holds the model of a web address, fetched if it is not there."""
    base, pinned = _checked(address)
    folder = cache_folder() / "models" / hashlib.sha256(base.encode()).hexdigest()[:32]
    if not (folder / CARD_FILE).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as temporary:
            arrived = Path(temporary) / "model"
            arrived.mkdir()
            _fetch(base, arrived, pinned)
            try:
                os.replace(arrived, folder)
            except OSError:  # another process was first
                if not (folder / CARD_FILE).is_file():
                    raise
    found = read_card(folder).weights_sha256
    if pinned not in (None, found):
        raise UserError(
            f"Expected weights with the SHA-256 {pinned} at {base}, found {found}; check the address, or ask its owner which is"
            " right."
        )
    return folder


def forget_model(address: str) -> None:
    """Remove the copy of a model from the cache, so that it is fetched again."""
    base, _ = _checked(address)
    shutil.rmtree(
        cache_folder() / "models" / hashlib.sha256(base.encode()).hexdigest()[:32], ignore_errors=True
    )


def _checked(address: str) -> tuple[str, str | None]:
    """The address without its last slash and fragment, and the SHA-256 that the fragment asks for."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    wrong = ""
    if not _is_safe(parts):
        wrong = "https (http only on this machine)"
    elif not host or "@" in parts.netloc or parts.query:
        wrong = "a host and a path, without user, password or query"
    elif any(step in ("..", ".") or "\\" in step for step in unquote(parts.path).split("/")):
        wrong = "a path without . and .."
    elif parts.fragment and not re.fullmatch(r"sha256=[0-9a-f]{64}", parts.fragment):
        wrong = "nothing after # but sha256= and 64 hexadecimal digits"
    if wrong:
        raise UserError(
            f"Expected the web address of a model with {wrong}, found {address!r}; give for example https://host/models/name."
        )
    base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    return base, parts.fragment.removeprefix("sha256=") or None


def _is_safe(parts: Any) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _fetch(base: str, folder: Path, pinned: str | None) -> None:
    """Fetch card and weights into a new folder and check them."""
    _download(f"{base}/{CARD_FILE}", folder / CARD_FILE, _LARGEST_CARD)
    try:
        card = read_card(folder)
        with torch.device("meta"):
            network = build_network(card)
    except UserError as error:
        message = str(error).replace(f"{folder}{os.sep}", "")
        raise UserError(f"{base} does not hold a model: {message}") from error
    numbers = sum(tensor.numel() for tensor in network.state_dict().values())
    if not re.fullmatch(r"[0-9a-f]{64}", card.weights_sha256):
        raise UserError(
            f"Expected the SHA-256 of the weights in {base}/{CARD_FILE}, found none; its owner has to save the model again."
        )
    if pinned not in (None, card.weights_sha256):
        raise UserError(
            f"Expected weights with the SHA-256 {pinned} at {base}, found {card.weights_sha256}; check the address, or ask its owner"
            " which is right."
        )
    largest = min(_LARGEST_WEIGHTS, _BYTES_PER_NUMBER * numbers + _LARGEST_HEADER)
    found = _download(f"{base}/{TENSOR_FILE}", folder / TENSOR_FILE, largest)
    if found != card.weights_sha256:
        raise UserError(
            f"Expected at {base} the weights that its card describes, found other bytes (SHA-256); try again later or ask its"
            " owner."
        )


def _download(url: str, path: Path, largest: int) -> str:
    """Write what an address holds into a file, at most so many bytes, and return its SHA-256."""
    digest = hashlib.sha256()
    try:
        with _opener(url).open(url, timeout=_SECONDS_WITHOUT_BYTES) as answer, path.open("wb") as file:
            stated = answer.headers.get("Content-Length", "")
            size = 0
            while block := answer.read(2**18):
                size += len(block)
                if size > largest:
                    raise UserError(
                        f"Expected at most {largest / 2**20:.1f} MiB at {url}, found more; this is not the file that a model has."
                    )
                digest.update(block)
                file.write(block)
        if stated.isdigit() and size != int(stated):
            raise http.client.IncompleteRead(b"", int(stated) - size)
    except urllib.error.HTTPError as error:
        error.close()
        raise UserError(
            f"Expected a model at {url}, found the answer {error.code} {error.reason}; check the address."
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"{url} cannot be read ({type(error).__name__}: {reason}); check the address and the connection."
        ) from error
    return digest.hexdigest()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only, on this machine also from http to http."""

    max_redirections = 5

    def __init__(self, url: str) -> None:
        self._local = urlsplit(url).scheme == "http"

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the next request, or refuse the place to which the server leads."""
        parts = urlsplit(newurl)
        if parts.scheme != "https" and not (self._local and _is_safe(parts)):
            fp.close()
            raise UserError(
                f"Expected {req.full_url} to lead to an https address, found a redirect to {parts.scheme or 'none'}://...; it was not"
                " followed."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """An opener for http and https alone: that of urllib also opens files and ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(url),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
