"""The environment of the Lambdas, built from the fields that they read it into."""

from __future__ import annotations

from dataclasses import fields
from typing import TypedDict

from tarry_backend.deploy.settings import Settings

__all__ = ["Tuning", "environment_of", "log_days_of"]


class Tuning(TypedDict, total=False):
    """The numbers among the Lambdas' ``Settings``, for those who want others than its defaults."""

    settle_seconds: int
    log_days: int
    run_days: int
    max_steps: int


def log_days_of(tuning: Tuning) -> int:
    """How long the Lambdas will keep events."""
    (default,) = (field.default for field in fields(Settings) if field.name == "log_days")
    assert isinstance(default, int)
    return tuning.get("log_days", default)


def environment_of(settings: Settings) -> dict[str, str]:
    """Every field as its variable. Values may be tokens, which stand for names known only when deployed."""
    return {Settings.variable(field.name): str(getattr(settings, field.name)) for field in fields(settings)}
