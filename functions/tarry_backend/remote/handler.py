"""The handler of a function whose code is in a remote app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.replay import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.replay import Journal, Outcome, Replayed

__all__ = ["RemoteHandler"]


@dataclass(frozen=True, slots=True, eq=False)
class RemoteHandler(Driver):
    """The code of a function, as the stack reaches it.

    ``url`` is where the app's SDK answers, ``key`` returns the signing key, if there is one. ``is_go``: the SDK is
    Go's, which does not fetch large states by itself, and does not sign what functions answer.
    """

    app_id: str
    url: str
    key: Callable[[], str | None]
    is_go: bool

    def drive(
        self, function: Function, run: Replayed, history: Iterable[Step], journal: Journal, max_steps: int
    ) -> Outcome:
        """Ask the app until the run ends or rests."""
        from tarry_backend.remote.drive import Drive  # with HTTP: the matcher knows the function, and never calls it
        from tarry_backend.remote.ways import connect
        from tarry_backend.replay.outcome import of_error

        try:
            connection = connect(self.url, self.key(), signs=not self.is_go)
        except UsageError as error:  # an address that an older release has taken
            return of_error(error)
        drive = Drive(function, run, list(history), journal, max_steps, connection, can_fetch=not self.is_go)
        return drive.outcome()
