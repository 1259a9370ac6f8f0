"""One browser tab: turns changes of the state into computations, and their results into what the views show.

The event loop is never blocked: each step runs in a thread, a newer choice drops an older computation, and a user can stop it. All
failures end here as one sentence for the user, with the traceback in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import param

import atmodist_core as ad
from app.catalogue import DEMO, Method, Source, list_methods, list_sources
from app.comparison import Answer, Comparison, Question
from app.engine import Control, Engine, Frame
from app.messages import Message, joined_warnings
from app.state import DataDescription, StudioState, shown_methods

logger = logging.getLogger("atmodist.app")

ENGINE = Engine()
"""The engine of this process, shared by all sessions."""

PAUSE_BEFORE_EXACT_S = 0.25
"""Rest after the previews: who steps on through time within it does not wait for float32 results nobody will see."""

PLAY_INTERVAL_S = 0.7
PROGRESS_INTERVAL_S = 0.1
UNEXPECTED = (
    "Something went wrong inside the program ({kind}); the details are in its log. Please try another choice."
)

_COMPARED = ("time", "region", "field", "methods", "view", "layout", "left", "right")
_OPENED = ("data_set", "level")

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
    comparison: Any = param.ClassSelector(
        default=None, class_=Comparison, doc="What is compared, as far as it is there."
    )
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
        self._from_link = True
        self._opened: tuple[str, str] | None = None
        self._started = False
        self._fitting = False
        self._shown = asyncio.Event()
        state.param.watch(self._on_choice, [*_OPENED, *_COMPARED])

    def start(self, problems: list[str]) -> None:
        """Look for data and models and begin to compute; ``problems`` are sentences about the link."""
        self.say("link", "warning", " ".join(problems))
        self.refresh_catalogue()
        self._started = True
        self._schedule()

    def refresh_catalogue(self) -> None:
        """Look again for data sets and models."""
        try:
            self.sources = list_sources()
        except ad.UserError as error:
            self.sources = [Source(DEMO, "Demo atmosphere (simulated)")]
            self.say("folder", "error", str(error))
        methods, problems = list_methods()
        # Cards that say the same are the same models, and nothing has to be built anew for them.
        if [repr(method) for method in methods] != [repr(method) for method in self.methods]:
            self.methods = methods
        self.say("models", "info", " ".join(problems))

    def follow_link(self, query: dict[str, Any]) -> None:
        """Take over an address, when the browser goes back or a link is pasted."""
        self._from_link = True
        problems = self.state.read_query(query)
        self.say("link", "warning", " ".join(problems))
        if self._started:
            self._schedule()

    def step(self, steps: int) -> None:
        """Go on, or back, in time; at an end, stay there (or start again while playing)."""
        if self.data is None:
            return
        texts = self.data.time_texts
        index = texts.index(self.state.time) + steps if self.state.time in texts else 0
        index = index % len(texts) if self.playing else min(max(index, 0), len(texts) - 1)
        self.state.time = texts[index]

    def cancel(self) -> None:
        """Stop what is being computed; what is there stays."""
        self._control.cancel()
        self.playing = False

    def resume(self) -> None:
        """Compute what is missing."""
        self._schedule()

    def close(self) -> None:
        """Stop everything, when the tab is closed."""
        self.playing = False
        self._control.cancel()
        for task in (self._task, self._play_task):
            if task is not None:
                task.cancel()

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
        if self._started and any(_differ(event.old, event.new) for event in events) and not self._fitting:
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

    async def _run(self, control: Control) -> None:
        self.param.update(busy=True, stopped=False, progress=0.0)
        # Several parameters often change together: their other watchers come first.
        await asyncio.sleep(0)
        try:
            if control.cancelled():
                return
            if self._from_link or self._opened != (self.state.data_set, self.state.level):
                await self._open(control)
            await self._compare(control)
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
            data = await self._in_thread(control, self.engine.describe, key, level)
            self.say("data", "error", "")
        except ad.UserError as error:
            instead = self.data.key if self.data is not None and self.data.key != key else DEMO
            if instead == key:
                raise
            self.say("data", "error", f"{error} Meanwhile the page shows the data set '{instead}'.")
            data = await self._in_thread(control, self.engine.describe, instead, "")
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

    async def _compare(self, control: Control) -> None:
        assert self.data is not None  # opened before
        started = time.perf_counter()
        state, methods = self.state, self.compared_methods
        factor = next((method.factor for method in methods if method.card is not None), 4)
        question = Question(state.data_set, state.level, state.time, state.region, state.field, factor)
        frame = await self._in_thread(control, self.engine.frame, question, control)
        comparison = await self._begin(control, question, frame)
        networks = [method for method in methods if method.family == "network"]
        for method in [method for method in methods if method.family == "interpolation"]:
            comparison = comparison.with_answer(
                method.name, await self._try(control, frame, method, "answer")
            )
        self.comparison = comparison
        if state.view == "maps":
            for number, method in enumerate(networks):
                if self.engine.needs_preview(frame, method, question.field):
                    self._tell(control, 0.05 + 0.15 * number / len(networks), f"{method.label}: preview")
                    answer = await self._try(control, frame, method, "preview")
                    self.comparison = comparison = comparison.with_answer(method.name, answer)
        self._shown.set()
        if self.playing:
            return
        if any(answer.quality == "preview" for answer in comparison.answers.values()):
            await asyncio.sleep(PAUSE_BEFORE_EXACT_S)
            control.check()
        for number, method in enumerate(networks):
            low, width = 0.2 + 0.6 * number / len(networks), 0.6 / len(networks)
            self._follow(control, low, width, method.label)
            answer = await self._try(control, frame, method, "answer")
            comparison = comparison.with_answer(method.name, answer)
            if answer.fields is not None:
                told = await self._in_thread(control, self.engine.applicability, frame, method)
                comparison = replace(comparison, warnings={**comparison.warnings, method.name: told})
            self.comparison = comparison
        self.say("applicability", "info", joined_warnings(comparison.warnings))
        comparison = await self._add_scores(control, comparison, methods)
        if state.view == "spectra":
            comparison = await self._add_spectra(control, comparison)
        self.comparison = replace(comparison, complete=True)
        self.device = await self._in_thread(control, self.engine.device)
        self.activity = f"All results in float32 · {time.perf_counter() - started:.1f} s"

    async def _begin(self, control: Control, question: Question, frame: Frame) -> Comparison:
        """Truth and coarse input, with the answers that are there already if only methods or the view changed."""
        assert self.data is not None
        if self.comparison is not None and self.comparison.question == question:
            return replace(self.comparison, complete=False)
        truth = await self._in_thread(control, self.engine.truth, frame, question.field)
        coarse = await self._in_thread(control, self.engine.coarse, frame, question.field)
        whole_globe = frame.is_global and frame.window.is_whole
        return Comparison(question, truth, coarse, self.data.simulated, whole_globe)

    async def _try(self, control: Control, frame: Frame, method: Method, quality: str) -> Answer:
        """Answer of one method; its own failure is a sentence in its panel, and the other methods go on."""
        present = self.comparison
        question_field = self.state.field
        if present is not None and present.question.slice_key == frame.slice_key:
            answer = present.answers.get(method.name)
            same = present.question.region == self.state.region and present.question.field == question_field
            if same and answer is not None and answer.quality == "exact" and not answer.problem:
                return answer
        compute = self.engine.answer if quality == "answer" else self.engine.preview
        try:
            return await self._in_thread(control, compute, frame, method, question_field, control)
        except ad.UserError as error:
            return Answer(None, problem=str(error))

    async def _add_scores(
        self, control: Control, comparison: Comparison, methods: list[Method]
    ) -> Comparison:
        for method in methods:
            answer = comparison.answers[method.name]
            if answer.fields is None or method.name in comparison.scores:
                continue
            self._tell(control, 0.85, f"{method.label}: scores")
            scores = await self._in_thread(
                control, self.engine.scores, comparison.question, method.name, answer.fields, comparison.truth
            )
            comparison = comparison.with_scores(method.name, scores)
        self.comparison = comparison
        return comparison

    async def _add_spectra(self, control: Control, comparison: Comparison) -> Comparison:
        spectra = dict(comparison.spectra or {})
        for name in ("truth", "coarse", *comparison.answers):
            fields = comparison.fields_of(name)
            if fields is None or name in spectra:
                continue
            self._tell(control, 0.9, f"spectra: {name}")
            spectra[name] = await self._in_thread(
                control, self.engine.spectra, comparison.question, name, fields, comparison.truth
            )
            self.comparison = comparison = replace(comparison, spectra=dict(spectra))
        return comparison

    async def _in_thread(self, control: Control, work: Callable[..., T], *arguments: Any) -> T:
        """Run blocking work in a thread; the result of a computation that was dropped meanwhile counts as cancelled."""
        result = await asyncio.to_thread(work, *arguments)
        control.check()
        return result

    def _tell(self, control: Control, fraction: float, activity: str) -> None:
        if control is self._control and not control.cancelled():
            self.param.update(progress=fraction, activity=activity)

    def _follow(self, control: Control, low: float, width: float, label: str) -> None:
        """Pass a thread's progress on to the page, at most ten times a second."""
        loop = asyncio.get_running_loop()
        last = 0.0

        def report(fraction: float, message: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PROGRESS_INTERVAL_S:
                last = now
                loop.call_soon_threadsafe(self._tell, control, low + width * fraction, f"{label}: {message}")

        control.progress = report
        self._tell(control, low, f"{label}: float32")

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
