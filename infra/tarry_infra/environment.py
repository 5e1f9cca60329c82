"""The environment of the Lambdas, built from the fields that they read it into."""

from __future__ import annotations

from dataclasses import fields

from tarry_backend.settings import Settings

__all__ = ["environment_of"]


def environment_of(settings: Settings) -> dict[str, str]:
    """Every field as its variable. Values may be tokens, which stand for names known only when deployed."""
    return {Settings.variable(field.name): str(getattr(settings, field.name)) for field in fields(settings)}
