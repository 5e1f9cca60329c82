"""Errors of user code, read without trust: nothing here raises, whatever their ``__str__`` or attributes do."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "MAX_MESSAGE",
    "MAX_NAME",
    "MAX_STACK",
    "full_name",
    "kinds_of",
    "leaves",
    "message_of",
    "name_of",
    "plain",
    "shown",
    "stack_of",
]

MAX_NAME, MAX_MESSAGE, MAX_STACK = 1_000, 50_000, 100_000
"""The most characters of an error's name and message, and of the end of its stack."""

_SHOWN = 200
_KINDS = 20
_CHAIN = 200
"""The most errors of a chain, or of groups within groups, whose stacks are all written. One that a group holds twice is
written twice, so a small program can make a stack without end."""


def name_of(error: BaseException) -> str:
    """The name of the error's type."""
    return _read(lambda: type(error).__name__, "Exception", MAX_NAME)


def full_name(kind: type) -> str:
    """A class's module and name. Neither is asked of a metaclass of user code's own."""
    return _read(lambda: f"{type.__getattribute__(kind, '__module__')}.{kind.__qualname__}", "", MAX_NAME)


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """The full names of the error's class and of its bases, below ``Exception``; at most 20 of them."""
    named = (full_name(kind) for kind in type.mro(type(error)) if kind not in (Exception, BaseException, object))
    return tuple(name for name in named if name)[:_KINDS]


def message_of(error: BaseException) -> str:
    """What ``str`` says of the error, at most ``MAX_MESSAGE`` characters of it."""
    return _read(lambda: str(error), "(this error has no message: its __str__ raises)", MAX_MESSAGE)


def stack_of(error: BaseException) -> str:
    """The traceback, with those of causes and of the errors in a group; its end, if it is long."""
    stack = ""
    if _has_end(error):
        stack = _read(lambda: "".join(traceback.format_exception(error)), "", None)
    if not stack:  # nothing but where it was raised: no code of the error's own is asked
        frames = _read(lambda: "".join(traceback.format_tb(_traceback(error))), "", None)
        stack = f"Traceback (most recent call last):\n{frames}{name_of(error)}: {message_of(error)}\n"
    return stack[-MAX_STACK:]


def shown(value: object) -> str:
    """What ``repr`` says of a value, for a message; at most 200 characters of it."""
    return _read(lambda: repr(value), "a value whose __repr__ raises", _SHOWN)


def plain(text: object, most: int | None = None) -> str:
    """A text that every system can carry: what UTF-8 or SQS refuses as escapes, and cut to ``most`` characters."""
    if not isinstance(text, str):
        text = str(text)
    exact = str.__str__(text)
    size = len(exact)
    if most is not None and size > most:
        exact = exact[:most]
    exact = exact.encode("utf-8", "backslashreplace").decode()
    exact = exact.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")
    if most is not None and (size > most or len(exact) > most):
        note = f"… (cut; {size:,} characters)"
        exact = exact[: most - len(note)] + note
    return exact


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The error itself, or those in the group that it is, and in the groups in there; each once."""
    found, seen = [error], {id(error)}
    while found:
        each = found.pop()
        if not issubclass(type(each), BaseExceptionGroup):  # ``isinstance`` asks the error's own ``__class__``
            yield each
            continue
        new = [inner for inner in _members(each) if id(inner) not in seen]
        seen.update(map(id, new))
        found += reversed(new)


def _read(ask: Callable[[], object], otherwise: str, most: int | None) -> str:
    """What user code says, if it says anything. It may raise whatever there is, also what ends a process."""
    try:
        return plain(ask(), most)
    except BaseException:
        return otherwise


def _has_end(error: BaseException) -> bool:
    """Whether ``traceback`` comes to an end with the error soon. It writes a cause once, but a group's member each
    time that it meets it."""
    left, found, seen = _CHAIN, [error], set[int]()
    while found:
        each = found.pop()
        left -= 1
        if left < 0:
            return False
        found += _members(each)
        for behind in (_slot("__cause__", each), _slot("__context__", each)):
            if behind is not None and id(behind) not in seen:
                seen.add(id(behind))
                found.append(behind)
    return True


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if not issubclass(type(error), BaseExceptionGroup):
        return ()
    group: Any = BaseExceptionGroup
    members: tuple[BaseException, ...] = group.exceptions.__get__(error)  # past a property of the same name
    return members


def _slot(name: str, error: BaseException) -> BaseException | None:
    found: BaseException | None = BaseException.__dict__[name].__get__(error)
    return found


def _traceback(error: BaseException) -> Any:
    return BaseException.__dict__["__traceback__"].__get__(error)
