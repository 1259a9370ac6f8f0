"""One browser tab: turns changes of the state into computations, and their results into what the views show.

The event loop is never blocked: each step runs in a thread, a newer choice drops an older computation, and a user can stop it. All
failures end here as one sentence for the user, with the traceback in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar

import param

import atmodist_core as ad
from app.compute.catalogue import DEMO, Method, Source
from app.compute.comparison import Comparison
from app.compute.engine import Control, Engine
from app.session.messages import Message
from app.session.prefetch import look_ahead
from app.state.data_description import DataDescription
from app.state.state import StudioState, shown_methods
from app.state.view_registry import VIEW_ENTRIES, load

logger = logging.getLogger("atmodist.app")

ENGINE = Engine()
"""The engine of this process, shared by all sessions."""

PLAY_INTERVAL_S = 0.7
PROGRESS_INTERVAL_S = 0.1
UNEXPECTED = (
    "Something went wrong inside the program ({kind}); the details are in its log. Please try another choice."
)

_OPENED = ("data_set", "level")

_THREADS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="studio")
"""Threads for all sessions: more than cores, for most of them only wait for their turn, and nobody's quick request may wait behind them."""

T = TypeVar("T")


class Session(param.Parameterized):
    """State, data, methods and results of one browser tab.

    Parameters
    ----------
    state : StudioState
        What the user chose; watched.
    engine : Engine, optional
        By default the one of the process.
    within : Callable, optional
        Context manager inside which results are published: the document of the browser tab, for Panel resolves its files on
        this server only for components that are made inside it (and else on a content delivery network).
    """

    sources: Any = param.List(default=[], item_type=Source, doc="Data sets that can be chosen.")
    data: Any = param.ClassSelector(default=None, class_=DataDescription, doc="The open data set, or None.")
    methods: Any = param.List(default=[], item_type=Method, doc="Methods found.")
    models: Any = param.List(
        default=[], item_type=str, doc="Names of all models found, each with a stamp of its files."
    )
    comparison: Any = param.ClassSelector(
        default=None, class_=Comparison, doc="What is compared, as far as it is there."
    )
    results: Any = param.Dict(
        default={}, doc="What other views show, by view; replaced, never changed in place."
    )
    find_city = param.Integer(default=0, doc="How often the slash asked for the search of cities.")
    messages: Any = param.List(default=[], item_type=Message, doc="Sentences for the user.")
    busy = param.Boolean(default=False, doc="Whether something is being computed.")
    stopped = param.Boolean(default=False, doc="Whether the user stopped it.")
    progress = param.Number(default=0.0, doc="Fraction of the present work that is done.")
    activity = param.String(default="", doc="What is being done, or what was done.")
    device = param.String(default="", doc="What computes.")
    playing = param.Boolean(default=False, doc="Whether time runs on by itself.")

    def __init__(
        self,
        state: StudioState,
        engine: Engine | None = None,
        within: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        super().__init__()
        self.within = within
        self.state = state
        self.engine = engine or ENGINE
        self._control = Control()
        self._task: asyncio.Task[None] | None = None
        self._play_task: asyncio.Task[None] | None = None
        self.heading = 0
        """Direction of the last step through time; zero before the first."""
        self._from_link = True
        self._opened: tuple[str, str] | None = None
        self._started = False
        self._fitting = False
        self._shown = asyncio.Event()
        watched = {name for entry in VIEW_ENTRIES.values() for name in entry.parameters}
        self._subscription = state.param.watch(self._on_choice, ["view", *_OPENED, *sorted(watched)])

    def start(self, problems: list[str]) -> None:
        """Look for data and models and begin to compute; ``problems`` are sentences about the link."""
        self.say("link", "warning", " ".join(problems))
        self.refresh_catalogue()
        self._started = True
        self._schedule()

    def refresh_catalogue(self) -> None:
        """Look again for data sets and models; what was dropped into their folders appears, what changed is computed anew."""
        try:
            sources = list(self.engine.sources().values())
            self.say("folder", "error", "")
        except ad.UserError as error:
            sources = [Source(DEMO, "Demo atmosphere (simulated)")]
            self.say("folder", "error", str(error))
        methods, problems = self.engine.methods()
        if not _same(sources, self.sources):
            self.sources = sources
        # Cards that say the same are the same models, and nothing has to be built anew for them.
        renewed = not _same(methods, self.methods)
        if renewed:
            self.methods = methods
        self.models = self.engine.model_stamps()
        self.say("models", "info", " ".join(problems))
        stamps = {source.key: source.stamp for source in sources}
        changed = self.data is not None and stamps.get(self.data.key) != self.data.stamp
        if changed:
            self._opened = None
        if self._started and (renewed or changed):
            self._schedule()

    async def look_again(self) -> None:
        """Look for new data and models without holding up anybody: a folder may lie on a slow disk."""
        if not self._started:
            return
        with suppress(ad.UserError):
            await self.in_thread(Control(), self.engine.sources)
            await self.in_thread(Control(), self.engine.methods)
        with self.within():
            self.refresh_catalogue()

    @property
    def settling(self) -> bool:
        """Whether the state is being fitted to a link or to the data, and not changed by the user."""
        return self._fitting or self._from_link or not self._started

    @property
    def stamp(self) -> str:
        """Stands for the files of the open data set."""
        return "" if self.data is None else self.data.stamp

    def follow_link(self, query: dict[str, Any]) -> None:
        """Take over an address, when the browser goes back or a link is pasted."""
        self._from_link = True
        problems = self.state.read_query(query)
        self.say("link", "warning", " ".join(problems))
        if self._started:
            self._schedule()

    def mark_shown(self) -> None:
        """Say that the present choice is on show, so that playing may go on."""
        self._shown.set()

    def step(self, steps: int) -> None:
        """Go on, or back, in time; at an end, stay there (or start again while playing)."""
        if self.data is None:
            return
        texts = self.data.time_texts
        index = texts.index(self.state.time) + steps if self.state.time in texts else 0
        index = index % len(texts) if self.playing else min(max(index, 0), len(texts) - 1)
        self.heading = 1 if steps > 0 else -1
        self.state.time = texts[index]

    def cancel(self) -> None:
        """Stop what is being computed; what is there stays."""
        self._control.cancel()
        self.playing = False

    def resume(self) -> None:
        """Compute what is missing."""
        self._schedule()

    def close(self) -> None:
        """Stop everything, when the tab is closed, and let go of the results."""
        self.playing = False
        self._started = False
        self._control.cancel()
        # What is still running has nobody to tell: the parts of the page it would write to are gone.
        self._control = Control()
        for task in (self._task, self._play_task):
            if task is not None:
                task.cancel()
        self.state.param.unwatch(self._subscription)

    def publish(self, view: str, result: Any) -> None:
        """Put up what a view shows."""
        self.results = {**self.results, view: result}

    def say(self, key: str, kind: str, text: str) -> None:
        """Set the message with a key; an empty text takes it away."""
        others = [message for message in self.messages if message.key != key]
        new = [Message(key, kind, text)] if text else []
        if others + new != self.messages:
            self.messages = others + new

    async def settled(self) -> None:
        """Wait until nothing is being computed (for tests and scripts)."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    @property
    def compared_methods(self) -> list[Method]:
        """Methods that are needed for what is on show."""
        names = set(shown_methods(self.state, [method.name for method in self.methods]))
        if self.state.layout == "swipe" and self.state.view == "maps":
            names = {self.state.left, self.state.right}
        return [method for method in self.methods if method.name in names]

    @param.depends("playing", watch=True)
    def _start_playing(self) -> None:
        if self.playing:
            self._play_task = asyncio.ensure_future(self._play())

    def _on_choice(self, *events: Any) -> None:
        changed = {event.name for event in events if _differ(event.old, event.new)}
        matters = {"view", *_OPENED, *VIEW_ENTRIES[self.state.view].parameters}
        if self._started and changed & matters and not self._fitting:
            self._schedule()

    def _schedule(self) -> None:
        """Drop the present computation and begin one for the present state."""
        self._control.cancel()
        self._control = Control()
        self._shown.clear()
        self._task = asyncio.ensure_future(self._run_within(self._control))

    async def _run_within(self, control: Control) -> None:
        with self.within():
            await self._run(control)
            if control is self._control and not control.cancelled():
                await look_ahead(self, control)

    async def _run(self, control: Control) -> None:
        self.param.update(busy=True, stopped=False, progress=0.0)
        # Several parameters often change together: their other watchers come first.
        await asyncio.sleep(0)
        try:
            if control.cancelled():
                return
            if self._from_link or self._opened != (self.state.data_set, self.state.level):
                await self._open(control)
            if VIEW_ENTRIES[self.state.view].work:
                await load(VIEW_ENTRIES[self.state.view].work)(self, control)
            else:
                self.activity = ""
            self.say("failure", "error", "")
        except ad.Cancelled:
            if control is self._control:
                self.param.update(stopped=True, activity="Stopped. What is missing was not computed.")
        except ad.UserError as error:
            self._fail(control, str(error))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("a computation failed")
            self._fail(control, UNEXPECTED.format(kind=type(error).__name__))
        finally:
            if control is self._control:
                self._shown.set()
                self.param.update(busy=False, progress=0.0)

    def _fail(self, control: Control, sentence: str) -> None:
        if control is self._control:
            self.playing = False
            self.activity = "Not computed."
            self.say("failure", "error", sentence)

    async def _open(self, control: Control) -> None:
        self.activity = "Opening the data set"
        key, level = self.state.data_set, self.state.level
        known = {source.key for source in self.sources}
        told = []
        if key not in known:
            told.append(f"The data set '{key}' was not found; the demo atmosphere is shown.")
            key, level = DEMO, ""
        try:
            data = await self.in_thread(control, self.engine.describe, key, level)
            self.say("data", "error", "")
        except ad.UserError as error:
            instead = self.data.key if self.data is not None and self.data.key != key else DEMO
            if instead == key:
                raise
            self.say("data", "error", f"{error} Meanwhile the page shows the data set '{instead}'.")
            data = await self.in_thread(control, self.engine.describe, instead, "")
        self._fitting = True
        try:
            told += self.state.fit(data, [method.name for method in self.methods], from_link=self._from_link)
        finally:
            self._fitting = False
        self.data = data
        self._opened = (self.state.data_set, self.state.level)
        if told:
            earlier = [message.text for message in self.messages if message.key == "link" and self._from_link]
            self.say("link", "warning", " ".join(dict.fromkeys([*earlier, *told])))
        elif not self._from_link:
            self.say("link", "warning", "")
        self._from_link = False

    async def in_thread(self, control: Control, work: Callable[..., T], *arguments: Any) -> T:
        """Run blocking work in a thread; the result of a computation that was dropped meanwhile counts as cancelled."""
        result = await asyncio.get_running_loop().run_in_executor(_THREADS, work, *arguments)
        control.check()
        return result

    def tell(self, control: Control, fraction: float, activity: str) -> None:
        """Say what is being done, unless a newer choice has taken its place."""
        if control is self._control and not control.cancelled():
            self.param.update(progress=fraction, activity=activity)

    def follow(self, control: Control, low: float, width: float, label: str) -> None:
        """Pass a thread's progress on to the page, at most ten times a second."""
        loop = asyncio.get_running_loop()
        last = 0.0

        def report(fraction: float, message: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PROGRESS_INTERVAL_S:
                last = now
                loop.call_soon_threadsafe(self.tell, control, low + width * fraction, f"{label}: {message}")

        control.progress = report
        self.tell(control, low, f"{label}: float32")

    async def _play(self) -> None:
        while self.playing:
            started = time.monotonic()
            with self.within():
                self.step(1)
            await asyncio.sleep(0)
            await self._shown.wait()
            await asyncio.sleep(max(0.0, PLAY_INTERVAL_S - (time.monotonic() - started)))


def _differ(old: Any, new: Any) -> bool:
    # param holds None to differ from None, and tells of changes that are none.
    return bool(old != new)


def _same(new: list[Any], old: list[Any]) -> bool:
    return [repr(item) for item in new] == [repr(item) for item in old]
