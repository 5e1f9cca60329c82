"""A second evaluator of Inngest's dialect, written from the table in the docs alone: the oracle of its property tests.

It shares the parser with the first one, and nothing else. It knows what the generated expressions have: paths,
constants, comparisons, ``in``, ``+``, ``size``, ``lowercase``, ``has``, macros, and what joins them.
"""

import operator
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tarry._cel import nodes
from tarry._cel.syntax import parse
from tarry._cel.values import Uint

__all__ = ["reference"]

GONE, BAD = "gone", "bad"
ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class NoValue:
    """No value: ``GONE`` is a missing field, ``BAD`` is an error."""

    def __init__(self, why: str) -> None:
        self.why = why


def reference(expression: str, trigger: Mapping[str, Any], incoming: Mapping[str, Any]) -> bool:
    """Whether a wait's expression is exactly true."""
    return value(parse(expression), {"event": trigger, "async": incoming}) is True


def value(node: nodes.Node, names: Mapping[str, Any]) -> Any:
    """The value of a node: first what is not made of its parts' values alone, then all else."""
    match node:
        case nodes.Literal(value=constant):
            return constant
        case nodes.Name(name=name):
            return names[name]
        case nodes.Choice(parts=(condition, then, otherwise)):
            return value(then if counts(value(condition, names)) else otherwise, names)
        case nodes.Macro():
            return macro(node, value(node.parts[0], names), names)
    return made(node, [value(part, names) for part in node.parts])


def made(node: nodes.Node, found: list[Any]) -> Any:
    match node:
        case nodes.Select(field=field) | nodes.Has(field=field):
            there = member(found[0], field)
            return there if isinstance(node, nodes.Select) or isinstance(there, NoValue) else True
        case nodes.Index():
            return member(*found)
        case nodes.Not():
            return opposite(found[0])
        case nodes.And() | nodes.Or():
            return junction(found, isinstance(node, nodes.Or))
        case nodes.Binary(operator=sign):
            return binary(sign, of_trigger(node, found[0]), found[1])
    return built(node, found)


def built(node: nodes.Node, found: list[Any]) -> Any:
    lacking = next((item for item in found if isinstance(item, NoValue)), None)
    match node:
        case nodes.ListOf():
            return found if lacking is None else lacking
        case nodes.MapOf():
            return dict(zip(found[::2], found[1::2], strict=True)) if lacking is None else lacking
        case nodes.Call(function=function):
            return call(function, found[0])
    raise AssertionError(node)


def opposite(found: Any) -> Any:
    if isinstance(found, NoValue):
        return False
    return not found if isinstance(found, bool) else NoValue(BAD)


def of_trigger(node: nodes.Binary, left: Any) -> Any:
    """A field that the trigger lacks is null on the left of an equality with a field of the incoming event."""
    text = [path(part) for part in node.parts]
    missing = isinstance(left, NoValue) and node.operator in ("==", "!=")
    return None if missing and text[0] == "event" and text[1] == "async" else left


def path(node: nodes.Node) -> str | None:
    match node:
        case nodes.Name(name=name):
            return name
        case nodes.Select(parts=(of,)) | nodes.Index(parts=(of, nodes.Literal(value=int()))):
            return path(of)
    return None


def member(of: Any, key: Any) -> Any:
    for part in (of, key):
        if isinstance(part, NoValue):
            return part
    if isinstance(of, dict) and key in of:
        return as_double(of[key])
    if isinstance(of, list) and isinstance(key, int) and 0 <= key < len(of):
        return as_double(of[key])
    return NoValue(GONE)


def as_double(found: Any) -> Any:
    """An event's number is a double, as far as a double holds it."""
    return float(found) if type(found) is int and abs(found) <= 2**53 else found


def counts(found: Any) -> bool:
    return not (found is None or isinstance(found, NoValue) or (not isinstance(found, list | dict) and not found))


