"""A call of an asynchronous step tool: a coroutine that notices when your code forgets to await it."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from tarry._engine.place import Place, place_of_call

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator
    from types import TracebackType

    Work = Callable[[], Coroutine[Any, Any, Any]]
    """Begins what a call does. So a call that is dropped leaves no coroutine, of which Python would warn, too."""

__all__ = ["CallRecord", "CallWatch", "StepCall", "awaited"]

T_co = TypeVar("T_co", covariant=True)
M = TypeVar("M", bound="Callable[..., Coroutine[Any, Any, Any]]")


class CallRecord:
    """What the engine knows of one call. It outlives the call, and so can say what became of it.

    Attributes:
        what: The tool, such as ``step 'charge'``.
        place: The line of your code that made the call.
        maker: The task that made the call.
        awaiter: The task that awaits it; ``None`` until one does.
    """

    __slots__ = ("awaiter", "maker", "place", "what")

    def __init__(self, what: str, place: Place, maker: asyncio.Task[Any] | None) -> None:
        self.what = what
        self.place = place
        self.maker = maker
        self.awaiter: asyncio.Task[Any] | None = None

    def __str__(self) -> str:
        return f"{self.what}{self.place}"


class CallWatch(Protocol):
    """The engine's watch over its run's calls."""

    def made(self, what: str, place: Place) -> CallRecord:
        """Note a call that user code has made."""

    def begin(self, record: CallRecord, work: Work) -> Coroutine[Any, Any, Any]:
        """Return the coroutine that watches over the work while it does it."""

    def give_up(self, record: CallRecord) -> None:
        """Note that the call will not begin: its task was cancelled, or your code has closed it."""

    def dropped(self, record: CallRecord) -> None:
        """Note that user code dropped the call and did not await it."""

    def asked(self, record: CallRecord) -> Exception:
        """Return the error of code that asks for the truth of a call instead of awaiting it."""


class StepCall(Coroutine[Any, Any, T_co]):
    """The coroutine. Its work begins when it is first awaited, by your code or by a task."""

    __slots__ = ("_begun", "_record", "_watch", "_work")

    def __init__(self, watch: CallWatch, what: str, work: Work) -> None:
        self._work = work
        self._begun: Coroutine[Any, Any, T_co] | None = None
        self._watch = watch
        self._record = watch.made(what, place_of_call())

    @property
    def record(self) -> CallRecord:
        """What the engine knows of it."""
        return self._record

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._coroutine().__await__()

    def send(self, value: Any) -> Any:
        """Go on with the work, as a task does."""
        return self._coroutine().send(value)

    def throw(self, typ: Any, val: Any = None, tb: TracebackType | None = None) -> Any:
        """Raise an error in the work, as a task does that is cancelled."""
        return self._given_up().throw(typ if val is None else val)

    def close(self) -> None:
        """End the work. A call that is closed before it began is not forgotten: its owner has decided."""
        self._given_up().close()

    def _given_up(self) -> Coroutine[Any, Any, T_co]:
        if self._begun is None:
            self._watch.give_up(self._record)
            self._begun = self._work()
        return self._begun

    def _coroutine(self) -> Coroutine[Any, Any, T_co]:
        if self._begun is None:
            self._begun = self._watch.begin(self._record, self._work)
        return self._begun

    def __bool__(self) -> bool:
        raise self._watch.asked(self._record)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"{self._record.what} has no {name!r} before it is awaited: write await before the call")

    def __del__(self) -> None:
        if self._begun is None:
            self._watch.dropped(self._record)

    def __repr__(self) -> str:
        return f"<a call of {self._record}, {'not awaited' if self._begun is None else 'awaited'}>"


class _Watched(Protocol):
    @property
    def calls(self) -> CallWatch: ...


class _Face(Protocol):
    _engine: _Watched


def awaited(tool: M) -> M:
    """Let a tool, a coroutine method, notice when your code forgets to await its call."""
    owner, name = tool.__qualname__.split(".")[-2:]

    @wraps(tool)
    def called(self: _Face, *args: Any, **kwargs: Any) -> StepCall[Any]:
        what = _what(owner, name, args, kwargs)
        return StepCall(self._engine.calls, what, partial(tool, self, *args, **kwargs))

    return cast(M, called)


def _what(owner: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    if owner == "Group":
        return f"group.{name}"
    if name == "continue_as_new":
        return f"ctx.{name}"
    return f"{'patch' if owner == 'Context' else 'step'} {_id(args, kwargs)!r}"


def _id(args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    return args[0] if args else next((kwargs[name] for name in ("step_id", "patch_id") if name in kwargs), None)
