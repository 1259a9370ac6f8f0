"""Open the page in the browser: serve it at an address of this machine.

atmodist app [--port 5006] [--address localhost] [--data FOLDER] [--models FOLDER] [-- any flag of "panel serve"]
"""

import dataclasses
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from atmodist_core.common.errors import UserError
from atmodist_studio.command import CODE_FOLDER

MAIN_FILE = CODE_FOLDER / "app" / "main.py"


@dataclasses.dataclass(frozen=True)
class AppCommand:
    """Settings of the server."""

    port: int = 5006
    """Port of the page."""
    address: str = "localhost"
    """Address to listen at; localhost serves this machine only."""
    data: Path | None = None
    """Folder of data sets to offer beside the demo; that of ATMODIST_DATA by default."""
    models: Path | None = None
    """Folder of models to offer beside those that ship; that of ATMODIST_MODELS by default."""
    allow_downloads: bool = False
    """Let visitors download ERA5 into the data folder."""
    downloads_gb: float = 20.0
    """Space for all downloads of visitors [GB]."""


def main(arguments: Sequence[str]) -> int:
    """Serve the page until it is interrupted, and return the exit code.

    Parameters
    ----------
    arguments : sequence of str
        Flags of :class:`AppCommand`; what follows ``--`` is passed on to ``panel serve``.

    Raises
    ------
    UserError
        A folder does not exist, or the port is in use or not allowed.
    """
    from train import _cli

    own, passed_on = list(arguments), []
    if "--" in own:
        split = own.index("--")
        own, passed_on = own[:split], own[split + 1 :]
    command = _cli.parse(AppCommand, {"default": AppCommand()}, own, "atmodist app")
    for flag, variable, folder in (
        ("data", "ATMODIST_DATA", command.data),
        ("models", "ATMODIST_MODELS", command.models),
    ):
        if folder is not None:
            if not folder.is_dir():
                raise UserError(f"Expected a folder for --{flag}, found none at {folder}.")
            os.environ[variable] = str(folder.resolve())
    _set_downloads(command)
    _check_port(command)
    print(
        f"AtmoDist Studio will be at http://{command.address}:{command.port}/main in a few seconds; "
        "Ctrl-C stops it",
        flush=True,
    )
    return _serve(command, passed_on)


def _set_downloads(command: AppCommand) -> None:
    """Tell the page how much space downloads have; off unless the flag is given, whatever the environment says."""
    os.environ.pop("ATMODIST_DOWNLOADS_GB", None)
    if not command.allow_downloads:
        return
    if not os.environ.get("ATMODIST_DATA", "").strip():
        raise UserError(
            "Expected --data with --allow-downloads, found none; name the folder for the downloads."
        )
    if not command.downloads_gb > 0:
        raise UserError(f"Expected --downloads-gb above 0, found {command.downloads_gb:g}; give some space.")
    os.environ["ATMODIST_DOWNLOADS_GB"] = str(command.downloads_gb)


def _check_port(command: AppCommand) -> None:
    """Raise a UserError if nothing can listen at this address and port."""
    if not 1 <= command.port <= 65535:
        raise UserError(f"Expected a --port from 1 to 65535, found {command.port}.")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            command.address, command.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise UserError(
            f"Expected a free port for the page, found none at {command.address}:{command.port} ({error}); "
            "choose another --port or --address."
        ) from None


def _serve(command: AppCommand, passed_on: Sequence[str]) -> int:
    """Run ``panel serve`` in this process."""
    from panel.command import main as panel

    origins = dict.fromkeys((f"{command.address}:{command.port}", f"127.0.0.1:{command.port}"))
    sys.argv = [
        *("panel", "serve", str(MAIN_FILE), "--warm"),
        *("--address", command.address, "--port", str(command.port)),
        *(f"--allow-websocket-origin={origin}" for origin in origins),
        *passed_on,
    ]
    panel()
    return 0
