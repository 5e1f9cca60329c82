"""The outputs of a deployed stack, from which the command line finds the stack's parts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import count

from tarry.errors import UsageError
from tarry_backend.deploy.function_facts import MAX_FACTS, FunctionFacts, parts_of_facts, read_facts
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import QUEUES

__all__ = ["SIGNALS_FUNCTION", "Deployment"]

SIGNALS_FUNCTION = "SignalsFunction"
"""The output with the name of the signals Lambda."""

_APP, _FUNCTIONS, _FACTS = "AppId", "Functions", "FunctionFacts"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed app.

    ``dead_letters`` are the URLs of the dead-letter queues by the names of their queues. ``facts`` are empty if an
    older version deployed the app. The ids and the facts of many functions take several outputs.
    """

    app_id: str
    functions: tuple[str, ...]
    settings: Settings
    dead_letters: Mapping[str, str]
    facts: tuple[FunctionFacts, ...] = ()

    def outputs(self) -> dict[str, str]:
        """Return the deployment as the stack's outputs. Values may be tokens, known only at deployment."""
        settings = {_of_setting(field.name): str(getattr(self.settings, field.name)) for field in fields(Settings)}
        settings = {output: value for output, value in settings.items() if value}
        dead_letters = {_of_dead_letters(name): url for name, url in self.dead_letters.items()}
        functions, facts = _placed(_FUNCTIONS, _parts(self.functions)), _placed(_FACTS, parts_of_facts(self.facts))
        return {_APP: self.app_id, **functions, **facts, **settings, **dead_letters}

    @classmethod
    def read(cls, outputs: Mapping[str, str]) -> Deployment:
        """Return the deployment that ``outputs`` wrote; raise ``UsageError`` if an output is missing or wrong."""
        names = {_of_setting(field.name): field.name for field in fields(Settings)}
        needed = [_of_setting(field.name) for field in fields(Settings) if field.default != ""]
        wanted = [_APP, _FUNCTIONS, *needed, *(_of_dead_letters(queue.name) for queue in QUEUES)]
        if missing := [name for name in wanted if name not in outputs]:
            raise UsageError(f"it has no output {', '.join(missing)}")
        functions: list[str] = [each for text in _texts(_FUNCTIONS, outputs) for each in json.loads(text)]
        return cls(
            outputs[_APP],
            tuple(functions),
            Settings.read(
                {Settings.variable(name): outputs[output] for output, name in names.items() if output in outputs}
            ),
            {queue.name: outputs[_of_dead_letters(queue.name)] for queue in QUEUES},
            tuple(facts for text in _texts(_FACTS, outputs) for facts in read_facts(text)),
        )


def _parts(functions: Iterable[str]) -> list[str]:
    """Return the ids in as many JSON texts as it takes, for several outputs."""
    parts: list[list[str]] = [[]]
    for each in functions:
        if parts[-1] and len(json.dumps([*parts[-1], each])) > MAX_FACTS:
            parts.append([])
        parts[-1].append(each)
    return [json.dumps(part) for part in parts]


def _placed(name: str, texts: Iterable[str]) -> dict[str, str]:
    return {_at(name, place): text for place, text in enumerate(texts, 1)}


def _texts(name: str, outputs: Mapping[str, str]) -> Iterator[str]:
    for place in count(1):
        if (text := outputs.get(_at(name, place))) is None:
            return
        yield text


def _at(name: str, place: int) -> str:
    return name if place == 1 else f"{name}{place}"


def _of_setting(field: str) -> str:
    return "".join(word.capitalize() for word in field.split("_"))


def _of_dead_letters(queue: str) -> str:
    return f"{queue.capitalize()}DeadLetters"
