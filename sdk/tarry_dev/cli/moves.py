"""The moves of the clocks of several apps, as if they were one clock."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from tarry_dev.bus_file import BusFile
from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Moves", "ask"]

_Moved = dict[str, "int | None"]
"""What ``POST /advance`` answers; see ``tarry_dev.cloud.advance.Moved``."""

_PROMPT = 3_000
"""By how many milliseconds a move to a timer goes past it at most."""

_PAUSE = 0.02
"""Seconds between two looks at the bus."""

_PATIENCE = 60
"""How many seconds an app may take for the events of the others."""

_LOOK: Mapping[str, Any] = {"by": 0}
"""A move by nothing: what is under way ends, and the answer says what comes next."""


def ask(url: str, body: Mapping[str, Any]) -> _Moved:
    """Have one app's clock moved; return the answer.

    Raises:
        CommandError: The clock was not moved.
    """
    request = urllib.request.Request(f"{url}/advance", json.dumps(body).encode(), method="POST")
    try:
        # No timeout: it takes as long as the bodies of steps that run on the way.
        with urllib.request.urlopen(request) as answer:
            moved: _Moved = json.load(answer)
            return moved
    except HTTPError as error:
        raise CommandError(json.load(error)["error"]) from error
    except OSError as error:
        raise CommandError(f"tarry dev at {url} ended before it answered ({error})") from error


class Moves:
    """Moves the clocks of the apps at these URLs, by their ids, in step. ``bus`` is the file of their events.

    All stop wherever something is due in one of them, and wait until what it has sent has reached the others:

        shop       sleeps a day ── sends
        billing    waits, for two days at most ── is resumed
        clocks     ── a day ──│ the event arrives │── another day: billing's deadline has no effect
    """

    def __init__(self, urls: Mapping[str, str], bus: Path) -> None:
        self._urls = urls
        self._bus = bus

    def by(self, span: int) -> _Moved:
        """Move all by that many milliseconds; return the first app's answer."""
        left, looks = span, self._settle()
        while (nearest := _nearest(looks)) is not None and nearest[1] + _PROMPT < left:
            left -= self._past(nearest[0])
            looks = self._settle()
        for url in self._urls.values():
            ask(url, {"by": max(0, left)})
        return self._answer(span)

    def to_next(self) -> _Moved:
        """Move all to the next timer of all; return the first app's answer."""
        if (nearest := _nearest(self._settle())) is None:
            raise CommandError(
                f"there is no next timer in {', '.join(self._urls)}: no run sleeps, waits or retries, and no cron is to"
                " come"
            )
        return self._answer(self._past(nearest[0]))

    def _past(self, app: str) -> int:
        """Move one app past its next timer, the others as far; return how far."""
        moved = ask(self._urls[app], {"next": True})["moved"] or 0
        for other, url in self._urls.items():
            if other != app:
                ask(url, {"by": moved})
        return moved

    def _settle(self) -> dict[str, _Moved]:
        """Wait until no app has anything to do now, and none has sent what another has not had; say what is next."""
        end = time.monotonic() + _PATIENCE
        while True:
            last, is_level = BusFile.standing(self._bus, self._urls)
            if is_level:
                looks = {app: ask(url, _LOOK) for app, url in self._urls.items()}
                if BusFile.standing(self._bus, self._urls) == (last, True):
                    return looks
            elif time.monotonic() > end:
                raise CommandError("an app does not take the events of the others: see what its tarry dev shows")
            time.sleep(_PAUSE)

    def _answer(self, moved: int) -> _Moved:
        first = next(iter(self._settle().values()))
        return {**first, "moved": moved}


def _nearest(looks: Mapping[str, _Moved]) -> tuple[str, int] | None:
    gaps = [(app, due - (look["now"] or 0)) for app, look in looks.items() if (due := look["next"]) is not None]
    return min(gaps, key=lambda each: each[1], default=None)
