"""The page of one browser tab."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.themes import Theme
from panel.io.state import set_curdoc
from panel.util import edit_readonly

from app.compute.cache_warmup import import_views, warm_up
from app.compute.memory import Collector
from app.page.address import AddressBar
from app.page.browser_history import BrowserHistory
from app.page.header import Header
from app.page.keyboard import Keyboard
from app.page.loading_page import opening_template
from app.page.sidebar import WIDTH, SideBar
from app.page.status import Messages, StatusLine
from app.page.tour import Help, Tour
from app.server.batch_layouts import OneLayout
from app.server.session_keepalive import await_browser, use_own_files
from app.session.session import ENGINE, Session
from app.state.state import StudioState
from app.state.view_registry import VIEW_ENTRIES, VIEWS, load
from app.theme.theme import DARK, FITTING, HEADER_COLOUR, LIGHT, PHONE, THEME_CONFIG

TITLE = "AtmoDist Studio"
TAB_WIDTH = 92
LOOK_AGAIN_MS = 5000
"""How often a page asks what lies in the folders of data and models."""

COLLECTOR = Collector()
OPENING: weakref.WeakSet[Session] = weakref.WeakSet()
"""Pages whose browser is about to build them: what can wait does not take the cores from it."""
_OWN_STYLES = Theme(json={"attrs": {"Axis": {}, "Figure": {}, "Grid": {}, "Title": {}, "Legend": {}}})
"""Names the parts of a figure that the page styles itself, so that Material UI leaves them alone."""


def build_page() -> Any:
    """Build the page, and begin to compute once the browser has it."""
    state = StudioState()
    document = pn.state.curdoc
    if document is not None:
        use_own_files(document)
    session = Session(state, within=partial(set_curdoc, document) if document is not None else nullcontext)
    history = BrowserHistory(width=0, height=0, margin=0)
    opened_with = pn.state.location.search if pn.state.location is not None else ""
    problems = AddressBar(session, history, opened_with or "").begin()
    session.refresh_catalogue()
    page = _frame(state)
    if document is not None and _has_visitor():
        await_browser(document)
        OPENING.add(session)

        def fill() -> None:
            with session.within(), pn.io.hold():
                _fill(page, session, history)

        # The HTML knows the frame alone and leaves at once: its parts are made while the browser loads its scripts. Results wait until the
        # browser has built the page: what changes between its taking the document and that moment can be lost on the way.
        document.add_next_tick_callback(fill)
        pn.state.onload(_begin_of(session, problems))
    else:
        _fill(page, session, history)
        # `panel serve --warm` builds a page nobody sees: time to fill the caches for the first who comes.
        import_views()
        threading.Thread(
            target=warm_up, args=(ENGINE, lambda: bool(OPENING)), name="warm-up", daemon=True
        ).start()
    pn.state.on_session_destroyed(lambda _context: _end(session))
    if document is not None:
        document.theme = _OWN_STYLES
    return page


def _begin_of(session: Session, problems: list[str]) -> Callable[[], None]:
    """What to do when the browser has built the page.

    Panel keeps it beside the document until then: where no browser ever comes, it must not hold the document itself. A periodic callback
    of a document that ends before its browser has come would go on for ever, so it begins here.
    """
    reference = weakref.ref(session)

    def begin() -> None:
        waiting = reference()
        if waiting is not None:
            OPENING.discard(waiting)
            waiting.start(problems)
            look_again: Any = waiting.look_again  # Panel awaits it, and its types do not say so
            pn.state.add_periodic_callback(look_again, period=LOOK_AGAIN_MS)

    return begin


def _has_visitor() -> bool:
    context = pn.state.curdoc.session_context if pn.state.curdoc is not None else None
    request = getattr(context, "_request", None)
    return getattr(request, "_request", None) is not None


def _on_a_phone() -> bool:
    """Whether the browser calls itself one of a phone, as they do; the width of the window is not known before the page is there."""
    return "Mobi" in str(pn.state.headers.get("User-Agent", ""))


def _frame(state: StudioState) -> Any:
    """Page without its parts."""
    page = pmui.Page(
        title=TITLE,
        template=opening_template(),
        sidebar_width=WIDTH,
        # It would lie over the maps there.
        sidebar_open=not _on_a_phone(),
        theme_config=THEME_CONFIG,
        dark_theme=state.theme == DARK,
        busy_indicator=None,
        sx={
            "& .MuiAppBar-root": {"backgroundColor": HEADER_COLOUR, "backgroundImage": "none"},
            "& .MuiAppBar-root .MuiIconButton-root": {"color": "#ffffff"},
        },
    )
    # Material UI's page follows Panel's busy counter, and walks through every model of the page each time that it changes; the line
    # beside the tabs says what is being done.
    with edit_readonly(page):
        page.busy = False
    _forget(page)
    return page


def _end(session: Session) -> None:
    """The tab was closed."""
    session.close()
    OPENING.discard(session)
    COLLECTOR.collect_soon()


def _forget(page: Any) -> None:
    """Take the page off the watchers of Panel's busy counter, which would keep it, and all it shows, for ever."""
    for watcher in list(pn.state.param.watchers.get("busy", {}).get("value", [])):
        owner = getattr(watcher.fn, "__self__", None)
        if getattr(owner, "self", None) is page:
            pn.state.param.unwatch(watcher)


