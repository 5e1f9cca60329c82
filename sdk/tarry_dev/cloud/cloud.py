"""The embedded cloud: Tarry's stack in this process, on moto."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from threading import RLock
from typing import TYPE_CHECKING, Self

from tarry.durations import deadline
from tarry.errors import UsageError
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import QUEUES, Queue
from tarry_backend.runtime import host
from tarry_dev.cloud.account import account, forget_clients
from tarry_dev.cloud.audit import Audit, stream_of
from tarry_dev.cloud.chaos import CALM, Chaos, Odds, check
from tarry_dev.cloud.clock import Clock, MovedClock, RealClock
from tarry_dev.cloud.durable import keep
from tarry_dev.cloud.function import lambda_functions
from tarry_dev.cloud.lambda_service import LambdaService
from tarry_dev.cloud.mirror import Mirror
from tarry_dev.cloud.moto_events import as_aws_service
from tarry_dev.cloud.pump import Pump
from tarry_dev.cloud.punctual import make_punctual
from tarry_dev.cloud.queue import LocalQueue
from tarry_dev.cloud.resources import NAME, QueuePair, make_bus, make_queues, make_settings, make_store
from tarry_dev.cloud.schedules import Schedules
from tarry_dev.cloud.sweep import Sweep
from tarry_dev.entries import put_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from moto.sqs.models import Message as StoredMessage
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry import App
    from tarry.durations import Timeout
    from tarry.eventtypes import Sendable
    from tarry_dev.cloud.crash import Call
    from tarry_dev.cloud.function import Handler
    from tarry_dev.cloud.message import Delivery, Message
    from tarry_dev.cloud.queue import Observer
    from tarry_dev.cloud.server import Server

__all__ = ["Cloud"]

_READERS = {"events": "matcher", "runs": "executor", "timers": "timers"}

_PROMPT = 3_000
"""Within how many milliseconds whatever is due has happened, unless something delays it."""


class Cloud:
    """An app, deployed into an AWS account inside this process. The account ends with the ``with`` block.

    The deployed handlers receive messages from moto's queues, in Lambda's form, and write to moto's table and bucket.
    Within the block, every boto client uses that account, also those of your code. A process has one cloud at a time.

    Nothing moves by itself: ``pump`` delivers what can be delivered now, ``advance`` lets time pass. With the default
    clock, a ``MovedClock``, days pass in milliseconds. With a ``RealClock`` they take days, and ``serve`` keeps the
    cloud moving in the background.

    Args:
        app: The app.
        clock: The cloud's clock.
        region: The AWS region.
        handlers: Handlers in place of deployed ones, by the function's name.
        on_delivery: An observer of each invocation.
        max_deliveries: The most batches between two moves of the clock.
        audit: A folder for the audit trail as Parquet files. The last one is written at the end of the ``with`` block.
        punctual: Sleeps and deadlines end to the millisecond. By default they end up to two seconds late, as on AWS.
        kept_in: A file in which table, queues and bucket survive the process. By default they are in memory alone.
        **settings: Fields of ``tarry_backend.deploy.settings.Settings`` that have a default, such as
            ``settle_seconds``.

    Attributes:
        queues: The queues events, runs and timers, for tests that deliver messages themselves.
        functions: The functions matcher, executor, timers, sweep and signals, for tests that set a function's remaining
            time. A sender whose ``TARRY_SIGNALS`` is the last one's ``function_name`` invokes it.
    """

    def __init__(
        self,
        app: App,
        *,
        clock: Clock | None = None,
        region: str = "us-east-1",
        on_delivery: Observer | None = None,
        handlers: Mapping[str, Handler] | None = None,
        max_deliveries: int = 10_000,
        audit: Path | None = None,
        punctual: bool = False,
        kept_in: Path | None = None,
        **settings: int | str,
    ) -> None:
        self.app = app
        self.clock: Clock = clock or MovedClock()
        self.region = region
        self._odds = Odds()
        self.functions = lambda_functions(app.id, region, handlers or {}, self.clock, self._odds)
        self._observers = [on_delivery] if on_delivery else []
        self._observing = RLock()
        self._limit = max_deliveries
        self._lambdas = LambdaService(self.functions["signals"])
        self._audit = Audit(audit, self.clock) if audit else None
        self._punctual, self._kept_in, self._overrides = punctual, kept_in, settings
        self._life = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as life:
            self.clock.start()
            life.callback(self.clock.stop)
            life.callback(self._odds.set, CALM)
            if self._audit:
                life.enter_context(self._audit.opened())
            self._mirror = life.enter_context(closing(Mirror(self._kept_in))) if self._kept_in else None
            at_aws = self._mirror.calls(self.clock.true) if self._mirror else self.clock.true
            self.clients = life.enter_context(account(self.region, at_aws))
            forget_clients(self.app)
            life.callback(forget_clients, self.app)
            self._deploy()
            life.callback(self._pump.close)
            life.enter_context(self._lambdas.answers())
            host(self.app)
            life.callback(host, None)
            self._life = life.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._life.close()

    @property
    def chaos(self) -> Chaos:
        """What AWS may do at any time; by default it does nothing of it. Setting it needs a ``MovedClock``."""
        return self._odds.chaos

    @chaos.setter
    def chaos(self, chaos: Chaos) -> None:
        check(chaos, self.clock, self.functions)
        self._odds.set(chaos)
        self._table.index_lag = chaos.index_lag * 1000

    def send(self, events: Sendable | Iterable[Sendable]) -> list[str]:
        """Put events on the bus as the app does; return their ids."""
        return self.app.send_sync(events)

    def put_events(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> list[str]:
        """Put raw EventBridge entries; return EventBridge's ids.

        Without an ``EventBusName`` they go to the app's bus. An entry may have a source of AWS's services, such as
        ``aws.s3``, which AWS refuses from anybody else.

        Raises:
            SendError: The bus refused some of them.
        """
        placed: list[PutEventsRequestEntryTypeDef] = [{"EventBusName": self.bus, **each} for each in entries]
        with as_aws_service():
            return put_entries(placed, self.clients.events)

    def pump(self) -> int:
        """Deliver messages, oldest first, until nothing can be delivered now; return the number of batches.

        A message that a function fails to handle comes back after the visibility timeout, in the end as a dead letter.

        Raises:
            EndlessError: ``max_deliveries`` batches were not enough.
        """
        return self._pump.run()

    def advance(self, time: Timeout) -> int:
        """Let time pass: a ``timedelta``, ``"3d"``, milliseconds, or up to a ``datetime``; return the batches' number.

        The clock stops at each moment at which something happens: a message becomes visible, the minute sweep finds
        something, or a cron fires. Everything that can be delivered then is delivered.
        """
        return self._pump.advance(deadline(time, self.clock.now()))

    def catch_up(self, slack: int = 0) -> int:
        """Complete what is due within ``slack`` milliseconds, for which the clock may move three seconds.

        It returns the number of batches. Exactly at its deadline a wait is still open.
        """
        return self._pump.catch_up(_PROMPT, min(slack, _PROMPT))

    @property
    def next_moment(self) -> int | None:
        """When something happens next, in Unix milliseconds, or ``None``. Held queues do not count."""
        return self._pump.next_moment

    @contextmanager
    def hold(self, *names: str) -> Iterator[None]:
        """Within it, the messages of these queues stay in them."""
        with ExitStack() as held:
            for name in names:
                held.enter_context(self.queues[name].hold())
            yield

    @contextmanager
    def dies(self, when: Callable[[Call], bool], *, function: str | None = None) -> Iterator[None]:
        """Within it, a function dies at the first AWS call for which ``when`` is true, as a killed Lambda does.

        Nothing that it does after that reaches AWS. Its messages come back after the visibility timeout.

        Args:
            when: A function of a ``Call``. It is called before each call is sent, and again after it was carried out.
            function: The one function that may die; by default each may.
        """
        chosen = [self.functions[function]] if function else list(self.functions.values())
        before = [each.dies for each in chosen]
        for each in chosen:
            each.dies = when
        try:
            yield
        finally:
            for each, old in zip(chosen, before, strict=True):
                each.dies = old

    def dead_letters(self, name: str) -> list[Message]:
        """Return the messages of a queue's dead-letter queue."""
        return self.queues[name].dead_letters

    def redrive(self, name: str) -> int:
        """Put a queue's dead letters back into it; return their number."""
        return self.queues[name].redrive()

    def observe(self, observer: Observer) -> None:
        """Add an observer of each invocation."""
        self._observers.append(observer)

    def expire(self) -> int:
        """Remove expired items from the table, as DynamoDB does within days; return their number."""
        expired = self._table.expired()
        self._table.expire(expired)
        return len(expired)

    def sweep(self) -> None:
        """Call the minute sweep now."""
        self._sweep.run()

    def serve(self, port: int = 0, allowed_hosts: Iterable[str] = (), listener: int | None = None) -> Server:
        """Return a server of this cloud on ``http://localhost:<port>``, for the AWS CLI, SDKs and curl.

        Enter it with ``with``. Within it the cloud moves by itself, in real time: it needs a ``RealClock``. It refuses
        web pages of other machines, but for those of ``allowed_hosts``. ``listener`` is a socket to take over,
        in place of ``port``: see ``Server.hand_over``.
        """
        from tarry_dev.cloud.callers import Callers
        from tarry_dev.cloud.server import Server

        if not isinstance(self.clock, RealClock):
            raise UsageError("a cloud can be served only in real time: make it with clock=RealClock()")
        callers = Callers(allowed_hosts)
        parts = self._pump, self._sweep, self._schedules
        return Server(self, *parts, port, self._lambdas, self._audit, callers, listener)

    def _deploy(self) -> None:
        """Makes the resources, and the environment that tells the functions of them."""
        self._table = make_store(self.clients)
        pairs = make_queues(self.clients, self._take_in)
        self.bus = self.app.bus.name
        if self._mirror:
            keep(self._mirror, self.region, NAME, self._table, pairs.values())
        taker = self._audit.take if self._audit else None
        make_bus(self.clients, self.bus, pairs["events"].queue.queue_arn, taker)
        self.settings = make_settings(self.bus, pairs, self._overrides, stream_of(self.region) if self._audit else None)
        os.environ.update({Settings.variable(name): str(value) for name, value in asdict(self.settings).items()})
        self.queues = {spec.name: self._queue(spec, pairs[spec.name]) for spec in QUEUES}
        self._sweep = Sweep(self.functions["sweep"], self._table, self.clock, self.region, self._observe)
        self._schedules = Schedules(self.app, self.clock, self.put_events)
        self._pump = Pump(self.clock, [*self.queues.values()], self._sweep, self._schedules, self._limit, self._odds)

    def _queue(self, spec: Queue, pair: QueuePair) -> LocalQueue:
        return LocalQueue(
            spec,
            stored=pair.queue,
            dead=pair.dead,
            client=self.clients.sqs,
            function=self.functions[_READERS[spec.name]],
            observe=self._observe,
            odds=self._odds,
        )

    def _take_in(self, message: StoredMessage) -> None:
        """A queue has a new message, or a dead letter. A standard queue may take its time."""
        self.clock.tick()
        if self._punctual and self.chaos is CALM:
            make_punctual(message, self.clock.now())
        if message.group_id is None and not message.approximate_receive_count and (late := self._odds.lateness()):
            message.delayed_until = max(message.delayed_until, self.clock.now()) + late
        self._pump.wake()

    def _observe(self, delivery: Delivery) -> None:
        self._table.expire(self._odds.expiring(self._table.expired))
        with self._observing:  # in a served cloud runs go side by side
            for observer in self._observers:
                observer(delivery)