def junction(found: list[Any], is_or: bool) -> Any:
    return next((each for each in found[:-1] if counts(each) is is_or), found[-1])


def kind(found: Any) -> str:
    if isinstance(found, bool):
        return "bool"
    return "number" if isinstance(found, int | float) else type(found).__name__


def same(left: Any, right: Any) -> bool:
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(Fraction(left) == Fraction(right)) if kind(left) == "number" else bool(left == right)


def binary(sign: str, left: Any, right: Any) -> Any:
    lacking = [isinstance(each, NoValue) for each in (left, right)]
    if any(lacking):
        return without(sign, left, right)
    if sign in ("==", "!="):
        return same(left, right) is (sign == "==")
    if sign == "in":
        if isinstance(right, list):
            return any(same(left, item) for item in right)
        return left in right if isinstance(right, dict) and isinstance(left, str) else in_map(left, right)
    if sign == "+":
        return joined(left, right)
    left = zero(right) if left is None else left
    right = zero(left) if right is None else right
    ordered = kind(left) == kind(right) and kind(left) in ("bool", "number", "str")
    return ORDERS[sign](left, right) if ordered else NoValue(BAD)


def in_map(left: Any, right: Any) -> Any:
    return False if isinstance(right, dict) and kind(left) in ("bool", "number") else NoValue(BAD)


def without(sign: str, left: Any, right: Any) -> Any:
    if sign in ("==", "!="):
        return (left is None or right is None) is (sign == "==")
    if sign in ORDERS:
        return isinstance(left, NoValue) is sign.startswith("<")
    if sign != "+":
        return False
    there = [each for each in (left, right) if not (isinstance(each, NoValue) and each.why == GONE)]
    bad = [each for each in there if isinstance(each, NoValue)]
    return False if not there else bad[0] if bad else there[0]


def zero(other: Any) -> Any:
    return {"number": 0, "str": ""}.get(kind(other))


def joined(left: Any, right: Any) -> Any:
    both = kind(left), kind(right)
    if both == ("number", "number") and (type(left) is type(right) or Uint not in (type(left), type(right))):
        return number_sum(left, right)
    if both == ("list", "list"):
        return left + right
    if both[0] == both[1] and both[0] not in ("str", "number"):
        return NoValue(BAD)
    return written(left) + written(right)


def number_sum(left: Any, right: Any) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        return float(left) + float(right)
    least, most = (0, 2**64) if type(left) is Uint else (-(2**63), 2**63)
    total = int(left) + int(right)
    return total if all(least <= each < most for each in (left, right, total)) else NoValue(BAD)


def written(found: Any, *, inside: bool = False) -> str:
    match found:
        case None:
            return "<nil>" if inside else "NULL_VALUE"
        case bool():
            return str(found).lower()
        case float():
            return repr(found).removesuffix(".0")
        case list():
            return f"[{' '.join(written(item, inside=True) for item in found)}]"
        case dict():
            return f"map[{' '.join(f'{key}:{written(found[key], inside=True)}' for key in sorted(found))}]"
    return str(found)


def call(function: str, argument: Any) -> Any:
    if isinstance(argument, NoValue):
        return 0 if function == "size" else False
    if function == "size":
        return len(argument) if isinstance(argument, str | list | dict) else NoValue(BAD)
    assert function == "lowercase"
    return argument.lower() if isinstance(argument, str) else ""


def macro(node: nodes.Macro, over: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(over, NoValue):
        return over
    if not isinstance(over, list | dict):
        return NoValue(BAD)
    answers = [value(node.parts[1], {**names, node.variable: as_double(item)}) for item in over]
    match node.macro:
        case "exists":
            return next((answer for answer in answers if answer is not False), False)
        case "all":
            return next((answer for answer in answers if not counts(answer)), answers[-1] if answers else True)
        case "exists_one":
            return sum(map(counts, answers)) == 1
    assert node.macro == "map"
    return next((answer for answer in answers if isinstance(answer, NoValue)), answers)
