"""``tarry pause``, ``drain``, ``resume``, ``limit`` and ``functions``: the flow of a function's runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from tarry_backend.api.queue_lengths import queue_document
from tarry_backend.clock import now
from tarry_backend.deploy.flow_facts import written_flow
from tarry_backend.model.moment import iso
from tarry_backend.queues.function_control import ControlError, check_control
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar
from tarry_dev.control_characters import one_line
from tarry_dev.queue_words import queue_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry import Concurrency
    from tarry_backend.model.control import Control, Limited
    from tarry_dev.cli.connection import Connection

__all__ = ["drain_function", "limit_function", "list_functions", "pause_function", "resume_function"]


def pause_function(function_id: str, stack: str | None, as_json: bool) -> None:
    """``tarry pause``."""
    with connect(stack) as tarry:
        _check(function_id, tarry)
        control = tarry.lookups.pause(function_id)
    _show(function_id, control, as_json, "pauses within ten seconds: its runs wait, and none is lost")


def drain_function(function_id: str, stack: str | None, as_json: bool) -> None:
    """``tarry drain``."""
    with connect(stack) as tarry:
        _check(function_id, tarry)
        control = tarry.lookups.drain(function_id)
    _show(
        function_id, control, as_json, "drains: within ten seconds it starts no more runs, and its present ones finish"
    )


def resume_function(function_id: str, stack: str | None, as_json: bool) -> None:
    """``tarry resume``."""
    with connect(stack) as tarry:
        _check(function_id, tarry)
        control = tarry.lookups.resume(function_id)
    _show(function_id, control, as_json, "goes on within half a minute, the earliest runs first")


def limit_function(
    function_id: str, limit: int | None, stack: str | None, as_json: bool, of: Limited = "concurrency"
) -> None:
    """``tarry limit``."""
    with connect(stack) as tarry:
        _check(function_id, tarry, limit=of)
        control = tarry.lookups.limit(function_id, limit, of)
    what = "" if of == "concurrency" else f" of its {of}"
    has = f"has its code's limit{what} again" if limit is None else f"has the limit {limit}{what}"
    _show(function_id, control, as_json, has)


def list_functions(stack: str | None, as_json: bool) -> None:
    """``tarry functions``."""
    with connect(stack) as tarry:
        found = {name: (tarry.is_pausable(name), tarry.limits(name), _control(name, tarry)) for name in tarry.functions}
        waiting = tarry.lookups.queue_lengths()
        starts = {name: (written_flow(tarry.flow(name)) or [{}])[0] for name in tarry.functions}
    if as_json:
        rows = {name: {**_document(name, *each), **starts[name]} for name, each in found.items()}
        queues = {name: [queue_document(length) for length in waiting.get(name, ())] for name in rows}
        print_json({"functions": [{**row, "waiting": queues[name]} for name, row in rows.items()]})
        return
    calendar = Calendar(now())
    table = Table("function", "limits", "starts", "state", "waiting", box=None)
    for name, (is_pausable, limits, control) in found.items():
        states = {"paused": control and control.paused, "draining": control and control.draining}
        state = ", ".join(name for name, since in states.items() if since) or ("" if is_pausable else "not pausable")
        limits_now = ", ".join(_text(each) for each in limits) + _now(control)
        table.add_row(
            name,
            limits_now,
            _starts(starts[name]) + _starts_now(control),
            state,
            queue_words(waiting.get(name, ()), calendar.at),
        )
    screen().print(table)


def _check(function_id: str, tarry: Connection, *, limit: Limited | None = None) -> None:
    try:
        check_control(function_id, tarry.functions, tarry.facts(function_id), limit=limit)
    except ControlError as error:
        raise CommandError(str(error)) from None


def _control(function_id: str, tarry: Connection) -> Control | None:
    return tarry.lookups.control(function_id) if tarry.is_pausable(function_id) else None


def _document(
    function_id: str, is_pausable: bool, limits: tuple[Concurrency, ...], control: Control | None
) -> dict[str, object]:
    return {
        "id": function_id,
        "pausable": is_pausable,
        "concurrency": [
            {"limit": each.limit, "key": each.key, "scope": each.scope, "hold": each.hold} for each in limits
        ],
        "limit_now": control and control.limit,
        "paused": iso(control.paused) if control else None,
        "draining": iso(control.draining) if control else None,
        **(control.starts_now if control else {}),
    }


def _text(limit: Concurrency) -> str:
    key = "" if limit.key is None else f" for each {limit.key}"
    scope = "" if limit.scope == "fn" else " in the app"
    return f"{limit.limit}{key}{scope}{' until the end' if limit.hold == 'run' else ''}"


def _starts(flow: Mapping[str, Mapping[str, object]]) -> str:
    """Return what limits the starts, such as ``rate_limit (limit 3, period 1m)``."""
    options = (
        f"{name} ({', '.join(f'{key} {one_line(str(value))}' for key, value in given.items())})"
        for name, given in flow.items()
    )
    return ", ".join(options)


def _now(control: Control | None) -> str:
    return "" if control is None or control.limit is None else f" (now {control.limit})"


def _starts_now(control: Control | None) -> str:
    now = {} if control is None else control.starts_now
    return "".join(f" ({name.removesuffix('_now')} now {limit})" for name, limit in now.items())


def _show(function_id: str, control: Control, as_json: bool, what: str) -> None:
    if as_json:
        since = {"paused": iso(control.paused), "draining": iso(control.draining)}
        print_json({"id": function_id, **since, "limit_now": control.limit, **control.starts_now})
    else:
        screen().print(f"function {function_id} {what}")
