"""The signatures of requests and answers, and the canonical JSON (RFC 8785) that a request's signature covers."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from typing import Any
from urllib.parse import parse_qs

from tarry.errors import UsageError

__all__ = ["FRESH", "bearer_of", "canonical", "is_bearer", "is_signed", "is_signed_answer", "signature", "why_not_key"]

FRESH = 300
"""For how many seconds a signature counts, in both directions of time: SDKs use the same window."""

_KEY = re.compile(r"signkey-[A-Za-z0-9]+-((?:[0-9a-fA-F]{2})+)")
_EXACT = 2**53
_HALF = re.compile("[\ud800-\udfff]")


def why_not_key(key: str) -> str | None:
    """Why a text is no signing key; ``None`` if it is one."""
    return None if _KEY.fullmatch(key) else "a signing key is signkey-, a name, - and an even number of hex digits"


def signature(key: str, body: bytes, moment: int) -> str:
    """Return the header that signs a body at that moment (Unix seconds)."""
    return f"t={moment}&s={_digest(key, body, str(moment))}"


def is_signed(key: str, header: str, body: bytes, moment: int) -> bool:
    """Whether the header is a fresh signature of the body, by that key."""
    given = parse_qs(header)
    time, digest = "".join(given.get("t", [])), "".join(given.get("s", []))
    if not re.fullmatch("[0-9]{1,12}", time) or abs(moment - int(time)) > FRESH:
        return False
    return hmac.compare_digest(digest.encode("utf-8", "surrogatepass"), _digest(key, body, time).encode())


def is_signed_answer(key: str, header: str, body: bytes, moment: int) -> bool:
    """Whether the header is a fresh signature of an answer. Go's SDK signs it without the newline that ends it."""
    return any(is_signed(key, header, each, moment) for each in dict.fromkeys((body, body.removesuffix(b"\n"))))


def bearer_of(key: str) -> str:
    """Return the hash by which an SDK that knows the key calls Tarry."""
    return hashlib.sha256(bytes.fromhex(_secret(key))).hexdigest()


def is_bearer(key: str, header: str) -> bool:
    """Whether the header ``Authorization`` comes from an SDK that knows the key. Some SDKs add the key's prefix."""
    given = header.removeprefix("Bearer ").rpartition("-")[2]
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), bearer_of(key).encode())


def canonical(value: object) -> bytes:
    """Return the value as the one JSON text that RFC 8785 allows for it.

    Raises:
        UsageError: It holds an infinite number, which JSON of other languages does not have.
    """
    return _written(value).encode()


def _digest(key: str, body: bytes, time: str) -> str:
    return hmac.new(_secret(key).encode(), body + time.encode(), hashlib.sha256).hexdigest()


def _secret(key: str) -> str:
    found = _KEY.fullmatch(key)
    if found is None:
        raise UsageError(f"the signing key cannot be used: {why_not_key(key)}")
    return found.group(1)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(name)}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return str(value)
    return _number(value) if isinstance(value, int | float) else _text(value)


def _text(value: str) -> str:
    """Write a text. Half of a surrogate pair is escaped, as JavaScript does: its apps alone answer with one."""
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))


def _number(value: float) -> str:
    """Write a number as JavaScript does: all numbers are doubles, and exponents begin at 1e21 and below 1e-6."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UsageError("an infinite number cannot be sent to an app of another language")
    if number == 0:
        return "0"
    sign, digits, point = _parts(number)
    if 0 < point <= 21:
        whole = digits[:point].ljust(point, "0")
        return f"{sign}{whole}" + (f".{digits[point:]}" if digits[point:] else "")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{sign}{digits[0]}" + (f".{digits[1:]}" if digits[1:] else "") + exponent


def _parts(number: float) -> tuple[str, str, int]:
    """Return the sign, the fewest digits that name the double, and where the point stands among them."""
    shortest = repr(number)
    if "e" not in shortest:
        mantissa, exponent = shortest, 0
    else:
        mantissa, _, power = shortest.partition("e")
        exponent = int(power)
    sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + exponent
    leading = len(digits) - len(digits.lstrip("0"))
    return sign, digits.strip("0"), point - leading
