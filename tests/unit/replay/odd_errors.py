"""Errors that misbehave when somebody looks at them."""

from __future__ import annotations

from typing import Any

from tarry import RetryAfterError, StepError

__all__ = ["ODD", "LateError", "wide"]


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")

    __repr__ = __str__


class EndsError(Exception):
    """Its text ends the process."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class FlagError(Exception):
    def __str__(self) -> Any:
        return 7


class LonelyError(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise ValueError("no class")

    @property
    def __notes__(self) -> Any:  # type: ignore[override]
        raise KeyError("no notes")


class LyingMeta(type):
    @property
    def __name__(cls) -> Any:  # type: ignore[override]
        raise LookupError("no name")


class NamelessError(Exception, metaclass=LyingMeta):
    pass


class Text(str):
    def __getitem__(self, _: Any) -> Any:
        raise IndexError

    def encode(self, *_: Any) -> Any:
        raise LookupError


class OddTextError(Exception):
    def __str__(self) -> str:
        return Text("odd")


class EmptyGroupError(ExceptionGroup[Exception]):
    @property
    def exceptions(self) -> Any:
        raise AttributeError("no errors in here")


class BareStepError(StepError):
    def __init__(self) -> None:
        pass


class LateError(RetryAfterError):
    """It says when to try again, but not in a number."""

    def __init__(self, delay: Any) -> None:
        super().__init__("later", 60)
        self.said = delay

    def delay(self, now: int) -> Any:
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said


def circle() -> Exception:
    """Two errors, each the cause of the other."""
    first, second = OSError("first"), OSError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def noted() -> Exception:
    error = OSError("noted")
    error.__notes__ = MuteError()  # type: ignore[assignment]
    return error


def nested(levels: int = 3000) -> Exception:
    """A group in a group in a group."""
    error: Exception = OSError("inside")
    for _ in range(levels):
        error = ExceptionGroup("group", [error])
    return error


def wide(levels: int = 64) -> Exception:
    """A group that holds another twice, which holds another twice: 2 to the power of ``levels`` errors."""
    error: Exception = OSError("inside")
    for _ in range(levels):
        error = ExceptionGroup("group", [error, error])
    return error


def chained(levels: int = 3000) -> Exception:
    error = OSError("0")
    for number in range(levels):
        following = OSError(str(number))
        following.__context__, error = error, following
    return error


ODD: dict[str, Any] = {
    "a text that raises": MuteError,
    "a text that ends the process": EndsError,
    "a text that is a number": FlagError,
    "a text that is a str of its own": OddTextError,
    "no class, no notes": LonelyError,
    "no name": NamelessError,
    "notes that are none": noted,
    "3 MB": lambda: ValueError("ä" * 3_000_000),
    "half a surrogate pair": lambda: ValueError("half \ud83d"),
    "causes in a circle": circle,
    "3000 causes": chained,
    "3000 groups in each other": nested,
    "a group of 2**64 errors": wide,
    "a group that hides its errors": lambda: EmptyGroupError("group", [OSError("inside")]),
    "a group whose errors are mute": lambda: ExceptionGroup("group", [MuteError(), EndsError()]),
    "a step error without fields": BareStepError,
    "retry after a text": lambda: LateError("soon"),
    "retry after an error": lambda: LateError(KeyboardInterrupt()),
    "retry after infinity": lambda: LateError(float("inf")),
}
