"""Lazy clients of AWS services, since botocore is slow to load."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

__all__ = ["ENVIRONMENT", "Place", "client", "load"]

_services: set[str] = set()
"""The services that have a client here."""

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
    """Return a class attribute that makes each instance's client on first use, from boto3's default session.

    Where nothing has imported boto3, the client is from a session of botocore.

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
        _services.add(service)
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
        from botocore.config import Config

        options: dict[str, Any] = {"region_name": place.region, "endpoint_url": place.endpoint}
        given = {name: value for name, value in options.items() if value is not None}
        if self._config:
            given["config"] = Config(**self._config)
        boto3 = sys.modules.get("boto3")
        new = (_session().create_client if boto3 is None else boto3.client)(self._service, **given)
        if self._made is not None:
            self._made(new)
        return new


def load() -> None:
    """Load what makes clients, and make none: a client has credentials, which no snapshot of a process may hold."""
    for module in ("botocore.client", "botocore.config", "botocore.session"):
        import_module(module)


@cache
def _session() -> Session:
    """Return the session of a process without boto3.

    boto3's default session makes the same clients, and may have settings of the user's code. But boto3 loads its
    resources and its file transfers as well: a twelfth of a Lambda's cold start.

    botocore would look for a client's service among all of AWS's, in some four hundred folders, and twice.
    """
    from botocore.session import get_session

    session = get_session()
    session.get_component("data_loader").list_available_services = lambda *_, **__: sorted(_services)
    return session
