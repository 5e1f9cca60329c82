"""``tarry advance``: the time of ``tarry dev`` moves on."""

from __future__ import annotations

import json
import urllib.request
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

from tarry_dev.cli.endpoint import Endpoint
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.times import Calendar

__all__ = ["advance_time"]


def advance_time(by: str | None, to_next: bool, stack: str | None, as_json: bool) -> None:
    """``tarry advance``."""
    if stack is not None:
        raise CommandError(
            f"the time of a stack on AWS ({stack}) cannot be moved: only tarry dev and the pytest fixture tarry can; "
            "leave --stack and TARRY_STACK out to move the time of the tarry dev of this folder"
        )
    if (by is None) != to_next:
        raise CommandError("say how far, such as tarry advance 3d, or to the next timer: tarry advance --next")
    moved = _ask(Endpoint.find().url, {"next": True} if to_next else {"by": int(by) if by and by.isdigit() else by})
    if as_json:
        print_json(moved)
        return
    now = Calendar(moved["now"]).at(moved["now"])
    screen().print(f"moved {_words(moved['moved'])}; it is now {now}, {_words(moved['ahead'])} ahead of real time")


def _ask(url: str, body: dict[str, Any]) -> dict[str, int]:
    request = urllib.request.Request(f"{url}/advance", json.dumps(body).encode(), method="POST")
    try:
        # No timeout: it takes as long as the bodies of steps that run on the way.
        with urllib.request.urlopen(request) as answer:
            moved: dict[str, int] = json.load(answer)
            return moved
    except HTTPError as error:
        raise CommandError(json.load(error)["error"]) from error
    except OSError as error:
        raise CommandError(f"tarry dev at {url} ended before it answered ({error})") from error


def _words(milliseconds: int) -> str:
    return str(timedelta(seconds=milliseconds // 1000))
