"""A web server on this machine with small archives of the real layouts, which fails on request."""

import contextlib
import functools
import http.server
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from atmodist_core.fields.download.sources import SOURCES
from tests.fields import layouts


@dataclass
class Fault:
    """What goes wrong for paths that contain a word: ``kind`` is a status, "cut" or "slow"; so many times."""

    word: str
    kind: object
    times: int = 10**6


@dataclass
class Archive:
    """Folder and address of a server, its faults, and the paths that were asked for."""

    folder: Path
    address: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def chunks(self) -> list[str]:
        """Chunks of fields that were fetched."""
        names = ("/vo/", "/d/", "_component_of_wind/")
        return [
            path
            for path in self.requests
            if any(n in path for n in names) and "/." not in path and "zarr.json" not in path
        ]


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, archive: Archive, *rest, **named):
        self.archive = archive
        super().__init__(*rest, directory=str(archive.folder), **named)

    def do_GET(self):
        self.archive.requests.append(self.path)
        for fault in self.archive.faults:
            if fault.word in self.path and fault.times > 0:
                fault.times -= 1
                if isinstance(fault.kind, int):
                    self.send_error(fault.kind)
                    return
                content = (self.archive.folder / self.path.lstrip("/")).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    if fault.kind == "slow":
                        time.sleep(0.5)
                        self.wfile.write(content[len(content) // 2 :])
                self.close_connection = True
                return
        super().do_GET()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve(folder: Path):
    """Serve a folder and yield its :class:`Archive`."""
    archive = Archive(folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, archive)) as web:
        archive.address = f"http://127.0.0.1:{web.server_address[1]}"
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        yield archive
        web.shutdown()
        thread.join()


def stand_in(folder: Path) -> None:
    """Lay small stores of the real layouts where the sources expect theirs."""
    arco = SOURCES["arco-era5"]
    for store, build in (
        (arco.winds, layouts.arco_full_37),
        (arco.coefficients, layouts.arco_coefficients),
        (SOURCES["weatherbench2-coarse"].winds, layouts.weatherbench2),
    ):
        target = folder / store.path
        target.parent.mkdir(parents=True, exist_ok=True)
        build(folder).rename(target)
