"""Clients of AWS's services, made when they are first needed: boto3 is slow to load."""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

__all__ = ["ENVIRONMENT", "Place", "client"]

# boto3's default session is not made for two threads that ask for their first clients. Nor is ``cached_property``,
# from Python 3.12 on, for two that ask for the same: each would get one of its own.
_one_at_a_time = Lock()


class Place(NamedTuple):
    """Where a service is: its endpoint and its region, where they are not those of the environment."""

    endpoint: str | None = None
    region: str | None = None


ENVIRONMENT = Place()
"""Where the environment says, as boto3 reads it."""


def client(service: str, **config: Any) -> Any:
    """For a class's body: the boto3 client of each instance, from boto3's default session, made once.

    The client is for the instance's ``_place``, if it has one. ``config`` are fields of botocore's ``Config``.
    """
    return _Client(service, config)


class _Client:
    def __init__(self, service: str, config: dict[str, Any]) -> None:
        self._service = service
        self._config = config

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        made = vars(instance)  # what stands there under the name is found before this is asked
        with _one_at_a_time:
            if self._name not in made:
                made[self._name] = self._make(getattr(instance, "_place", ENVIRONMENT))
        return made[self._name]

    def _make(self, place: Place) -> Any:
        import boto3
        from botocore.config import Config

        options: dict[str, Any] = {"region_name": place.region, "endpoint_url": place.endpoint}
        given = {name: value for name, value in options.items() if value is not None}
        if self._config:
            given["config"] = Config(**self._config)
        return boto3.client(self._service, **given)  # type: ignore[call-overload]
