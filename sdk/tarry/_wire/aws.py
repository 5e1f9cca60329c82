"""Lazy clients of AWS services, since boto3 is slow to load."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ENVIRONMENT", "Place", "client"]

# boto3's default session is not safe when two threads ask for their first clients. Neither is ``cached_property``,
# from Python 3.12 on: each of two threads would get a client of its own.
_one_at_a_time = Lock()


class Place(NamedTuple):
    """A service's endpoint and region; ``None`` takes that of the environment."""

    endpoint: str | None = None
    region: str | None = None


ENVIRONMENT = Place()
"""The place that the environment gives, as boto3 reads it."""


def client(service: str, made: Callable[[Any], None] | None = None, **config: Any) -> Any:
    """Return a class attribute that makes each instance's boto3 client on first use, from the default session.

    The client is for the instance's ``_place``, if it has one.

    Args:
        service: The name that boto3 has for the service.
        made: Gets each new client before its first request.
        config: Fields of botocore's ``Config``.
    """
    return _Client(service, made, config)


class _Client:
    def __init__(self, service: str, made: Callable[[Any], None] | None, config: dict[str, Any]) -> None:
        self._service = service
        self._made = made
        self._config = config

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        made = vars(instance)  # once set, Python finds it there and skips __get__
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
        new = boto3.client(self._service, **given)  # type: ignore[call-overload]
        if self._made is not None:
            self._made(new)
        return new
