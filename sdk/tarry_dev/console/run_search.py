"""The runs that a filter chooses, the newest first, page by page."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from tarry._wire.jsonvalues import decode
from tarry.durations import milliseconds
from tarry.errors import DurationError
from tarry_backend.matching import MatchError, check_run_filter, run_fits
from tarry_backend.model.run import RunStatus
from tarry_dev.console.json_view import one_line_json
from tarry_dev.console.source import PageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry_backend.model.run import Run
    from tarry_dev.console.source import Source

__all__ = ["COUNTED", "FoundRuns", "RunFilter", "by_id", "search", "search_and_count"]

COUNTED = 100
"""Among how many of the newest runs the statuses are counted."""

_LOOKED_AT = 1_000
"""How many runs a page reads, if it has to look into each of them."""

_BATCH = 50

_AT_ONCE = 100
"""How many runs one request reads at most."""

_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{6,26}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a page shows. Each field is as the URL has it; times are parsed too, to Unix milliseconds."""

    function: str = ""
    status: str = ""
    since: str = ""
    until: str = ""
    text: str = ""
    expression: str = ""
    began: tuple[int, int] = field(default=(0, 10**15), compare=False)

    @classmethod
    def read(cls, args: Mapping[str, str], now: int) -> RunFilter:
        """Read the URL's parameters.

        Raises:
            PageError: A time is none, or there is no such status.
            ExpressionError: The expression is not CEL over ``event`` and ``output``.
        """
        given = {name: args.get(name, "").strip() for name in ("function", "status", "since", "until", "text")}
        expression = args.get("if", "").strip()
        if given["status"] and given["status"] not in set(RunStatus):
            raise PageError(400, f"There is no status {given['status']!r}: choose {', '.join(RunStatus)}.")
        if expression:
            check_run_filter(expression)
        began = _moment(given["since"], now, 0), _moment(given["until"], now, 10**15)
        return cls(**given, expression=expression, began=began)

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the form, by the parameters' names."""
        named = {"function": self.function, "status": self.status, "since": self.since, "until": self.until}
        return {**named, "text": self.text, "if": self.expression}

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL: the fields that are not empty."""
        return {name: each for name, each in self.fields.items() if each}

    @property
    def statuses(self) -> tuple[RunStatus, ...]:
        """The statuses that it takes."""
        return (RunStatus(self.status),) if self.status else tuple(RunStatus)

    @property
    def looks_inside(self) -> bool:
        """Whether each run has to be read to know whether it fits."""
        return bool(self.text or self.expression)

    def takes(self, run: Run) -> bool:
        """Whether the run fits. ``MatchError``: the expression cannot be evaluated for it."""
        if run.status not in self.statuses or (self.text and not self._has_text(run)):
            return False
        return not self.expression or run_fits(
            self.expression, run.event, decode(run.output or "null"), run.received_at
        )

    def _has_text(self, run: Run) -> bool:
        wanted = self.text.casefold()
        error = "" if run.error is None else f"{run.error.name}: {run.error.message}"
        texts = (run.id, run.event.id, run.event.name, error, run.output or "")
        if any(wanted in each.casefold() for each in texts):
            return True
        return wanted in one_line_json(run.event.data, 100_000).casefold()


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """A page of runs. ``following`` is where the next page begins; ``looked_at`` is how many runs were read for it.

    ``unclear`` is for how many of them the expression cannot be evaluated.
    """

    runs: tuple[Run, ...]
    following: str | None
    looked_at: int
    unclear: int = 0


def search(choice: RunFilter, source: Source, limit: int, cursor: str = "") -> FoundRuns:
    """Return the runs that the filter takes, from the cursor on. Only the index of runs is read, and the runs in it."""
    found: list[Run] = []
    looked, unclear = 0, 0
    last: tuple[int, str] | None = None
    places = _places(choice, source, limit, _read_cursor(cursor))
    while some := list(islice(places, _BATCH if choice.looks_inside else limit + 1)):
        runs = source.lookups.store.runs.some([run_id for _, run_id in some])
        for place in some:
            run = runs.get(place[1])
            if len(found) == limit:
                return FoundRuns(tuple(found), _cursor(last), looked, unclear)
            looked, last = looked + 1, place
            try:
                if run is not None and choice.takes(run):
                    found.append(run)
            except MatchError:
                unclear += 1
        if choice.looks_inside and looked >= _LOOKED_AT:
            return FoundRuns(tuple(found), _cursor(last), looked, unclear)
    return FoundRuns(tuple(found), None, looked, unclear)


def search_and_count(
    choice: RunFilter, source: Source, limit: int, cursor: str = ""
) -> tuple[FoundRuns, Counter[str], int]:
    """Return a page of runs; how many of the newest runs have each status; of how many runs that is.

    The counts leave out the filter's status and what looks into runs. If the page does too, one reading gives both.
    """
    newest = _newest(RunFilter(function=choice.function, began=choice.began), source)
    counted = Counter(run.status.value for run in newest)
    if choice.status or choice.looks_inside or cursor:
        return search(choice, source, limit, cursor), counted, len(newest)
    last = (newest[limit - 1].started, newest[limit - 1].id) if len(newest) > limit else None
    return FoundRuns(tuple(newest[:limit]), _cursor(last), len(newest)), counted, len(newest)


def _newest(choice: RunFilter, source: Source) -> list[Run]:
    ids = [run_id for _, run_id in islice(_places(choice, source, COUNTED, None), COUNTED)]
    found = {
        run.id: run
        for first in range(0, len(ids), _AT_ONCE)
        for run in source.lookups.store.runs.some(ids[first:][:_AT_ONCE]).values()
    }
    return [found[run_id] for run_id in ids if run_id in found]


def by_id(text: str, source: Source) -> list[str]:
    """Return the ids of runs that begin with the text, if it may be the beginning of an id."""
    return source.lookups.run_ids(source.functions, text.upper()) if _ID.fullmatch(text) else []


def _places(choice: RunFilter, source: Source, page: int, before: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
    functions = (choice.function,) if choice.function else source.functions
    since, until = choice.began
    start = before if before is not None else (until + 1, "") if until < 10**15 else None
    for place, fits in source.lookups.store.queries.run_keys(functions, choice.statuses, page + 1, start):
        if place[0] < since:
            return
        if fits:
            yield place


def _moment(text: str, now: int, default: int) -> int:
    if not text:
        return default
    try:
        return now - milliseconds(text)
    except DurationError:
        pass
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        problem = f"{text[:80]!r} is not a time: write how long ago, such as 1h30m, or 2026-01-05T12:00."
        raise PageError(400, problem) from None


def _cursor(place: tuple[int, str] | None) -> str | None:
    return None if place is None else f"{place[0]}-{place[1]}"


def _read_cursor(text: str) -> tuple[int, str] | None:
    started, _, run_id = text.partition("-")
    return (int(started), run_id[:100]) if started.isdecimal() and len(started) < 16 and started.isascii() else None
