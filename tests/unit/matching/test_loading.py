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
