"""The environment of the Lambdas, built from the fields of ``Settings``."""

from __future__ import annotations

from dataclasses import fields
from typing import TypedDict

from tarry._engine.whole_number import is_whole
from tarry.errors import UsageError
from tarry_backend.deploy.settings import Settings

__all__ = ["Tuning", "checked_tuning", "environment_of", "log_days_of"]


class Tuning(TypedDict, total=False):
    """The numbers among the Lambdas' ``Settings``, to override their defaults.

    Attributes:
        settle_seconds: The longest lag of the index that Tarry expects; 15 by default.
        log_days: How many days waits can look back for events; 7 by default.
        run_days: How many days ended runs are kept; 30 by default.
        max_steps: The most steps of one run; 1,000 by default.
    """

    settle_seconds: int
    log_days: int
    run_days: int
    max_steps: int


_LEAST = {"settle_seconds": 0, "log_days": 1, "run_days": 1, "max_steps": 1}


def checked_tuning(tuning: Tuning | None) -> Tuning:
    """Return the numbers; raise ``UsageError`` for one that the Lambdas could not read, or that is not theirs."""
    given = tuning or Tuning()
    for name, value in given.items():
        if name not in _LEAST:
            raise UsageError(f"tuning has no {name!r}: its numbers are {', '.join(_LEAST)}")
        if not is_whole(value, _LEAST[name]):
            raise UsageError(f"tuning: {name} is {value!r}; give a whole number from {_LEAST[name]}")
    return given


def log_days_of(tuning: Tuning) -> int:
    """Return how many days the Lambdas keep events."""
    (default,) = (field.default for field in fields(Settings) if field.name == "log_days")
    assert isinstance(default, int)
    return tuning.get("log_days", default)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return every field as its variable. Values may be tokens, which are known only at deployment."""
    return {Settings.variable(field.name): str(getattr(settings, field.name)) for field in fields(settings)}
