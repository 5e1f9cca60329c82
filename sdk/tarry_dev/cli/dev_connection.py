"""The connection to a ``tarry dev``: to its app, or to all of several apps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_dev.cli.connection import Connection
from tarry_dev.cli.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["connect_dev"]


@contextmanager
def connect_dev(app: str | None, of_several: str | None = None) -> Iterator[Connection]:
    """Connect to the ``tarry dev`` that runs here: to the one app with this id, or to all of its apps.

    ``of_several`` is the app that is meant if there are several and ``app`` is none.
    """
    endpoints = Endpoint.find(app)
    if len(endpoints) > 1 and of_several is not None:
        endpoints = Endpoint.find(of_several)
    with endpoints[0].connect() as first:
        yield first if len(endpoints) == 1 else _joined(first, endpoints)


def _joined(first: Connection, endpoints: Sequence[Endpoint]) -> Connection:
    from tarry_backend.deploy.function_facts import read_facts
    from tarry_dev.cli.dev_lookups import DevLookups
    from tarry_dev.cli.joined_lookups import JoinedLookups

    functions = tuple(dict.fromkeys(each for endpoint in endpoints for each in endpoint.functions))
    facts = tuple(fact for endpoint in endpoints for fact in read_facts(endpoint.facts))
    lookups = JoinedLookups({endpoint.app: DevLookups(endpoint.url) for endpoint in endpoints})
    deployment = replace(first.deployment, functions=functions, dead_letters={}, facts=facts)
    urls = {endpoint.app: endpoint.url for endpoint in endpoints}
    return Connection(
        deployment, lookups, app_of=lookups.app_of, url_of=lambda run_id: urls.get(lookups.app_of(run_id) or "")
    )
