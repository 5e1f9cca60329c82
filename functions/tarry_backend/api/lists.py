"""The lists of the HTTP API: runs, open waits and events, page by page.

A page has the entries of the commands' ``--json``, and ``next``: the cursor of the page that follows, or ``null``.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from tarry._wire.limits import why_not_name
from tarry.durations import milliseconds
from tarry_backend.api.documents import open_wait_document, received_document, run_document
from tarry_backend.clock import now
from tarry_backend.model.position import Position
from tarry_backend.model.run import RunStatus
from tarry_backend.store.queries import DUES_LOOKED_THROUGH, RUNS_LOOKED_THROUGH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tarry_backend.api.documents import Document
    from tarry_backend.deploy.manifest import HostedManifest, Manifest
    from tarry_backend.store import Store

__all__ = ["MOST", "Lists"]

MOST = 100
"""The most entries of a page."""

Place = tuple[Any, ...]
T = TypeVar("T")

_SHOWN = 80

_KEY = 1_000
"""The most bytes of a text that becomes part of a key: a sort key of DynamoDB has 1,024."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of one app. It raises an error with an HTTP status for a query that it cannot answer."""

    app: Manifest | HostedManifest
    store: Store

    def runs(self, query: Mapping[str, str]) -> Document:
        """Return the newest runs first: of one ``function``, of one ``status``. A page looks through 10,000 runs."""
        _check_fields(query, "function", "status")
        function, status = query.get("function"), query.get("status")
        if status is not None and status not in set(RunStatus):
            raise BadRequestError(f"the status {status[:_SHOWN]!r} is none of {', '.join(RunStatus)}")
        if function is not None and len(function.encode("utf-8", "surrogatepass")) > _KEY:
            raise self._no_function(function)
        functions = tuple(self.app.functions) if function is None else (function,)
        statuses = tuple(RunStatus) if status is None else (RunStatus(status),)
        limit, cursor = _limit(query, 20), _cursor(query, int, str)
        places = self.store.queries.run_keys(functions, statuses, limit + 1, cursor)
        keys, following = _page(
            ((place, place if fits else None) for place, fits in places), limit, RUNS_LOOKED_THROUGH
        )
        if not keys and cursor is None and function is not None and function not in self.app.functions:
            raise self._no_function(function)
        loaded = (self.store.runs.load(run_id) for _, run_id in keys)
        runs = [run_document(each) for each in loaded if each is not None and each.run.status in statuses]
        return {"runs": runs, "next": following}

    def _no_function(self, function: str) -> NotFoundError:
        return NotFoundError(f"there is no function {function[:_SHOWN]!r}: the app has {', '.join(self.app.functions)}")

    def waits(self, query: Mapping[str, str]) -> Document:
        """Return the open waits, the nearest deadline first. A page looks through the next 10,000 dues."""
        _check_fields(query)
        limit, cursor = _limit(query, 50), _cursor(query, int, str, str)
        found, following = _page(self.store.queries.waits_after(cursor), limit, DUES_LOOKED_THROUGH)
        return {"waits": [open_wait_document(*each) for each in found], "next": following}

    def events(self, query: Mapping[str, str]) -> Document:
        """Return the events of one ``name`` in the order of their receipt, from ``since`` on."""
        _check_fields(query, "name", "since")
        name = query.get("name")
        if name is None:
            raise BadRequestError("give the name of the events (?name=order/paid): the log is in the order of names")
        if (why_not := why_not_name(name)) is not None:
            raise BadRequestError(f"the name {name[:_SHOWN]!r} {why_not}")
        limit, cursor = _limit(query, 50), _cursor(query, int, str)
        moment = now()
        start = Position.after(moment - milliseconds(query.get("since", "1h"))) if cursor is None else Position(*cursor)
        found = list(islice(self.store.queries.events_after(name, start, moment), limit + 1))
        more = _text(found[limit - 1].position) if len(found) > limit else None
        return {"events": [received_document(received) for received in found[:limit]], "next": more}


def _check_fields(query: Mapping[str, str], *fields: str) -> None:
    known = (*fields, "limit", "cursor")
    if unknown := sorted(query.keys() - set(known)):
        raise BadRequestError(f"this list has no parameter {unknown[0][:_SHOWN]!r}; it has {', '.join(known)}")


def _limit(query: Mapping[str, str], default: int) -> int:
    text = query.get("limit", str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST):
        raise BadRequestError(f"the limit {text[:_SHOWN]!r} is no whole number from 1 to {MOST}")
    return int(text)


def _page(places: Iterable[tuple[Place, T | None]], limit: int, most: int) -> tuple[list[T], str | None]:
    """Return the first ``limit`` entries of a list, and the cursor of the next page; ``None`` if there is none.

    ``places`` are at most ``most``: if there are so many, the list goes on behind the last one.
    """
    entries: list[T] = []
    last: Place | None = None  # of the last entry of this page, or of the last place
    looked = 0
    for place, entry in places:
        looked += 1
        if entry is not None and len(entries) == limit:
            return entries, None if last is None else _text(last)
        if entry is not None:
            entries.append(entry)
        if entry is not None or len(entries) < limit:
            last = place
    return entries, None if last is None or looked < most else _text(last)


def _text(place: tuple[Any, ...]) -> str:
    return urlsafe_b64encode(json.dumps(list(place)).encode()).decode().rstrip("=")


def _cursor(query: Mapping[str, str], *types: type) -> tuple[Any, ...] | None:
    text = query.get("cursor")
    if text is None:
        return None
    try:
        place = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        fits = isinstance(place, list) and [type(each) for each in place] == list(types) and 0 <= place[0] < 10**15
        fits = fits and all(len(each.encode()) <= _KEY for each in place[1:])
    except (ValueError, RecursionError):
        fits, place = False, []
    if not fits:
        raise BadRequestError("the cursor is none of this list: give the next of the page before")
    return tuple(place)
