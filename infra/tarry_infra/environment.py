"""The environment of the Lambdas, built from the fields of ``Settings``."""

from __future__ import annotations

from dataclasses import fields
from typing import TypedDict

from tarry_backend.deploy.settings import Settings

__all__ = ["Tuning", "environment_of", "log_days_of"]


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


def log_days_of(tuning: Tuning) -> int:
    """Return how many days the Lambdas keep events."""
    (default,) = (field.default for field in fields(Settings) if field.name == "log_days")
    assert isinstance(default, int)
    return tuning.get("log_days", default)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return every field as its variable. Values may be tokens, which are known only at deployment."""
    return {Settings.variable(field.name): str(getattr(settings, field.name)) for field in fields(settings)}
