"""The hooks by which cattrs reads each kind of declared type. A value that does not fit raises ``WrongError``."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import is_dataclass
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, get_args, get_origin, is_typeddict

from cattrs.cols import (
    is_frozenset,
    list_structure_factory,
    mapping_structure_factory,
    namedtuple_structure_factory,
)

from tarry._wire.jsonvalues import encode
from tarry._wire.typehints import hints_of
from tarry.errors import OutputError

if TYPE_CHECKING:
    from cattrs import Converter

    from tarry._wire.specialvalues import Special

__all__ = [
    "NAMES",
    "WrongError",
    "enum_hook",
    "generic_of",
    "is_record",
    "list_hook",
    "literal_hook",
    "mapping_hook",
    "model_hook",
    "named_tuple_hook",
    "other_hook",
    "record_hook",
    "scalar_hook",
    "set_hook",
    "special_hook",
    "tuple_hook",
    "unlike",
]

NAMES = {
    str: "text",
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    types.NoneType: "null",
}


class WrongError(Exception):
    """What is wrong with one value; with ``at``, what is wrong inside of it."""

    def __init__(self, problem: str, at: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(problem)
        self.at = tuple(at) or (("", problem),)


def generic_of(kind: Any) -> Any:
    """``list`` of ``list[int]``, and the type itself of others."""
    return get_origin(kind) or kind


def is_record(kind: Any) -> bool:
    return isinstance(kind, type) and (is_dataclass(kind) or is_typeddict(kind) or hasattr(kind, "__attrs_attrs__"))


def scalar_hook(kind: type[Any]) -> Any:
    """cattrs asks this hook for classes derived from ``kind`` too."""

    def hook(value: Any, asked: Any) -> Any:
        if isinstance(asked, type) and asked is not kind and issubclass(asked, kind):
            return enum_hook(asked)(value, asked) if issubclass(asked, Enum) else derived(value, asked)
        fits = isinstance(value, (int, float) if kind is float else kind)
        return value if fits and (kind is bool or not isinstance(value, bool)) else unlike(value, NAMES[kind])

    def derived(value: Any, asked: Any) -> Any:
        return value if isinstance(value, asked) else asked(hook(value, kind))

    return hook


def special_hook(special: Special) -> Any:
    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, special.kind):
            return value
        if not isinstance(value, special.form) or isinstance(value, bool):
            return unlike(value, special.kind.__name__)
        try:
            return special.read(value)
        except (ArithmeticError, ValueError):
            raise WrongError(f"expected {special.kind.__name__}, found {str(value)[:80]!r}") from None

    return hook


def literal_hook(kind: Any) -> Any:
    return _one_of([(each.value if isinstance(each, Enum) else each, each) for each in get_args(kind)])


def enum_hook(kind: Any) -> Any:
    if issubclass(kind, Flag):  # its values may be combined
        return _of_form(int, lambda value, _: kind(value), kind)
    return _one_of([(each.value, each) for each in kind], kind)


def _one_of(options: Sequence[tuple[Any, Any]], kind: Any = ()) -> Any:
    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, kind):
            return value
        for form, option in options:  # 1 is not true, and JSON has no tuples
            if value in (form, list(form) if isinstance(form, tuple) else form) and (
                isinstance(value, bool) == isinstance(form, bool)
            ):
                return option
        raise WrongError(f"expected one of {', '.join(repr(form) for form, _ in options)}")

    return hook


def list_hook(kind: Any, converter: Converter) -> Any:
    """For a list, or anything that says as much as a list of its items."""
    return _of_form(list, list_structure_factory(_list_of(kind), converter))


def _list_of(kind: Any) -> Any:
    return types.GenericAlias(list, (get_args(kind) or (Any,))[0])


def set_hook(kind: Any, converter: Converter) -> Any:
    made = frozenset if is_frozenset(kind) else set
    items = list_structure_factory(_list_of(kind), converter)

    def hook(value: Any, asked: Any) -> Any:
        return value if isinstance(value, made) else made(_of_form(list, items)(value, asked))

    return hook


def tuple_hook(kind: Any, converter: Converter) -> Any:
    args = get_args(kind) or (Any, ...)
    if args[-1] is Ellipsis:
        items = list_hook(_list_of(kind), converter)
        return lambda value, asked: value if isinstance(value, tuple) else tuple(items(value, asked))
    exact = converter.gen_structure_hetero_tuple(kind)
    return _of_form(list, exact, tuple, lambda value: _check_length(value, len(args)))


def named_tuple_hook(kind: Any, converter: Converter) -> Any:
    return _of_form(
        list,
        namedtuple_structure_factory(kind, converter),
        kind,
        lambda value: _check_length(value, len(kind._fields)),
    )


def _check_length(value: Sequence[Any], length: int) -> None:
    if len(value) != length:
        raise WrongError(f"expected {length} items, found {len(value)}")


def mapping_hook(kind: Any, converter: Converter) -> Any:
    base = generic_of(kind)
    keys, values = get_args(kind) or (str, Any)
    inner = mapping_structure_factory(dict[keys, values], converter, key_type=keys, val_type=values)  # type: ignore[valid-type]
    made = base if isinstance(base, type) and issubclass(base, dict) and base is not dict else None
    if made is None:
        return _of_form(dict, inner)
    return lambda value, asked: value if isinstance(value, made) else _made(made, _of_form(dict, inner)(value, asked))


def _made(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except TypeError:  # a defaultdict
        made = kind()
        made.update(value)
        return made


def record_hook(kind: Any, converter: Converter) -> Any:
    base = generic_of(kind)
    hints_of(base)
    if base is kind and (parameters := getattr(kind, "__parameters__", ())):  # a generic class without arguments
        kind = kind[tuple(Any for _ in parameters)]
    if is_typeddict(base):
        return _of_form(dict, converter.gen_structure_typeddict(kind))
    return _of_form(dict, converter.gen_structure_attrs_fromdict(kind), base)


def _of_form(form: type[Any], inner: Any, made: Any = (), check: Any = None) -> Any:
    """cattrs takes whatever can be iterated for a list, and raises errors of its own for what has no keys."""

    def hook(value: Any, asked: Any) -> Any:
        if isinstance(value, made):
            return value
        if not isinstance(value, form):
            return unlike(value, NAMES[form])
        if check is not None:
            check(value)
        return inner(value, asked)

    return hook


def model_hook(kind: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(kind)

    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, kind):
            return value
        try:
            text = encode(value, "it")
        except OutputError:  # a middleware has restored what is no JSON
            text = None
        try:
            # Tarry writes a model by its fields' names. Events may come from elsewhere, by their aliases.
            if text is None:
                return adapter.validate_python(value, by_alias=True, by_name=True)
            return adapter.validate_json(text, by_alias=True, by_name=True)
        except ValidationError as error:
            found = [("".join(map(_step, each["loc"])), each["msg"]) for each in error.errors(include_url=False)]
            raise WrongError(str(error), found) from None

    return hook


def _step(step: int | str) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def other_hook(kind: Any) -> Any:
    """For a class without a form in JSON, take instances. For what is no class, such as a ``TypeVar``, take all."""
    if not isinstance(base := generic_of(kind), type):
        return lambda value, _: value

    def hook(value: Any, _: Any) -> Any:
        try:
            fits = isinstance(value, base)
        except TypeError:  # a protocol that cannot be asked
            return value
        return value if fits else unlike(value, base.__name__)

    return hook


def unlike(value: object, wanted: str) -> Any:
    raise WrongError(f"expected {wanted}, found {NAMES.get(type(value), type(value).__name__)}")
