"""A signal on its way, and the answer to it: the one form that the sender and the signals Lambda share.

    request   {"name": "approval/7", "data": "{\"granted\":true}", "id": "click-1", "keep": 3600000, "call": "01K..."}
    answer    {"receipt": {"status": "kept", "id": "click-1", "run_id": null, "kept_until": 1790000000000}}
              {"error": {"name": "LimitError", "message": "..."}}

``data`` is JSON as text, so that no parser on the way changes a number or a character. ``keep`` is in milliseconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from tarry._wire.declaredtypes import writer_of
from tarry._wire.jsonvalues import decode, encode
from tarry._wire.limits import MAX_ID, why_not_id
from tarry._wire.limits import MAX_SIGNAL_DATA as MAX_DATA
from tarry._wire.limits import MAX_SIGNAL_NAME as MAX_NAME
from tarry.durations import milliseconds
from tarry.errors import DurationError, LimitError, OutputError, SignalError, TarryError, UsageError
from tarry.event import new_id
from tarry.signalreceipt import SignalReceipt, SignalStatus

if TYPE_CHECKING:
    from tarry.durations import Duration

__all__ = ["MAX_DATA", "MAX_NAME", "SignalRequest", "answer_document", "check_signal", "error_document", "read_answer"]

_MAX_TEXT = 6 * MAX_DATA
"""The longest ``data`` of a request, in characters: the SDK writes one character of two bytes as six."""

_MAX_CALL = 64

_FIELDS = {"name", "data", "id", "keep", "call"}

_KINDS = {each.__name__: each for each in (DurationError, LimitError, OutputError, SignalError, UsageError)}
"""The errors that an answer may carry. Its sender raises the same one."""


@dataclass(frozen=True, slots=True)
class SignalRequest:
    """One call of ``app.send_signal``, checked.

    Attributes:
        name: The signal's name.
        data: A JSON value, as the run will get it.
        id: The signal's id.
        keep: How long to keep the signal for a later wait, in milliseconds.
        call: The mark of this call. A client that lost the answer sends the same call again, and gets the same answer.
    """

    name: str
    data: Any
    id: str
    keep: int | None = None
    call: str = field(default_factory=new_id)

    @classmethod
    def of(cls, name: object, data: Any, signal_id: object = None, keep: Duration | None = None) -> Self:
        """Check what a sender gave.

        Raises:
            UsageError: The name, the id or ``keep`` cannot be used.
            OutputError: The data are not JSON, or are nested too deeply.
            LimitError: The data are too large.
        """
        checked = check_signal(name)
        span = None if keep is None else _checked_keep(checked, keep)
        return cls(checked, _checked_data(checked, data), _checked_id(signal_id), span)

    @classmethod
    def parse(cls, document: object) -> Self:
        """Check a request that came from outside, which the SDK need not have written. Raises as ``of`` does."""
        if not isinstance(document, dict):
            raise UsageError(f"a signal's request is {type(document).__name__}; give a JSON object with a name")
        if unknown := sorted(map(str, document.keys() - _FIELDS)):
            raise UsageError(f"a signal has no field {unknown[0][:80]!r}; its fields are {', '.join(sorted(_FIELDS))}")
        name, keep = check_signal(document.get("name")), document.get("keep")
        if keep is not None and type(keep) is not int:
            raise UsageError(f"signal {name!r}: keep is {type(keep).__name__}; give whole milliseconds")
        request = cls.of(name, _parsed(name, document.get("data")), document.get("id"), keep)
        call = document.get("call")
        if call is None:
            return request
        if not isinstance(call, str) or not 0 < len(call) <= _MAX_CALL or not call.isascii():
            raise UsageError(f"signal {name!r}: call is {str(call)[:80]!r}; give 1 to {_MAX_CALL} ASCII characters")
        return cls(request.name, request.data, request.id, request.keep, call)

    def text(self) -> str:
        """The request as JSON, all in ASCII."""
        data = json.dumps(self.data, separators=(",", ":"))
        return json.dumps({"name": self.name, "data": data, "id": self.id, "keep": self.keep, "call": self.call})


def check_signal(name: object) -> str:
    """Return the name if a signal may have it; else raise ``UsageError``. Senders and waits share this rule."""
    try:
        fits = isinstance(name, str) and 0 < len(name.encode()) <= MAX_NAME
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise UsageError(f"signal name {str(name)[:80]!r}: give a string of 1 to {MAX_NAME} bytes")
    assert isinstance(name, str)
    return name


def answer_document(receipt: SignalReceipt) -> dict[str, Any]:
    """The answer that carries a receipt."""
    until = receipt.kept_until
    fields = {
        "status": receipt.status.value,
        "id": receipt.id,
        "run_id": receipt.run_id,
        "kept_until": None if until is None else round(until.timestamp() * 1000),
    }
    return {"receipt": fields}


def error_document(error: TarryError) -> dict[str, Any]:
    """The answer that carries an error. Lambda writes an answer in UTF-8, which has no half of a surrogate pair."""
    message = str(error).encode("utf-8", "backslashreplace").decode()
    return {"error": {"name": type(error).__name__, "message": message}}


def read_answer(document: Any) -> SignalReceipt:
    """Return the receipt; raise the error that the answer carries. ``KeyError`` or the like if it is no answer."""
    if error := document.get("error"):
        raise _KINDS.get(error["name"], SignalError)(error["message"])
    fields = document["receipt"]
    until = fields["kept_until"]
    moment = None if until is None else datetime.fromtimestamp(until / 1000, UTC)
    return SignalReceipt(SignalStatus(fields["status"]), fields["id"], fields["run_id"], moment)


def _parsed(name: str, text: object) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise UsageError(f"signal {name!r}: data is {type(text).__name__}; give JSON as text")
    if len(text) > _MAX_TEXT:
        raise LimitError(f"signal {name!r}: data has {len(text):,} characters; give at most {MAX_DATA:,} bytes of JSON")
    try:
        return decode(text)
    except (ValueError, RecursionError) as error:
        raise OutputError(f"signal {name!r}: data is not JSON: {error}") from error


def _checked_id(signal_id: object) -> str:
    if signal_id is None:
        return new_id()
    if not isinstance(signal_id, str) or why_not_id(signal_id):
        raise UsageError(f"signal id {str(signal_id)[:80]!r}: give a string of 1 to {MAX_ID} bytes")
    return signal_id


def _checked_data(name: str, data: Any) -> Any:
    """Return the data after a round trip through JSON, as the run will get them."""
    text = encode({} if data is None else data, f"signal {name!r}: data", written=writer_of(data))
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_DATA:
        raise LimitError(f"signal {name!r}: data has {size:,} bytes of JSON; give at most {MAX_DATA:,}")
    return decode(text)


def _checked_keep(name: str, keep: Duration) -> int:
    span = milliseconds(keep)
    if span <= 0:
        raise DurationError(f"signal {name!r}: keep={keep!r} must be above zero; give a duration such as '1h'")
    return span