def _fill(page: Any, session: Session, history: BrowserHistory) -> None:
    """Build the parts of the page."""
    state = session.state
    views: dict[str, Any] = {}
    keyboard = Keyboard(width=0, height=0, margin=0)
    keyboard.session = session
    # The tabs are a strip alone: what is in front is below, so that the line beside them can say what is being computed.
    tabs = pmui.Tabs(
        *[(label, pn.Spacer(height=0)) for label in VIEWS.values()],
        active=list(VIEWS).index(state.view),
        margin=0,
        width=TAB_WIDTH * len(VIEWS),
        height=48,
        styles={"flex": "none"},
        sx={
            PHONE: {
                "maxWidth": "calc(100vw - 32px)",
                "& .MuiTab-root": {"minWidth": 0, "flex": "1 1 auto", "padding": "12px 4px"},
            }
        },
    )
    tour = Tour(width=0, height=0, margin=0)
    help_text = Help(session, tour)
    stage = pn.Column(stylesheets=[FITTING], sizing_mode="stretch_width", margin=0, css_classes=["stage"])

    def bring_to_front(*_events: Any) -> None:
        # A view is built when it first comes to the front: its many figures would only hold up the first paint.
        # It stays on the page when another comes: the browser would have to make all of it anew.
        if state.view not in views:
            views[state.view] = load(VIEW_ENTRIES[state.view].view)(session).__panel__()
            stage.append(views[state.view])
        for name, view in views.items():
            view.visible = name == state.view

    state.param.watch(bring_to_front, "view")
    bring_to_front()
    main = pn.Column(
        OneLayout(width=0, height=0, margin=0),
        pn.Row(
            tabs,
            help_text.button,
            StatusLine(session),
            sizing_mode="stretch_width",
            margin=0,
            styles={"align-items": "center", "gap": "0 12px", "flex-wrap": "wrap"},
        ),
        help_text,
        Messages(session),
        stage,
        keyboard,
        history,
        tour,
        sizing_mode="stretch_width",
        margin=0,
        stylesheets=[FITTING],
        styles={
            "padding": "2px 16px 16px 16px",
            "gap": "8px",
            "box-sizing": "border-box",
            "min-width": "0",
            "max-width": "100%",
        },
    )
    page.param.update(header=[Header(session)], sidebar=[SideBar(session)], main=[main])
    _tie(tabs, "active", state, "view", list(VIEWS).index, lambda active: list(VIEWS)[active])
    _tie(
        page, "dark_theme", state, "theme", lambda theme: theme == DARK, lambda dark: DARK if dark else LIGHT
    )


def _tie(widget: Any, parameter: str, state: StudioState, name: str, to_widget: Any, to_state: Any) -> None:
    """Keep a parameter of the page and one of the state the same."""
    widget.param.watch(lambda event: setattr(state, name, to_state(event.new)), parameter)
    state.param.watch(lambda event: setattr(widget, parameter, to_widget(event.new)), name)
