"""Clients of AWS's services, made when they are first needed: boto3 is slow to load."""

from __future__ import annotations

from threading import Lock
from typing import Any

__all__ = ["client"]

# boto3's default session is not made for two threads that ask for their first clients. Nor is ``cached_property``,
# from Python 3.12 on, for two that ask for the same: each would get one of its own.
_one_at_a_time = Lock()


def client(service: str) -> Any:
    """For a class's body: the boto3 client of each instance, from boto3's default session, made once."""
    return _Client(service)


class _Client:
    def __init__(self, service: str) -> None:
        self._service = service

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        import boto3

        made = vars(instance)  # what stands there under the name is found before this is asked
        with _one_at_a_time:
            if self._name not in made:
                made[self._name] = boto3.client(self._service)  # type: ignore[call-overload]
        return made[self._name]
