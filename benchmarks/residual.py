"""What a residual costs for each candidate: ours, cel-python's two ways to run, and a library in Rust if it is there.

That library, common-expression-language, is no dependency of ours. Install it into a folder of its own, with what it
needs, and put the folder on ``PYTHONPATH``.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParser

from tarry import Event
from tarry._cel.syntax import parse
from tarry_backend.matching import plan, residual_holds
from tarry_backend.matching.evaluation import MAX_RESIDUAL_DEPTH
from tarry_backend.matching.keys import envelope

_CANDIDATES = 500
_REPEATS = 7
_RECEIVED_AT = 1_735_732_800_000
_ITEMS = 10
_SIZES = (0, 100, 1_000)

_COMPARISON = "async.data.amount > event.data.number"
_EXPRESSIONS = {
    "one comparison": _COMPARISON,
    "a range": "async.data.amount >= event.data.number && async.data.amount < event.data.most",
    "texts": 'async.data.mail.startsWith(event.data.letter) && async.data.mail.endsWith("@example.com")',
    "has()": "has(async.data.coupon) && async.data.coupon != event.data.coupon",
    "in a list of ten": "async.data.region in event.data.regions",
    "nested and/or": "(async.data.amount > event.data.number || async.data.tries >= event.data.tries)"
    " && !(async.data.amount > event.data.most && async.data.address.city.contains(event.data.city))",
    "matches": r"async.data.mail.matches('^[a-z]+\\.[a-z]+@example\\.com$') && async.data.amount > event.data.number",
    "exists, ten items": "async.data.items.exists(item, item.sku == event.data.sku)",
    "times": "timestamp(async.data.at) > timestamp(event.data.at)",
    "nothing of the trigger": "async.data.amount > 100 && async.data.address.city.startsWith('O')",
}

Bindings = dict[str, Any]
Ask = Callable[[Event, Sequence[Bindings]], list[bool]]
"""The answers for a batch of candidates. The event is converted once in it, the bindings for each candidate."""


def main() -> None:
    """Prints, for each residual, microseconds of CPU for one candidate of a batch, and how many times ours the others
    take; the same for events with more and more in them; and what it takes to make a program of a text."""
    ways = _ways()
    compiled: dict[str, list[float]] = {way: [] for way in ways}
    print(f"{'us a candidate':28}" + "".join(f"{way:>24}" for way in ways))
    for name, expression, event in _questions():
        residual, batch = _batch(expression)
        spent: list[float] = []
        matches: list[int] = []
        for way, program in ways.items():
            started = time.perf_counter()
            ask = program(residual)
            compiled[way].append(time.perf_counter() - started)
            matches.append(sum(ask(event, batch)))
            spent.append(_microseconds(ask, event, batch))
        assert len(set(matches)) == 1, matches
        columns = [f"{spent[0]:.1f}", *(f"{each:.1f} ({each / spent[0]:4.1f} x)" for each in spent[1:])]
        print(f"{name:28}" + "".join(f"{column:>24}" for column in columns) + f"   {matches[0]} match", flush=True)
    print(f"{'ms to compile, median':28}" + "".join(f"{median(each) * 1000:24.2f}" for each in compiled.values()))


def _questions() -> Iterator[tuple[str, str, Event]]:
    for name, expression in _EXPRESSIONS.items():
        yield name, expression, _event(_ITEMS)
    for items in _SIZES:
        event = _event(items)
        yield f"one comparison, {len(json.dumps(event.data)) / 1000:.1f} KB", _COMPARISON, event


def _ways() -> dict[str, Callable[[str], Ask]]:
    ways: dict[str, Callable[[str], Ask]] = {
        "ours": _ours,
        "celpy, interpreter": _celpy(celpy.InterpretedRunner),
        "celpy, compiler": _celpy(celpy.CompiledRunner),
    }
    try:
        ways["in Rust"] = partial(_rust, importlib.import_module("cel"))
    except ImportError:
        print("common-expression-language is not installed, and left out")
    return ways


def _microseconds(ask: Ask, event: Event, batch: Sequence[Bindings]) -> float:
    """For one candidate: the least of several, which is the one that nothing else disturbed."""
    times = []
    for _ in range(_REPEATS):
        started = time.process_time()
        ask(event, batch)
        times.append(time.process_time() - started)
    return min(times) / len(batch) * 1e6


def _batch(expression: str) -> tuple[str, list[Bindings]]:
    """The residual, and the bindings of each candidate, as they come out of the index."""
    residuals, batch = set(), []
    for number in range(_CANDIDATES):
        snapshot = f"async.data.id == event.data.id && {expression}"
        (alternative,) = plan("order/paid", snapshot, _trigger(number)).alternatives
        residuals.add(alternative.residual or "")
        batch.append(json.loads(json.dumps(alternative.bindings)))
    (residual,) = residuals
    return residual, batch


def _trigger(number: int) -> Event:
    """What started the run of one candidate. Some of them match."""
    sides = ("north", "south", "east", "west", "central")
    data = {
        "id": "7",
        "number": number,
        "most": number + 300,
        "letter": "mn"[number % 2],
        "coupon": f"code-{number}",
        "regions": [f"eu-{side}-{place}" for side in sides for place in (number % 4, 5)],
        "tries": number % 7,
        "city": "Oulu",
        "sku": f"sku-{number % 20}",
        "at": f"{2023 + number % 4}-01-01T00:00:00Z",
    }
    return Event("order/placed", data, id=str(number), ts=1)


def _event(items: int) -> Event:
    """The event that comes in, with so many items in its data."""
    data = {
        "id": "7",
        "amount": 250,
        "region": "eu-north-1",
        "mail": "mary.smith@example.com",
        "coupon": "code-250",
        "tries": 3,
        "at": "2025-01-01T12:00:00Z",
        "address": {"street": "1 Long Lane", "city": "Oulu", "lines": ["second floor", "ring twice"]},
        "items": [{"sku": f"sku-{number}", "count": number, "price": 100 * number} for number in range(items)],
    }
    return Event("order/paid", data, id="01J", ts=1, source="shop")


def _ours(text: str) -> Ask:
    parse(text, MAX_RESIDUAL_DEPTH)  # and keeps it
    return lambda event, batch: [residual_holds(text, bindings, event, _RECEIVED_AT) for bindings in batch]


def _celpy(runner: type[celpy.Runner]) -> Callable[[str], Ask]:
    """What its compiler makes of a variable is an attribute in Python, and none there can be called ``async``."""
    logging.getLogger("celpy").setLevel(logging.CRITICAL)
    limit = sys.getrecursionlimit()
    CELParser.CEL_PARSER = None
    environment = celpy.Environment(runner_class=runner)
    sys.setrecursionlimit(limit)  # which it has changed
    parser = CELParser.CEL_PARSER  # there is one in the whole process, and it serves one way to run

    def program(text: str) -> Ask:
        CELParser.CEL_PARSER = parser
        runnable = environment.program(environment.compile(re.sub(r"\basync\b", "came", text)))

        def ask(event: Event, batch: Sequence[Bindings]) -> list[bool]:
            came = json_to_cel(envelope(event))
            answers = []
            for bindings in batch:
                bound = {name: json_to_cel(value) for name, value in bindings.items()}
                answers.append(bool(runnable.evaluate({"came": came, **bound})))
            return answers

        return ask

    return program


def _rust(library: Any, text: str) -> Ask:
    """It makes its variables anew whenever one of them is set, so the bindings are given when they are asked for."""
    program = library.compile(text)

    def ask(event: Event, batch: Sequence[Bindings]) -> list[bool]:
        bound: Bindings = {}
        context = library.Context({"async": envelope(event)})
        context.set_variable_resolver(bound.get)
        answers = []
        for bindings in batch:
            bound.update(bindings)
            answers.append(program.execute(context))
        return answers

    return ask
