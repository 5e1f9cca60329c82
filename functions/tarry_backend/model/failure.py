"""An error as a run keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tarry._engine.error_text import MAX_MESSAGE, MAX_NAME, MAX_STACK, message_of, name_of, plain, stack_of
from tarry.errors import StepError

__all__ = ["Failure"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is kept: its type's name, its message, its stack."""

    name: str
    message: str
    stack: str = ""

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
                )
            except Exception:  # a subclass that does not set them
                return cls(name_of(error), message_of(error), stack_of(error))
        return cls(name_of(error), message_of(error), stack_of(error))
