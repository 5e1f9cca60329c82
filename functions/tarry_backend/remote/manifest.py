"""What an app's sync brings, as functions of Tarry. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from tarry._engine.combination import check_combination
from tarry._engine.declaration import checked_cancels, checked_concurrency, checked_function
from tarry.cancel import Cancel, Timeouts
from tarry.concurrency import Concurrency
from tarry.errors import TarryError, UsageError
from tarry.function import Function, Retries
from tarry.triggers import TriggerCron, TriggerEvent
from tarry_backend.remote.flow_options import flow_of
from tarry_backend.remote.ops import moment_of
from tarry_backend.remote.states import name_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tarry._engine.flow import Flow
    from tarry.triggers import Trigger
    from tarry_backend.replay import Driver

__all__ = ["AppManifest", "SyncError", "read_manifest"]

T = TypeVar("T")

_RETRIES = 4
"""How often a step is retried whose function says nothing: the server's number, which SDKs leave out."""

_FUNCTION_ONLY = "fn"


class SyncError(UsageError):
    """A sync that is refused as a whole. ``reasons`` are all that is wrong."""

    def __init__(self, app_id: str, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(f"the sync of app {app_id!r} is refused: {'; '.join(self.reasons)}")


@dataclass(frozen=True, slots=True)
class AppManifest:
    """A remote app as it was synced: plain data, which the table holds.

    Attributes:
        id: The app's id.
        url: Where its SDK answers: an address, or the ARN of a Lambda with a path behind ``#``.
        sdk: Its SDK and version, such as ``inngest-js:v4.24.0``.
        functions: Its functions as the SDK describes them.
    """

    id: str
    url: str
    sdk: str
    functions: tuple[Mapping[str, Any], ...]

    @property
    def is_go(self) -> bool:
        """Whether its SDK is Go's, which does less than the others: see ``RemoteHandler``."""
        return self.sdk.startswith(("go:", "inngest-go:"))

    def text(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps([self.id, self.url, self.sdk, list(self.functions)], separators=(",", ":"), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> AppManifest:
        """Return the manifest that ``text`` wrote."""
        app_id, url, sdk, functions = json.loads(text)
        return cls(app_id, url, sdk, tuple(functions))

    def tarry_functions(self, stack_app: str, handler: Driver, *, checked: bool = True) -> dict[str, Function]:
        """Return the functions by their ids.

        Args:
            stack_app: The id of the stack's app, which Tarry's own events come from.
            handler: What drives the runs.
            checked: Whether expressions are compiled: a sync has done that for what is stored.

        Raises:
            SyncError: A function asks for what Tarry would do otherwise, silently. The error has every reason.
        """
        reasons: list[str] = []
        found: dict[str, Function] = {}
        for described in self.functions:
            reader = _FunctionReader(described, stack_app, handler, checked=checked)
            function = reader.function()
            reasons += reader.reasons
            if function is not None and function.id in found:
                reasons.append(f"function {function.id!r} is there twice")
            elif function is not None:
                found[function.id] = function
        if reasons:
            raise SyncError(self.id, reasons)
        return found


def read_manifest(report: Any, url: str, sdk: str) -> AppManifest:
    """Return the manifest in an app's answer to an in-band sync, or in what an app sends to ``/fn/register``.

    Raises:
        SyncError: It is no such report.
    """
    if not isinstance(report, dict):
        raise SyncError("?", ["what the app sends is no JSON object"])
    app_id = report.get("app_id") or report.get("appName") or report.get("appname")
    functions = report.get("functions")
    if not isinstance(app_id, str) or not app_id or not isinstance(functions, list):
        raise SyncError(str(app_id), ["what the app sends has no app id, or no functions"])
    if not all(isinstance(each, dict) for each in functions):
        raise SyncError(app_id, ["a function is no JSON object"])
    return AppManifest(app_id, url, sdk or str(report.get("sdk") or ""), tuple(functions))


class _FunctionReader:
    """Reads one function, and gathers what is wrong with it."""

    def __init__(self, described: Mapping[str, Any], stack_app: str, handler: Driver, *, checked: bool) -> None:
        self._checked = checked
        self._given = described
        self._stack_app = stack_app
        self._handler = handler
        self.reasons: list[str] = []
        self._id = str(described.get("id") or "")

    def function(self) -> Function | None:
        """Return the function; ``None`` if there are reasons against it."""
        flow = self._asked(lambda: flow_of(self._given), "flow control")
        triggers = self._asked(self._triggers, "triggers")
        cancels = self._asked(self._cancels, "cancelOn")
        limits = self._asked(lambda: checked_concurrency(self._id, self._limits()), "concurrency")
        timeouts = self._asked(self._timeouts, "timeouts")
        retries = self._asked(self._retries, "retries")
        once = self._given.get("idempotency") or None
        name = self._asked(lambda: checked_function(self._id), "id")
        parts = (triggers, cancels, limits, timeouts, retries, name, flow)
        if self.reasons or None in parts:
            return None
        assert triggers is not None
        assert cancels is not None
        assert limits is not None
        assert timeouts is not None
        assert retries is not None
        assert flow is not None
        self._asked(lambda: self._check_combination(limits, timeouts, once, flow), "options")
        if self._checked:
            self._asked(lambda: self._check(triggers, cancels, limits, once, flow), "expressions")
        return Function(
            id=self._id,
            app_id=self._stack_app,
            handler=self._handler,
            triggers=triggers,
            retries=retries,
            cancels=cancels,
            timeouts=timeouts,
            idempotency=once,
            name=str(self._given.get("name") or self._id),
            concurrency=limits,
            dialect="inngest",
            flow=flow,
            pausable=True,  # its SDK has no such option, and each replay calls the app: a read now and then is nothing
        )

    def _asked(self, read: Callable[[], T], what: str) -> T | None:
        try:
            return read()
        except (TarryError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            told = str(error) if isinstance(error, TarryError) else f"it cannot be read ({error!r})"
            prefix = "" if self._id and self._id in told else f"function {self._id!r}: {what}: "
            self.reasons.append(f"{prefix}{told}")
            return None

    def _triggers(self) -> tuple[Trigger, ...]:
        return tuple(map(_trigger, self._given.get("triggers") or ()))

    def _cancels(self) -> tuple[Cancel, ...]:
        given = self._given.get("cancel") or ()
        return checked_cancels(self._id, [_cancel(each) for each in given])

    def _limits(self) -> list[Concurrency] | None:
        given = self._given.get("concurrency")
        if isinstance(given, dict) and ("fn" in given or "step" in given) and "limit" not in given:
            given = [*(given.get("fn") or ()), *(given.get("step") or ())]
        several = given if isinstance(given, list) else [] if given is None else [given]
        limits = [_limit(each) for each in several]
        return [limit for limit in limits if limit is not None] or None

    def _timeouts(self) -> Timeouts:
        given = self._given.get("timeouts") or {}
        start, finish = (moment_of(str(given[n]), 0) if given.get(n) else None for n in ("start", "finish"))
        return Timeouts(start=start, finish=finish)

    def _retries(self) -> Retries:
        step = (self._given.get("steps") or {}).get("step") or {}
        attempts = (step.get("retries") or {}).get("attempts")
        return Retries(_RETRIES if attempts is None else int(attempts))

    def _check_combination(
        self, limits: tuple[Concurrency, ...], timeouts: Timeouts, once: str | None, flow: Flow
    ) -> None:
        given = {
            "cron": any("cron" in each for each in self._given.get("triggers") or ()),
            "cancel": self._given.get("cancel"),
            "timeouts": timeouts != Timeouts(),
            "concurrency": limits,
            "idempotency": once,
        }
        check_combination(self._id, {**given, **{each.name: getattr(flow, each.name) for each in fields(flow)}})

    def _check(
        self,
        triggers: tuple[Trigger, ...],
        cancels: tuple[Cancel, ...],
        limits: tuple[Concurrency, ...],
        once: str | None,
        flow: Flow,
    ) -> None:
        """Check the expressions as where a function of Tarry's own is created."""
        from tarry._cel.declarations import check_declarations  # the grammar loads slowly

        values = dict(flow.keys) if once is None else {"idempotency": once, **flow.keys}
        values |= {f"key of concurrency {place}": each.key for place, each in enumerate(limits, 1) if each.key}
        events = [each for each in triggers if isinstance(each, TriggerEvent)]
        owner = f"function {self._id!r}"
        only_events = len(events) == len(triggers)
        check_declarations(owner, events, cancels, values, only_events=only_events, dialect="inngest")


def _trigger(given: Mapping[str, Any]) -> Trigger:
    if "cron" in given:
        cron, zone = str(given["cron"]).strip(), "UTC"
        if cron.startswith("TZ="):
            first, _, cron = cron.partition(" ")
            zone = first.removeprefix("TZ=")
        jitter = given.get("jitter")
        return TriggerCron(cron.strip(), zone, moment_of(str(jitter), 0) if jitter else None)
    return TriggerEvent(name_here(str(given["event"])), given.get("expression") or None)


def _cancel(given: Mapping[str, Any]) -> Cancel:
    timeout = given.get("timeout")
    return Cancel(
        event=name_here(str(given["event"])),
        if_exp=given.get("if") or None,
        timeout=moment_of(str(timeout), 0) if timeout else None,
    )


def _limit(given: Any) -> Concurrency | None:
    """Return a limit; ``None`` if it is 0, which means none. What several apps of the stack share has scope ``app``."""
    if isinstance(given, int):
        return Concurrency(given) if given else None
    if not given.get("limit"):
        return None
    scope = given.get("scope") or _FUNCTION_ONLY
    return Concurrency(given["limit"], given.get("key") or None, scope="fn" if scope == _FUNCTION_ONLY else "app")
