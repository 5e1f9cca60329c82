"""An error as a run stores it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from tarry._engine.error_text import (
    MAX_MESSAGE,
    MAX_NAME,
    MAX_STACK,
    kinds_of,
    leaves,
    message_of,
    name_of,
    plain,
    stack_of,
)
from tarry.errors import NonRetriableError, StepError

__all__ = ["Failure"]

_STEPS, _CAUSES = 100, 20
"""The most steps that a failure names, and the longest chain of causes in which a step's error is looked for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A stored error: its type's name, its message, its stack.

    ``kinds`` are the full names of its class and its bases. ``quiet``: its raiser expects it. ``steps`` are the steps
    whose errors it represents: a retry of the run goes on from the first of them.
    ``version`` names the code that ran then, if its deploy has a name. ``data`` is JSON of a remote app, which its SDK
    gets back with the error.
    """

    name: str
    message: str
    stack: str = ""
    kinds: tuple[str, ...] = field(default=(), compare=False, repr=False)
    quiet: bool = field(default=False, compare=False, repr=False)
    steps: tuple[str, ...] = field(default=(), compare=False, repr=False)
    version: str | None = field(default=None, compare=False, repr=False)
    data: str | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Record the error; a ``StepError`` represents the error that it carries.

        This never raises, and it bounds each text. An error of user code may have a ``__str__`` that raises, a message
        of megabytes, or attributes that are not what they should be.
        """
        if issubclass(type(error), StepError):
            carried: Any = error
            try:
                return cls(
                    plain(carried.name, MAX_NAME),
                    plain(carried.message, MAX_MESSAGE),
                    plain(carried.stack)[-MAX_STACK:],
                    tuple(plain(kind, MAX_NAME) for kind in carried.kinds),
                    carried.quiet is True,
                    _steps_of(error),
                )
            except Exception:  # a subclass that does not set them
                pass
        return cls(
            name_of(error), message_of(error), stack_of(error), kinds_of(error), _is_quiet(error), _steps_of(error)
        )

    def under(self, version: str | None) -> Failure:
        """Return the failure as one of this version of the code, unless it is already another's."""
        return replace(self, version=version) if version and self.version is None else self

    def document(self) -> dict[str, str]:
        """Return the error as people and listeners see it."""
        return {"name": self.name, "message": self.message, "stack": self.stack}

    def stored(self) -> dict[str, Any]:
        """Return the error as the store writes it."""
        kinds = {"kinds": list(self.kinds)} if self.kinds else {}
        more = {"quiet": self.quiet, "steps": list(self.steps), "version": self.version, "data": self.data}
        return {**self.document(), **kinds, **{name: each for name, each in more.items() if each}}

    @classmethod
    def read(cls, text: str | bytes) -> Failure:
        """Return the failure that the stored JSON text describes."""
        kept = json.loads(text)
        kinds, steps = (tuple(kept.get(each, ())) for each in ("kinds", "steps"))
        own = (kept.get("version"), kept.get("data"))
        return cls(kept["name"], kept["message"], kept["stack"], kinds, kept.get("quiet", False), steps, *own)


def _is_quiet(error: BaseException) -> bool:
    """Return whether all parts of the error are quiet. Attributes of user code's own errors may be anything."""
    try:
        return all(
            issubclass(type(each), NonRetriableError) and vars(each).get("quiet") is True for each in leaves(error)
        )
    except Exception:
        return False


def _steps_of(error: BaseException) -> tuple[str, ...]:
    """Return the steps whose errors the error represents: itself, those in its groups, or what it was raised from."""
    try:
        found = [_step_of(each) for each in leaves(error)]
        return tuple(dict.fromkeys(key for key in found if key is not None))[:_STEPS]
    except Exception:  # attributes of user code's own errors may be anything
        return ()


def _step_of(error: BaseException | None) -> str | None:
    """Return the step of a ``StepError``, or of one that the error was raised ``from``."""
    for _ in range(_CAUSES):
        if error is None:
            return None
        if issubclass(type(error), StepError):
            key: Any = vars(error)["step_id"]
            return key if isinstance(key, str) else None
        error = error.__cause__
    return None
