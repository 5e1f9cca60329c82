"""Tokens: what tells one change of an item from every other one."""

from __future__ import annotations

import secrets

__all__ = ["new_token"]


def new_token() -> str:
    """Return a text that no one else has."""
    return secrets.token_hex(6)
