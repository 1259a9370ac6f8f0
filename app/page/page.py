"""The page of one browser tab."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.themes import Theme
from panel.io.state import set_curdoc
from panel.util import edit_readonly

from app.compute.memory import Collector
from app.page.address import AddressBar
from app.page.cache_warmup import (
    import_views,
    opening_data_set,
    show_ready,
    warm_caches,
    warm_fields,
)
from app.page.header import Header
from app.page.keyboard import Keyboard
from app.page.loading_page import loading_template
from app.page.sidebar import WIDTH, SideBar
from app.page.status import Messages, StatusLine
from app.page.tour import Help, Tour
from app.server.batch_layouts import LayoutBatcher
from app.server.browser_history import BrowserHistory
from app.server.session_keepalive import keep_until_connected, use_own_files
from app.server.web.counters import COUNTERS
from app.server.web.page_request import OUTLINE
from app.session.session import ENGINE, Session
from app.state.state import StudioState
from app.state.view_registry import VIEW_ENTRIES, VIEWS, load
from app.theme.theme import DARK, FITTING, HEADER_COLOUR, LIGHT, PHONE, THEME_CONFIG
from app.views.shared.elements import column, row
from app.views.shared.takeaway import Takeaway

TITLE = "AtmoDist Studio"
TAB_WIDTH = 92
REFRESH_MS = 5000
"""Time between two searches of a page for new data and models."""

COLLECTOR = Collector()
LOADING_SESSIONS: weakref.WeakSet[Session] = weakref.WeakSet()
"""Sessions whose browser is building the page; the cache warm-up leaves the cores to them."""
COUNTERS.gauge("cache_bytes", "Memory of the shared results [bytes].", ENGINE.cache_bytes)
COUNTERS.gauge("computations_waiting", "Networks that wait for their turn.", lambda: ENGINE.waiting)
_OWN_STYLES = Theme(json={"attrs": {"Axis": {}, "Figure": {}, "Grid": {}, "Title": {}, "Legend": {}}})
"""Parts of a figure that the page styles itself, so that Material UI does not."""


def build_page() -> Any:
    """Build the page; computations begin once the browser has it."""
    state = StudioState()
    if OUTLINE in pn.state.session_args:
        return _frame(state)
    document = pn.state.curdoc
    if document is not None:
        use_own_files(document)
    session = Session(state, within=partial(set_curdoc, document) if document is not None else nullcontext)
    history = BrowserHistory(width=0, height=0, margin=0)
    opened_with = pn.state.location.search if pn.state.location is not None else ""
    address = AddressBar(session, history, opened_with or "")
    problems = address.begin()
    if not address.names_data:
        state.data_set = opening_data_set(ENGINE)
    page = _frame(state)
    if document is not None and _has_visitor():
        keep_until_connected(document)
        LOADING_SESSIONS.add(session)

        def fill() -> None:
            with session.within(), pn.io.hold():
                show_ready(session, problems)
                _fill(page, session, history)

        # The HTML holds only the frame and is sent at once: its parts, and the results in memory, are made while the browser loads its scripts.
        # Other results wait until it has built the page: changes between its fetching the document and that moment can be lost.
        document.add_next_tick_callback(fill)
        pn.state.onload(_begin_of(session))
    else:
        show_ready(session, problems)
        _fill(page, session, history)
        # `panel serve --warm` builds a page without a visitor, which is the time to fill the caches.
        import_views()
        pn.state.onload(start_cache_warmup)
    pn.state.on_session_destroyed(lambda _context: _end(session))
    if document is not None:
        document.theme = _OWN_STYLES
    return page


def start_cache_warmup() -> None:
    """Read the first fields, and fill the caches in a thread.

    Panel calls it after the page is built: it walks over the new entries of ``sys.modules`` while it builds a page, and entries that a thread
    adds and removes meanwhile would end that walk.
    """
    with suppress(Exception):  # the thread reports it
        warm_fields(ENGINE)
    arguments = (ENGINE, lambda: bool(LOADING_SESSIONS))
    threading.Thread(target=warm_caches, args=arguments, name="cache-warmup", daemon=True).start()


def _begin_of(session: Session) -> Callable[[], None]:
    """Return the callback for when the browser has built the page.

    Panel keeps it until then, so it must not hold the document: a browser may never come. Periodic callbacks begin here for the same reason:
    those of a document whose browser never came would run for ever.
    """
    reference = weakref.ref(session)

    def begin() -> None:
        loaded = reference()
        if loaded is not None:
            LOADING_SESSIONS.discard(loaded)
            loaded.start()
            refresh: Any = loaded.refresh_in_background  # Panel awaits it, though its types do not allow it
            pn.state.add_periodic_callback(refresh, period=REFRESH_MS)

    return begin


def _has_visitor() -> bool:
    context = pn.state.curdoc.session_context if pn.state.curdoc is not None else None
    request = getattr(context, "_request", None)
    return getattr(request, "_request", None) is not None


def _on_a_phone() -> bool:
    """Whether the browser identifies itself as that of a phone: the width of the window is not known yet."""
    return "Mobi" in str(pn.state.headers.get("User-Agent", ""))


def _frame(state: StudioState) -> Any:
    """Page without its parts."""
    page = pmui.Page(
        title=TITLE,
        template=loading_template(),
        sidebar_width=WIDTH,
        # On a phone it would cover the maps.
        sidebar_open=not _on_a_phone(),
        theme_config=THEME_CONFIG,
        dark_theme=state.theme == DARK,
        busy_indicator=None,
        sx={
            "& .MuiAppBar-root": {"backgroundColor": HEADER_COLOUR, "backgroundImage": "none"},
            "& .MuiAppBar-root .MuiIconButton-root": {"color": "#ffffff"},
        },
    )
    # Material UI's page follows Panel's busy counter and walks through all models of the page at each change; the status line
    # shows what is being computed.
    with edit_readonly(page):
        page.busy = False
    _forget(page)
    return page


def _end(session: Session) -> None:
    """The tab was closed."""
    session.close()
    LOADING_SESSIONS.discard(session)
    COLLECTOR.collect_soon()


def _forget(page: Any) -> None:
    """Remove the page from the watchers of Panel's busy counter, which would keep it in memory for ever."""
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
    # The tabs are only a strip, with the views below it, so that the status line can stand beside them.
    tabs = pmui.Tabs(
        *[(label, pn.Spacer(height=0)) for label in VIEWS.values()],
        active=list(VIEWS).index(state.view),
        margin=0,
        width=TAB_WIDTH * len(VIEWS),
        height=48,
        styles={"flex": "0 1 auto", "min-width": "0", "max-width": "100%"},
        sx={
            "& .MuiTab-root": {"minWidth": 0, "flex": "1 1 auto", "padding": "12px 4px"},
            PHONE: {"maxWidth": "calc(100vw - 32px)"},
            # Beside the open side bar of a narrow window.
            f"@media (min-width: 601px) and (max-width: {TAB_WIDTH * len(VIEWS) + WIDTH + 32}px)": {
                "maxWidth": f"calc(100vw - {WIDTH + 32}px)"
            },
        },
    )
    tour = Tour(width=0, height=0, margin=0)
    help_text = Help(session, tour)
    stage = column(css=FITTING, css_classes=["stage"])

    def show_view(*_events: Any) -> None:
        # A view is built when it is first shown, so that its figures do not delay the first paint, and is hidden afterwards: the browser
        # would have to build it again.
        if state.view not in views:
            views[state.view] = load(VIEW_ENTRIES[state.view].view)(session).__panel__()
            stage.append(views[state.view])
        for name, view in views.items():
            view.visible = name == state.view

    state.param.watch(show_view, "view")
    show_view()
    line = row(
        tabs,
        help_text.button,
        StatusLine(session),
        styles={"align-items": "center", "gap": "0 12px", "flex-wrap": "wrap"},
    )
    header = Header(session)
    sidebar = SideBar(session)
    invisible = (keyboard, history, tour, header.export_menu.dialog, *sidebar.dialogs)
    main = column(
        LayoutBatcher(width=0, height=0, margin=0),
        *(line, help_text, Messages(session), Takeaway(session), stage, *invisible),
        css=FITTING,
        styles={
            "padding": "2px 16px 16px 16px",
            "gap": "8px",
            "box-sizing": "border-box",
            "min-width": "0",
            "max-width": "100%",
        },
    )
    page.param.update(header=[header], sidebar=[sidebar], main=[main])
    _tie(tabs, "active", state, "view", list(VIEWS).index, lambda active: list(VIEWS)[active])
    _tie(
        page, "dark_theme", state, "theme", lambda theme: theme == DARK, lambda dark: DARK if dark else LIGHT
    )


def _tie(widget: Any, parameter: str, state: StudioState, name: str, to_widget: Any, to_state: Any) -> None:
    """Keep a parameter of the page and one of the state equal; a value that no tab or theme has is undone."""

    def take(event: Any) -> None:
        try:
            setattr(state, name, to_state(event.new))
        except IndexError:
            setattr(widget, parameter, to_widget(getattr(state, name)))

    widget.param.watch(take, parameter)
    state.param.watch(lambda event: setattr(widget, parameter, to_widget(event.new)), name)
