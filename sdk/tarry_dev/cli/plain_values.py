"""Command-line values without pydantic. typer would load it for each command: a third of the time of ``tarry runs``.

What is plainly right is taken as it is: a text, texts, a whole number within its bounds. All else goes to typer, with
its checks and its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["take_plainly"]

_MOST_DIGITS = 9


def take_plainly(parameters: Iterable[Any]) -> None:
    """Have plain values of these parameters taken without pydantic. A typer that works otherwise is left alone."""
    for each in parameters:
        theirs = getattr(each, "get_runtime_param", None)
        if theirs is not None and not isinstance(theirs, _Plain):
            each.get_runtime_param = _Plain(each, theirs)


class _Plain:
    """Stands for what typer would make to convert a parameter's values, and has it made only if it must."""

    def __init__(self, parameter: Any, theirs: Callable[[], Any]) -> None:
        descriptor = getattr(parameter, "type_descriptor", None)
        info: Any = getattr(descriptor, "parameter_info", None)
        is_plain = getattr(info, "parser", self) is None
        self._info = info
        self._kind = getattr(descriptor, "annotation", None) if is_plain else None
        self._is_many = parameter.multiple or parameter.nargs == -1
        self._theirs = theirs

    def __call__(self) -> _Plain:
        return self

    def coerce(self, value: Any, **of_typer: Any) -> Any:
        """Return the value in the parameter's type."""
        if value is None:
            return () if self._is_many else None
        if self._kind is str and not self._is_many and type(value) is str:
            return value
        if self._kind == list[str] and self._is_many and _are_texts(value):
            return list(value)
        if self._kind is int and not self._is_many and (number := self._number(value)) is not None:
            return number
        return self._theirs().coerce(value, **of_typer)

    def _number(self, value: Any) -> int | None:
        if type(value) is str and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
            value = int(value)
        least, most = self._info.min, self._info.max
        is_good = type(value) is int and (least is None or value >= least) and (most is None or value <= most)
        return value if is_good else None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(type(each) is str for each in value)
