"""What the Lambdas ask of AWS while they run through stories on the embedded cloud."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from tarry import App
from tarry.signals import FUNCTION
from tarry_backend.store import traffic, wait_index
from tarry_backend.waits import lookup
from tarry_dev.cloud import Chaos, Cloud, Host
from tarry_dev.cloud.api import ask
from tarry_dev.cloud.crash import Invocation
from tests.aws_requests import AwsRequest, Bystander, requests_of
from tests.infra.call_sites import calling_line
from tests.infra.remote_stories import play_remote
from tests.infra.stories import Outside, play, play_deaths, shop

__all__ = ["Recorder"]

BOUNDS = ((traffic, "PER_SHARD", 3), (wait_index, "PAGE", 2), (lookup, "LOOK_EVENTS", 2))
"""Bounds that are met only with hundreds of events or waits, made small."""


class Recorder:
    """The distinct requests of the Lambdas, in the order of the first of each, and the lines that made them."""

    def __init__(self) -> None:
        self.requests: dict[AwsRequest, None] = {}
        self.lines: set[tuple[str, int]] = set()

    def of(self, function: str) -> list[AwsRequest]:
        """Return those of one Lambda."""
        return [each for each in self.requests if each.function == function]

    def play(self, audit: Path) -> None:
        """Run through all stories. ``audit`` is a folder for the audit trail."""
        with ExitStack() as life:
            patch = life.enter_context(pytest.MonkeyPatch.context())
            for module, name, value in BOUNDS:
                patch.setattr(module, name, value)
            life.enter_context(self._listens())
            with Cloud(shop(), audit=audit, run_days=1) as cloud:
                cloud.chaos = Chaos(processes=2)  # no Lambda knows what another has read
                play(Host(cloud), _ask, _outside(cloud))
            with Cloud(shop()) as cloud:
                play_deaths(cloud)
            play_remote()

    @contextmanager
    def _listens(self) -> Iterator[None]:
        carry_out = BaseClient._make_api_call  # type: ignore[attr-defined]

        def note(client: Any, operation: str, params: Any) -> Any:
            if asked := dict.fromkeys(requests_of(client, operation, params)):
                self.requests.update(asked)
                self.lines |= {line for line in [calling_line()] if line}
            return carry_out(client, operation, params)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", note)
            yield


def _ask(method: str, path: str, query: Mapping[str, str] | None = None, body: str | None = None) -> int:
    with Invocation("api", None, Bystander()):
        return ask(method, path, query, body)[0]


def _outside(cloud: Cloud) -> Outside:
    """A sender with another role: it invokes the signals Lambda."""

    def send(name: str, keep: str | None) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(FUNCTION, cloud.functions["signals"].function_name)
            return App("shop").send_signal(name, keep=keep)

    return send
