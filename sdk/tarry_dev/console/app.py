"""The console as a WSGI application."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tarry.errors import TarryError
from tarry_backend.clock import now
from tarry_dev.console.page_html import STATIC, fingerprint, rendered, static_file
from tarry_dev.console.routes import routes
from tarry_dev.console.security import LOOPBACK, TOKEN, Guard, harden
from tarry_dev.console.source import PageError
from tarry_dev.console.visit import DONE, Gone, Page, Visit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tarry_dev.console.source import Source

__all__ = ["SEEN", "create_console"]

SEEN = "X-Console-Seen"
"""The header with which a page reads itself again: the fingerprint of what it shows."""

_LARGEST = 2_000_000
"""The most bytes of a form."""

_log = logging.getLogger(__name__)


def create_console(
    source: Source,
    *,
    read_only: bool = False,
    token: str | None = None,
    hosts: Collection[str] | None = LOOPBACK,
    secret: str | None = None,
) -> WSGIApplication:
    """Return the console of an app as a WSGI application.

    It may be mounted below a path: it reads ``SCRIPT_NAME``. It has no sign-on of its own beside ``token``.

    Args:
        source: The app.
        read_only: Whether each action is refused.
        token: What a visitor must bring once, as ``?token=...``. It becomes a cookie. Without one, whoever reaches the
            application sees it: put your sign-on in front.
        hosts: The names under which it is asked for. ``None`` accepts every name: only where a proxy checks them.
        secret: With it the marks of forms are made. Give the same to each process behind one address.
    """
    return _Console(source, read_only, Guard(hosts, token, secret))


class _Console:
    def __init__(self, source: Source, is_read_only: bool, guard: Guard) -> None:
        self._source = source
        self._is_read_only = is_read_only
        self._guard = guard
        self._routes = routes()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = request.max_form_memory_size = _LARGEST
        response = self._respond(request)
        harden(response)
        response.headers["X-Console-Now"] = str(now())
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if (why_not := self._guard.why_not(request)) is not None:
            return Response(f"The request is refused: {why_not}.\n", 403, mimetype="text/plain")
        if request.path.startswith(f"/{STATIC}/"):
            return _static(request)
        visitor = self._guard.visitor(request)
        visit = Visit(request, self._source, self._is_read_only, visitor, self._guard.mark(visitor))
        if not self._guard.knows_token(request):
            problem = PageError(403, "Open the whole URL that tarry console printed: it has a token.")
            return self._page(_problem(problem), visit)
        if request.method == "GET" and self._guard.brings_token(request):
            return self._welcome(request, visit)
        return self._visited(visit)

    def _welcome(self, request: Request, visit: Visit) -> Response:
        """Move the token from the URL into a cookie, so that it stands in no history and no log."""
        query = {name: value for name, value in request.args.items() if name != TOKEN}
        parts = [part for part in request.path.split("/") if part]
        response = redirect(visit.link(*parts, **query), 303)
        self._guard.remember(response, request)
        return response

    def _visited(self, visit: Visit) -> Response:
        try:
            return self._answered(visit)
        except PageError as error:
            return self._page(_problem(error), visit)
        except RequestEntityTooLarge:
            return self._page(_problem(PageError(413, f"A form has at most {_LARGEST:,} bytes.")), visit)
        except HTTPException as error:
            if error.code == 405:
                return self._page(_problem(PageError(405, "This address takes no such request.")), visit)
            return self._page(_problem(PageError(error.code or 500, "There is no such page.")), visit)
        except TarryError as error:
            return self._page(_problem(PageError(400, str(error))), visit)
        except Exception as error:
            if (known := self._source.explain(error)) is not None:
                return self._page(_problem(known), visit)
            _log.exception("the console failed over %s", visit.request.path)
            problem = PageError(500, "The console failed over this page. Its own log says why.")
            return self._page(_problem(problem), visit)

    def _answered(self, visit: Visit) -> Response:
        request = visit.request
        seen = request.headers.get(SEEN, "")
        revision = "" if self._source.revision is None else str(self._source.revision())
        if seen and revision and seen.partition(".")[0] == revision and not seen.endswith("~"):
            return Response(status=204)
        endpoint, arguments = self._routes.bind_to_environ(request.environ).match()
        if request.method == "POST" and not self._guard.is_own_form(request):
            raise PageError(403, "The form is not of this page, or is too old. Load the page again, and repeat.")
        answer: Page | Gone | Response = endpoint(visit, **arguments)
        if isinstance(answer, Gone):
            response = redirect(answer.to, 303)
            response.set_cookie(DONE, _cookie_text(answer.done), max_age=30, httponly=True, samesite="Lax")
            return response
        return answer if isinstance(answer, Response) else self._page(answer, visit, seen, revision)

    def _page(self, page: Page, visit: Visit, seen: str = "", revision: str = "") -> Response:
        mark = f"{revision}.{fingerprint(page)}{'~' if page.moving else ''}"
        if seen and seen.partition(".")[2] == mark.partition(".")[2]:
            return Response(status=204, headers={SEEN: mark})
        response = Response(
            rendered(page, visit, mark, frame="_main.html" if seen else "_base.html"), page.status, mimetype="text/html"
        )
        response.headers[SEEN] = mark
        if not seen:
            self._guard.greet(response, visit.request, visit.visitor)
            if DONE in visit.request.cookies:
                response.delete_cookie(DONE)
        return response


def _problem(error: PageError) -> Page:
    context: dict[str, Any] = {"message": str(error), "permission": error.permission}
    titles = {400: "That cannot be done", 403: "Not allowed", 404: "Not found"}
    return Page("problem.html", titles.get(error.status, "Something is wrong"), "", context, status=error.status)


def _static(request: Request) -> Response:
    found = static_file(request.path.rpartition("/")[2])
    if found is None:
        return Response("There is no such file.\n", 404, mimetype="text/plain")
    response = Response(found[0], content_type=found[1])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _cookie_text(text: str) -> str:
    return quote(text[:600], safe=" ")
