"""``panel serve app/main.py --plugins app.server.web.plugin`` uses the requests of this page also without ``--warm``."""

from app.server.web.application import use_own_requests

ROUTES: list[tuple[str, type]] = []
"""What Panel expects of a plugin; the requests are added by the call below."""

use_own_requests()
