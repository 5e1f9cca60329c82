"""The types of outputs: what a handler's annotation, or ``output_type``, says that a step gives."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

from tarry._wire.declaredtypes import is_plain, writer
from tarry.errors import StepDataError

__all__ = ["OutputType", "asked", "has_parameter"]


class OutputType:
    """A type whose values a step gives, and how they are stored.

    Attributes:
        kind: The type.
        written: Writes what JSON has no form for; for ``encode``.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.written = writer(kind)

    @classmethod
    def of(cls, kind: Any) -> OutputType | None:
        """The type, or ``None`` if the stored JSON itself is what it asks for."""
        return None if is_plain(kind) else cls(kind)

    @classmethod
    def of_handler(cls, handler: Any) -> OutputType | None:
        """The type that a handler's annotation says it returns; ``None`` for JSON as it is.

        That is so without an annotation, with ``Any`` or a ``TypeVar``, and if the annotation cannot be resolved: such
        as one whose name is imported for type checkers alone.
        """
        function = handler if isinstance(handler, type) else _function(handler)
        if function is None:
            return None
        if function not in _KNOWN:
            _KNOWN[function] = cls.of(function if isinstance(function, type) else _returned(function))
        return _KNOWN[function]

    def read(self, output: Any, step_id: str, place: str = "output") -> Any:
        """Return a stored output as an instance of the type.

        Raises:
            StepDataError: It does not fit.
        """
        from tarry._wire.typereader import MisfitError, read

        try:
            return read(output, self.kind, place)
        except MisfitError as error:
            raise StepDataError(step_id, _name(self.kind), error.problems) from error


_KNOWN: WeakKeyDictionary[types.FunctionType | type, OutputType | None] = WeakKeyDictionary()


def _name(kind: Any) -> str:
    """A type's name for people."""
    return kind.__qualname__.rpartition("<locals>.")[2] if isinstance(kind, type) and not get_args(kind) else str(kind)


def _function(handler: Any) -> types.FunctionType | None:
    """The function behind a method, a ``partial`` or an object that can be called; ``None`` if it has no annotation."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if inspect.ismethod(handler):
        handler = handler.__func__
    if not isinstance(handler, types.FunctionType) and hasattr(handler, "__wrapped__"):  # of functools.cache
        handler = inspect.unwrap(handler)
    if isinstance(handler, types.FunctionType):
        return handler
    called = getattr(type(handler), "__call__", None)  # noqa: B004 - the class's own, not whether there is one
    return called if isinstance(called, types.FunctionType) else None


def _returned(function: types.FunctionType) -> Any:
    try:
        annotation = function.__annotations__.get("return", Any)
        if annotation is Any:
            return Any
        inner: Any = inspect.unwrap(function)
        names = {**function.__globals__, **inner.__globals__}
        stub = types.SimpleNamespace(__annotations__={"return": annotation})
        kind = get_type_hints(stub, names, _cells(inner), include_extras=True)["return"]
    except Exception:  # it cannot be resolved here, whatever its own code raises
        return Any
    if get_origin(kind) in (Awaitable, Coroutine) and get_args(kind):
        return get_args(kind)[-1]
    return kind


def _cells(function: types.FunctionType) -> dict[str, Any]:
    """The names of the functions around it that its code uses."""
    found = {each.__name__: each for each in getattr(function, "__type_params__", ())}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # it has no value yet
            continue
    return found


def has_parameter(handler: Any, name: str) -> bool:
    """Whether a handler takes an argument of that name itself; ``**kwargs`` do not count."""
    try:
        parameter = inspect.signature(handler).parameters.get(name)
    except (TypeError, ValueError):  # a handler without a signature, or none at all
        return False
    return parameter is not None and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)


def asked(output_type: Any, handler: Callable[..., Any] | None) -> OutputType | None:
    """The type of ``output_type``, or else the handler's."""
    return OutputType.of_handler(handler) if output_type is None else OutputType.of(output_type)
