"""The lives of a run that was retried, and what a rerun comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry_backend.model.step import Step

__all__ = ["Origin", "PastLife", "PastStep", "Revival"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revival:
    """A retry or a rerun that the executor has yet to carry out. Times are Unix milliseconds.

    Of a retry: ``step`` is the step to go on from, if there is one, and ``order`` its end in the run's order. ``ended``
    is when the life before ended, and ``asked_by`` the identity of the event that asked, if one did.
    Of a rerun: ``origin`` is the run to copy from, and ``order`` the beginning of the step up to which it is copied.
    """

    asked: int
    step: str | None = None
    order: int | None = None
    ended: int | None = None
    origin: str | None = None
    asked_by: str | None = None


@dataclass(frozen=True, slots=True)
class PastLife:
    """A life of the run that failed, for people: when it ended, why, and from which step the next life went on.

    ``asked_by`` is as in ``Revival``: so an event retries a run once.
    """

    ended: int
    error: str
    retried: int
    step: str | None = None
    asked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Of which run a run is the rerun, and from which step."""

    run_id: str
    step: str | None = None


@dataclass(frozen=True, slots=True)
class PastStep:
    """A step of an earlier life of the run, which a retry has dropped. It is there for people."""

    life: int
    step: Step
