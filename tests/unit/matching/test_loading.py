"""A Lambda that starts cold loads no grammar before it has an expression to parse."""

import subprocess
import sys

import pytest

LOADED = "; print(sorted({'celpy', 'lark', 're2', 'pendulum'} & {name.partition('.')[0] for name in sys.modules}))"
EVENT = "event = Event(name='a', data={'id': 1, 'n': 2})"


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("", []),
        ("m.plan('a', None, event); m.match_key('a', '[[\"data\",\"id\"]]', event)", []),
        ("m.match_expression('data.id')", []),
        ("m.plan('a', 'async.data.id == event.data.id', event)", ["lark"]),
        ("m.residual_holds('async.data.n > b0', {'b0': 1}, event, 0)", ["lark"]),
        ("m.trigger_holds('event.name.matches(\"a\")', event, 0)", ["lark", "re2"]),
    ],
)
def test_only_what_is_needed_is_loaded(code: str, loaded: list[str]) -> None:
    program = (
        f"import sys, tarry_backend.matching as m; from tarry.event import Event; {EVENT}; {code or 'pass'}{LOADED}"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == str(loaded)


@pytest.mark.parametrize(("dialect", "loads"), [("tarry", False), ("inngest", True)])
def test_inngests_dialect_is_loaded_where_it_is_used(dialect: str, loads: bool) -> None:
    program = f"""
import sys, tarry_backend.matching as m
from tarry.event import Event
{EVENT}
condition = m.Condition(expression='async.data.n != event.data.n', dialect={dialect!r})
[one] = m.plan('a', condition, event).alternatives
m.residual_holds(one.residual, one.bindings, event, 0)
m.evaluate_whole(condition, event, event, 0)
m.wait_conjuncts(condition, event, event, 0)
m.trigger_holds('event.data.n > 1', event, 0, {dialect!r})
m.value_key('event.data.n', event, 0, {dialect!r})
print(any('inngest' in name or name.endswith('absence') for name in sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == str(loads)
