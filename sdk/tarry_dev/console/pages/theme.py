"""The choice between light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.utils import redirect

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from tarry_dev.console.visit import Visit

__all__ = ["choose"]

_YEAR = 31_536_000


def choose(visit: Visit) -> Response:
    """Remember the choice in a cookie, and go back. Without one the page is as the visitor's system is."""
    back = visit.given("back")
    own = back if back.startswith("/") and not back.startswith(("//", "/\\")) else visit.link("runs")
    response = redirect(own, 303)
    chosen = visit.given("theme")
    if chosen in ("light", "dark"):
        path = visit.request.script_root or "/"
        response.set_cookie("tarry_theme", chosen, max_age=_YEAR, samesite="Lax", path=path)
    return response
