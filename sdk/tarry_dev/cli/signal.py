"""``tarry signal``: sends a signal, and shows the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tarry import SignalReceipt, SignalStatus
from tarry_backend.api.documents import receipt_document
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from tarry_dev.cli.connection import Connection

__all__ = ["send_signal"]


def send_signal(
    name: str, data: Any, signal_id: str | None, keep: str | None, stack: str | None, as_json: bool
) -> None:
    """Send the signal. Exit code 1 if no run waits for it, and it is not kept."""
    with connect(stack) as tarry:
        receipt = tarry.lookups.signal(name, data, signal_id, keep)
        words = _words(name, receipt, tarry)
    if as_json:
        print_json(receipt_document(receipt))
    else:
        screen().print(one_line(words))
    if receipt.status is SignalStatus.NOBODY_WAITS:
        raise typer.Exit(1)


def _words(name: str, receipt: SignalReceipt, tarry: Connection) -> str:
    match receipt.status:
        case SignalStatus.DELIVERED:
            return f"signal {name} was delivered to {_run(receipt, tarry)}"
        case SignalStatus.KEPT:
            return f"no run waits for signal {name} yet; it is kept until {receipt.kept_until:%Y-%m-%d %H:%M:%S} UTC"
        case SignalStatus.DUPLICATE:
            to = f", to {_run(receipt, tarry)}" if receipt.run_id else ""
            return f"signal {name} was already sent with id {receipt.id}{to}: this one changes nothing"
        case SignalStatus.NOBODY_WAITS:
            return (
                f"no run waits for signal {name}, so it was dropped; --keep 1h keeps it for a wait that begins by then"
            )


def _run(receipt: SignalReceipt, tarry: Connection) -> str:
    snapshot = tarry.lookups.snapshot(receipt.run_id or "")
    return f"run {receipt.run_id}" + (f" of {snapshot.run.function_id}" if snapshot else "")
