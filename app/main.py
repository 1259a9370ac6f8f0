"""Assembles the page; ``panel serve app/main.py`` runs this once per browser tab."""

from __future__ import annotations

import sys
from pathlib import Path

import panel as pn

# `panel serve app/main.py` puts app/ on the path, not the folder above it, from which `app` and `atmodist_core` are imported.
_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from app.page.page import build_page
from app.server.message_delivery import deliver_all
from app.server.web.application import use_own_requests
from app.server.web.failures import log_failures

# Networks in threads give way to the page's own thread and ask for their turn back at each of hundreds of layers: at Python's 5 ms each time a
# preview of 0.1 s would take a second while the page is busy with other users.
sys.setswitchinterval(5e-4)
pn.extension(notifications=False)
deliver_all()
use_own_requests()
log_failures()
build_page().servable()
