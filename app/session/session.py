"""One browser tab: turns changes of the state into computations, and their results into what the views show.

Each step of a computation runs in a thread; a newer choice replaces it, a user can stop it. Failures end here as one sentence, with a traceback in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import param

import atmodist_core as ad
from app.compute.catalogue import Method, draw_of, factors_of, methods_for, same_text
from app.compute.comparison import Comparison
from app.compute.control import Control, in_thread
from app.compute.engine import Engine
from app.compute.public_text import public_text
from app.session.lost_data import LostData
from app.session.messages import Message
from app.session.request import Request, Update
from app.state.data_description import DataDescription
from app.state.state import StudioState, fit_factor, shown_methods
from app.state.view_registry import VIEW_ENTRIES, load
from atmodist_core.figures.numbers.data_sets import DEMO, Source

logger = logging.getLogger("atmodist.app")

ENGINE = Engine()
"""The engine of this process, shared by all sessions."""

PLAY_INTERVAL_S = 0.7
UNEXPECTED = "An unexpected error occurred in the program ({kind}); its log has the details. Please try another choice."

_OPENED = ("data_set", "level", "factor")
_DRAWN = ("draw", "members", "seed")


class Session(param.Parameterized):
    """State, data, methods and results of one browser tab.

    Results are published inside the context manager ``within``, the document of the tab: Panel takes files from this server only for components made inside it.
    """

    in_thread = staticmethod(in_thread)
    sources: Any = param.List(default=[], item_type=Source, doc="Data sets that can be chosen.")
    data: Any = param.ClassSelector(default=None, class_=DataDescription, doc="The open data set, or None.")
    methods: Any = param.List(default=[], item_type=Method, doc="Methods of the chosen factor.")
    factors: Any = param.List(default=[4], item_type=int, doc="Factors of the models found.")
    models: Any = param.List(default=[], item_type=str, doc="Name and file stamp of each model found.")
    comparison: Any = param.ClassSelector(default=None, class_=Comparison, doc="Shown by Maps and Spectra.")
    results: Any = param.Dict(default={}, doc="Shown by the other views; replaced, never changed in place.")
    find_city = param.Integer(default=0, doc="How often the slash key asked for the search of cities.")
    messages: Any = param.List(default=[], item_type=Message, doc="Sentences for the user.")
    busy = param.Boolean(default=False, doc="Whether something is being computed.")
    stopped = param.Boolean(default=False, doc="Whether the user stopped it.")
    progress = param.Number(default=0.0, doc="Fraction of the present computation that is done.")
    activity = param.String(default="", doc="What is being computed, or what was computed.")
    device = param.String(default="", doc="Name of the computing device.")
    playing = param.Boolean(default=False, doc="Whether time advances by itself.")

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
        self._heading = 0
        self._from_link = True
        self._opened: tuple[Any, ...] | None = None
        self._found: dict[str, Source] = {}
        self._methods_found: list[Method] = []
        self._lost: LostData | None = None
        self._started = False
        self._fitting = False
        self._shown = asyncio.Event()
        watched = {name for entry in VIEW_ENTRIES.values() for name in entry.parameters}
        self._subscription = state.param.watch(self._on_choice, ["view", *_OPENED, *_DRAWN, *sorted(watched)])

    def start(self, problems: Sequence[str] = ()) -> None:
        """Look for data and models and begin to compute; ``problems`` are sentences about the link."""
        if problems:
            self.set_message("link", "warning", " ".join(problems))
        self.refresh_catalogue()
        self._started = True
        self._schedule()

    def refresh_catalogue(self) -> None:
        """Look for new and changed data sets and models, and compute again what depends on them."""
        try:
            found = self.engine.sources()
            self.set_message("folder", "error", "")
        except ad.UserError as error:
            found = {DEMO: Source(DEMO, "Demo atmosphere (simulated)")}
            self.set_message("folder", "error", str(error))
        if found is not self._found:
            self._found = found
            sources = list(found.values())
            if sources != self.sources:
                self.sources = sources
        methods, problems = self.engine.methods()
        renewed = methods is not self._methods_found and self._choose_methods(methods)
        models = self.engine.model_stamps()
        if models != self.models:
            self.models = models
        self.set_message("models", "info", " ".join(problems))
        shown = found.get(self.data.key) if self.data is not None else None
        changed = self.data is not None and (shown is None or shown.stamp != self.data.stamp)
        if changed:
            self._opened = None
        changed = self._return_to_lost_data() or changed
        if self._started and (renewed or changed):
            self._schedule()

    def _choices(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(getattr(self.state, name) for name in names)

    def _choose_methods(self, found: list[Method]) -> bool:
        """Take the methods of the chosen factor and members; return whether they differ: equal cards are the same models."""
        self._methods_found, self.factors = found, factors_of(found)
        methods = methods_for(found, self.state.factor, draw_of(*self._choices(_DRAWN)))
        if renewed := not same_text(methods, self.methods):
            self.methods = methods
        return renewed

    async def refresh_in_background(self) -> None:
        """Look for new data and models without delaying other users: a folder may be on a slow disk."""
        if not self._started:
            return
        with suppress(ad.UserError):
            await self.in_thread(Control(), self.engine.sources)
            await self.in_thread(Control(), self.engine.methods)
        with self.within():
            self.refresh_catalogue()

    def _return_to_lost_data(self) -> bool:
        """Choose the data set again that could not be read, once its files have changed; return whether that was done."""
        if self._lost is None or not self._lost.is_changed(self._found):
            return False
        self._fitting = True
        try:
            self._lost.restore(self.state)
        finally:
            self._fitting = False
        self._opened = None
        return True

    @property
    def is_fitting_state(self) -> bool:
        """Whether the state is being fitted to a link or to the data, and not changed by the user."""
        return self._fitting or self._from_link or not self._started

    @property
    def shown_names(self) -> list[str]:
        """Coarse input, the methods shown and truth, in the order of the page."""
        return ["coarse", *shown_methods(self.state, [method.name for method in self.methods]), "truth"]

    @property
    def labels(self) -> dict[str, str]:
        """Labels of coarse input, methods and truth, by name."""
        methods = {method.name: method.label for method in self.methods}
        return {"coarse": "Coarse input", **methods, "truth": "Truth"}

    def request(self) -> Request:
        """Return what a computation of the present choice starts from."""
        parts = (self.data, self.methods, self.comparison, self.results, self._heading)
        return Request(self.engine, self.state.for_view(), *parts)

    def follow_link(self, query: dict[str, Any]) -> None:
        """Take over an address, when the browser goes back or a link is pasted."""
        self._from_link = True
        problems = self.state.read_query(query)
        self.set_message("link", "warning", " ".join(problems))
        if self._started:
            self._schedule()

    def step(self, steps: int) -> None:
        """Move through time; at an end, stay there (or start again while playing)."""
        if self.data is None:
            return
        texts = self.data.time_texts
        index = texts.index(self.state.time) + steps if self.state.time in texts else 0
        index = index % len(texts) if self.playing else min(max(index, 0), len(texts) - 1)
        self._heading = 1 if steps > 0 else -1
        self.state.time = texts[index]

    def cancel(self) -> None:
        """Stop what is being computed and keep what is already computed."""
        self._control.cancel()
        self.playing = False

    def resume(self) -> None:
        """Compute what is missing."""
        self._schedule()

    def close(self) -> None:
        """Stop everything when the tab is closed, and release the results."""
        self.playing = False
        self._started = False
        self._control.cancel()
        # What still runs must not report: the parts of the page that it would write to are gone.
        self._control = Control()
        for task in (self._task, self._play_task):
            if task is not None:
                task.cancel()
        self.state.param.unwatch(self._subscription)

    def set_region(self, make: Callable[[], str]) -> None:
        """Set the region to the text that ``make`` returns; its UserError becomes a message."""
        try:
            region = make()
        except ad.UserError as error:
            self.set_message("region", "warning", str(error))
            return
        self.set_message("region", "warning", "")
        self.state.region = region

    def set_message(self, key: str, kind: str, text: str) -> None:
        """Set the message with a key; an empty text removes it."""
        others = [message for message in self.messages if message.key != key]
        new = [Message(key, kind, public_text(text))] if text else []
        if others + new != self.messages:
            self.messages = others + new

    async def settled(self) -> None:
        """Wait until nothing is being computed (for tests and scripts)."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    @param.depends("playing", watch=True)
    def _start_playing(self) -> None:
        if self.playing:
            self._play_task = asyncio.ensure_future(self._play())

    def _on_choice(self, *events: Any) -> None:
        # param considers None different from None and reports changes that are none.
        changed = {event.name for event in events if bool(event.old != event.new)}
        if changed & {"factor", *_DRAWN}:
            self._choose_methods(self._methods_found)
        relevant = {"view", *_OPENED, *_DRAWN, *VIEW_ENTRIES[self.state.view].parameters}
        if "data_set" in changed and not self._fitting:
            self._lost = None
        if self._started and changed & relevant and not self._fitting:
            self._schedule()

    def _schedule(self) -> None:
        """Drop the present computation and begin one for the present state."""
        self._control.cancel()
        loop = asyncio.get_running_loop()
        control = self._control = Control(
            lambda fraction, activity: loop.call_soon_threadsafe(
                self._show_progress, control, fraction, activity
            )
        )
        self._shown.clear()
        self._task = loop.create_task(self._run_within(control))

    async def _run_within(self, control: Control) -> None:
        with self.within():
            await self._run(control)
            idle_work = VIEW_ENTRIES[self.state.view].idle_work
            if idle_work and self.data is not None and control is self._control and not control.cancelled():
                with suppress(ad.Cancelled):
                    idle = load(idle_work), self.request(), control.silent()
                    if update := await self.in_thread(control, *idle):
                        self.publish(update)

    async def _run(self, control: Control) -> None:
        self.param.update(busy=True, stopped=False, progress=0.0)
        # Several parameters often change together: their other watchers come first.
        await asyncio.sleep(0)
        try:
            if control.cancelled():
                return
            if self._from_link or self._opened != self._choices(_OPENED):
                await self._open(control)
            await self._compute(control)
            self.set_message("failure", "error", "")
        except ad.Cancelled:
            if control is self._control:
                self.param.update(stopped=True, activity="Stopped. The remaining results were not computed.")
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

    async def _compute(self, control: Control) -> None:
        """Compute what the view shows, and publish each step of it."""
        work = VIEW_ENTRIES[self.state.view].work
        if not work:
            self.activity = ""
            return
        started, summary, steps = time.perf_counter(), "", load(work)(self.request(), control)
        while (update := await self.in_thread(control, next, steps, None)) is not None:
            self.publish(update)
            summary = update.summary
            if update.is_enough_for_playing and self.playing:
                return
        self.device = await self.in_thread(control, self.engine.device)
        self.activity = f"{summary} · {time.perf_counter() - started:.1f} s"

    def publish(self, update: Update) -> None:
        """Show what a step of a computation found."""
        if update.comparison is not None and update.comparison is not self.comparison:
            self.comparison = update.comparison
        if update.results:
            self.results = {**self.results, **update.results}
        if update.message is not None:
            self.set_message(update.message.key, update.message.kind, update.message.text)
        if update.is_shown:
            self._shown.set()

    def _fail(self, control: Control, sentence: str) -> None:
        if control is self._control:
            self.playing = False
            self.activity = "Not computed."
            self.set_message("failure", "error", sentence)

    async def _open(self, control: Control) -> None:
        self.activity = "Opening the data set"
        state, notes = self.state, []
        key, level = state.data_set, state.level
        found = self._found.get(key)
        shown = self.data.key if self.data is not None else ""
        problem = ""
        if found is None and key == shown:
            problem = f"The data set '{key}' is no longer there."
        elif found is None:
            notes.append(f"The data set '{key}' was not found; the demo atmosphere is shown.")
            key, level = DEMO, ""
        if not problem:
            try:
                data = await self.in_thread(control, self.engine.describe, key, level)
                if self._lost is None or self._lost.key == key:
                    self.set_message("data", "error", "")
                    self._lost = None
            except ad.UserError as error:
                problem = str(error)
        if problem:
            instead = shown if shown not in ("", key) else DEMO
            if instead == key:
                raise ad.UserError(problem)
            text = f"{problem} Meanwhile the page shows the data set '{instead}'; it returns by itself when the file is readable."
            self.set_message("data", "error", text)
            self._lost = LostData(key, level, state.time, state.region, found.stamp if found else "")
            data = await self.in_thread(control, self.engine.describe, instead, "")
        self.state.suggested, why = await self.in_thread(control, self.engine.suggestion, data, self.methods)
        self.set_message("fit", "info", why)
        self.take_data(data, notes)

    def take_data(self, data: DataDescription, notes: list[str]) -> None:
        """Show a data set: fit the state to it, and report what was changed with earlier ``notes``."""
        self._fitting = True
        try:
            notes += fit_factor(self.state, self.factors)
            notes += self.state.fit(data, [one.name for one in self.methods], from_link=self._from_link)
        finally:
            self._fitting = False
        self.data = data
        self._opened = self._choices(_OPENED)
        if notes:
            earlier = [message.text for message in self.messages if message.key == "link" and self._from_link]
            self.set_message("link", "warning", " ".join(dict.fromkeys([*earlier, *notes])))
        elif not self._from_link:
            self.set_message("link", "warning", "")
        self._from_link = False

    def _show_progress(self, control: Control, fraction: float, activity: str) -> None:
        if control is self._control and not control.cancelled():
            self.param.update(progress=fraction, activity=activity)

    async def _play(self) -> None:
        while self.playing:
            started = time.monotonic()
            with self.within():
                self.step(1)
            await asyncio.sleep(0)
            await self._shown.wait()
            await asyncio.sleep(max(0.0, PLAY_INTERVAL_S - (time.monotonic() - started)))
