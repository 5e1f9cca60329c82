"""The physical names of a stack's parts, where AWS or people need one. Each is derived from the stack's name.

Two stacks of one app may stand in one account and region, such as a test and a production stack. So no name comes from
the app alone.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["bus_name", "cut", "database_name", "default_stack_name", "workgroup_name"]

_BUS_LENGTH, _WORKGROUP_LENGTH, _DATABASE_LENGTH = 256, 128, 255
"""Source: the API references of EventBridge (CreateEventBus), Athena (CreateWorkGroup) and Glue (DatabaseInput)."""

_TAKEN = frozenset({"default", "primary"})
"""Every account has a bus and a workgroup of these names."""

_DIGITS = 8


def default_stack_name(app_id: str) -> str:
    """Return the name of an app's own stack. CloudFormation allows neither ``.`` nor ``_``."""
    return cut(f"tarry-{re.sub('[._]', '-', app_id)}", 128)


def bus_name(stack_name: str, app_id: str) -> str:
    """Return the name of the bus, for an app that names none.

    In the app's own stack it is ``tarry-<app id>``: a sender outside the stack looks for that name by default.
    """
    if stack_name == default_stack_name(app_id):
        return f"tarry-{app_id}"
    return cut(_free(stack_name), _BUS_LENGTH)


def workgroup_name(stack_name: str) -> str:
    """Return the name of the Athena workgroup."""
    return cut(_free(stack_name), _WORKGROUP_LENGTH)


def database_name(stack_name: str) -> str:
    """Return the name of the Glue database: Athena wants small letters, digits and ``_``.

    CloudFormation tells ``Shop`` and ``shop`` apart. So a name that loses its capitals gets a hash.
    """
    name = re.sub("[^a-z0-9]", "_", stack_name.lower())
    if name != stack_name.replace("-", "_"):
        name = f"{name}_{_digest(stack_name)}"
    return cut(name, _DATABASE_LENGTH, "_")


def cut(name: str, length: int, separator: str = "-") -> str:
    """Return the name, or its beginning and a hash of the whole if it has more than ``length`` characters."""
    if len(name) <= length:
        return name
    end = f"{separator}{_digest(name)}"
    return f"{name[: length - len(end)]}{end}"


def _free(name: str) -> str:
    return f"tarry-{name}" if name.lower() in _TAKEN else name


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
