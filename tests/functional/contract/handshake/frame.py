"""The frame of an exploration: the theatre in which a case is played, the judgement of each end, and the time line."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from tarry_dev.cloud import Cloud
from tests.functional.contract.handshake.exploration import Exploration, Play, explore, perform
from tests.functional.contract.handshake.players import Parts, on_stage
from tests.functional.contract.handshake.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry import App

__all__ = ["BrokenError", "StagePlay", "Theatre", "turn_lines"]


class StagePlay(Play, Protocol):
    """A play that knows its turns, and whether an executor or matcher has died in it."""

    turns: list[tuple[str, str]]

    @property
    def has_died(self) -> bool:
        """Whether somebody has died."""


S = TypeVar("S", bound=StagePlay)


class BrokenError(AssertionError):
    """A schedule breaks the promise. The message is its time line, and the list by which it is played again."""

    def __init__(self, message: str, schedule: list[str]) -> None:
        super().__init__(message)
        self.schedule = schedule


class Theatre(ExitStack, Generic[S]):
    """An embedded cloud with an app, in which one play after the other begins with an empty table.

    ``begin`` begins a play at the table, with the parts of its players. ``time_line`` says what happened in one.
    """

    def __init__(self, app: App, begin: Callable[[Table, Parts], S], time_line: Callable[[S], str]) -> None:
        super().__init__()
        self._app = app
        self._begin = begin
        self._time_line = time_line
        self._parts = Parts()

    def __enter__(self) -> Self:
        super().__enter__()
        cloud = self.enter_context(Cloud(self._app))
        self._table = Table(cloud)
        self.enter_context(on_stage(self._table.ask))
        return self

    def explored(self, verdict: Callable[[S], str], limit: int, dies: Any) -> Exploration:
        """Play every order. ``BrokenError`` at the first end that ``verdict`` refuses by an ``AssertionError``.

        ``dies`` names the actor that dies in at least one play; ``None`` if no actor dies.
        """
        has_died = False

        def judge(stage: S, schedule: list[str]) -> str:
            nonlocal has_died
            has_died |= stage.has_died
            try:
                return verdict(stage)
            except AssertionError as error:
                lines = [str(error), self._time_line(stage), f"to play it again: {schedule!r}"]
                raise BrokenError("\n".join(lines), schedule) from None

        found = explore(self._empty, judge, limit)
        assert has_died == (dies is not None), f"nobody has died: {dies}"
        return found

    def time_line(self, schedule: Sequence[str]) -> str:
        """Play one schedule, and say what happened."""
        stage = perform(self._empty(), schedule)
        try:
            return self._time_line(stage)
        finally:
            stage.close()

    def _empty(self) -> S:
        self._table.clear()
        return self._begin(self._table, self._parts)


def turn_lines(turns: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each turn."""
    width = max(len(actor) for actor, _ in turns)
    return [f"{number:3} {actor:{width}}  {what}" for number, (actor, what) in enumerate(turns)]
