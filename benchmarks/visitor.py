"""A visitor of the page without a browser: speaks its protocol, moves its controls and notes when its maps have new data.

What it leaves out of a real visit is the browser's own painting (``benchmarks/app_redraw.py`` times that).
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

LARGEST_MESSAGE = 256 * 1024 * 1024
PATIENCE_S = 120.0


class Visitor:
    """One open tab: `problems` are errors that the page reported, `set` what was chosen, by label."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: WebSocketClientConnection
        self._models: dict[str, dict[str, Any]] = {}
        self._maps: set[str] = set()
        self._awaited: set[str] = set()
        self._redrawn = asyncio.Event()
        self._reader: asyncio.Task[None]
        self.problems: list[str] = []
        self.set: dict[str, Any] = {}

    async def open(self) -> None:
        """Ask for the page, connect and take over its models."""
        client = AsyncHTTPClient()
        answer = await client.fetch(HTTPRequest(self._address, request_timeout=PATIENCE_S))
        token = re.search(r'"token":"([^"]+)"', answer.body.decode())
        if token is None:
            raise RuntimeError(
                "Expected the HTML of the page, found no token in it; is this the page's address?"
            )
        parts = urlsplit(self._address)
        self._socket = await websocket_connect(
            f"ws://{parts.netloc}{parts.path}/ws",
            subprotocols=["bokeh", token.group(1)],
            max_message_size=LARGEST_MESSAGE,
        )
        await self._message()  # the greeting
        await self._send("PULL-DOC-REQ", {})
        kind, content = await self._message()
        while kind != "PULL-DOC-REPLY":  # what changed before is in the document
            kind, content = await self._message()
        self._learn(content["doc"])
        ready = {"type": "event", "name": "document_ready", "values": {"type": "map"}}
        event = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": ready}
        await self._send("PATCH-DOC", {"events": [event]})
        self._reader = asyncio.create_task(self._read())

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Models of the page by identifier, as they were sent."""
        return self._models

    async def send(self, kind: str, content: dict[str, Any]) -> None:
        """Send a message."""
        await self._send(kind, content)

    async def leave(self) -> None:
        """Close the tab."""
        self._reader.cancel()
        await close(self._socket)

    async def choose(self, label: str, value: Any, attribute: str = "value") -> float:
        """Set the control of this label, or of this kind, and return the seconds until all maps have new data."""
        await self._settle()
        self.set[label] = value
        self._awaited, start = set(self._maps), asyncio.get_running_loop().time()
        self._redrawn.clear()
        model = {"id": self._control(label)}
        event = {"kind": "ModelChanged", "model": model, "attr": attribute, "new": value}
        await self._send("PATCH-DOC", {"events": [event]})
        await asyncio.wait_for(self._redrawn.wait(), PATIENCE_S)
        return asyncio.get_running_loop().time() - start

    async def _settle(self) -> None:
        """Wait until the maps are known: a page that has just opened has none."""
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while not self._maps:
            if asyncio.get_running_loop().time() > end:
                raise TimeoutError("The maps of the page did not come.")
            await asyncio.sleep(0.1)
            self._find_maps()

    def _find_maps(self) -> None:
        for model in list(self._models.values()):
            attributes = model.get("attributes", {})
            if model.get("name") == "Figure" and str(attributes.get("name", "")).startswith("map of"):
                renderer = self._models[attributes["renderers"][0]["id"]]
                self._maps.add(renderer["attributes"]["data_source"]["id"])

    def _control(self, label: str) -> str:
        for model_id, model in self._models.items():
            attributes = model.get("attributes", {})
            if label in (attributes.get("label"), attributes.get("name")) or model.get("name") == label:
                return model_id
        raise KeyError(f"no control {label!r} on the page")

    async def _read(self) -> None:
        while True:
            kind, content = await self._message()
            if kind == "ERROR":
                self.problems.append(content.get("text", "an error without a text"))
            for event in content.get("events", []) if kind == "PATCH-DOC" else []:
                self._learn(event)
                if event.get("attr") == "data":
                    self._awaited.discard(event["model"]["id"])
                    if not self._awaited:
                        self._redrawn.set()

    def _learn(self, part: Any) -> None:
        for model in _models_in(part):
            self._models[model["id"]] = model
            if "message-error" in model.get("attributes", {}).get("css_classes", []):
                self.problems.append("the page shows an error")

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        for part in ({"msgid": f"{id(content):x}", "msgtype": kind}, {}, content):
            await self._socket.write_message(json.dumps(part))

    async def _message(self) -> tuple[str, dict[str, Any]]:
        """Next message: its kind and content; the arrays that follow it are read and dropped."""
        header = json.loads(await self._fragment())
        await self._fragment()
        content = json.loads(await self._fragment())
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._fragment()
        return header["msgtype"], content

    async def _fragment(self) -> str | bytes:
        fragment = await self._socket.read_message()
        if fragment is None:
            raise ConnectionError("The server closed the connection.")
        return fragment


async def close(socket: WebSocketClientConnection) -> None:
    """Close a connection and read until the server has closed it too."""
    socket.close()
    while await asyncio.wait_for(socket.read_message(), PATIENCE_S) is not None:
        pass


def _models_in(part: Any) -> Iterator[dict[str, Any]]:
    """All models that a piece of a message defines."""
    if isinstance(part, dict):
        if part.get("type") == "object" and "id" in part:
            yield part
        for value in part.values():
            yield from _models_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from _models_in(value)
