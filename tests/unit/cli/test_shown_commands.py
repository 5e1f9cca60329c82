"""Each ``tarry`` command that a page, a help text or an error shows is one that there is, with options that it has."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tarry_dev.cli.commands.registry import app
from tests.unit.repository import ROOT

COMMANDS: Any = get_command(app)
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *sorted(ROOT.glob("docs/**/*.md"))]
SOURCES = [
    path
    for folder in ("sdk", "functions", "infra", "examples")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".html", ".toml", ".txt", ".md")
]

_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_IN_A_BLOCK = re.compile(r"^(?:\$ )?(tarry [a-z-].*)", re.MULTILINE)
_IN_A_LINE = re.compile(r"`(tarry [a-z-][^`]*)`")
_IN_A_SOURCE = re.compile(r"(?:``?|^ +|\$ )(tarry [a-z-][^`\"\n]*)", re.MULTILINE)
_WITH_OPTIONS = re.compile(r"\b(tarry [a-z]+ (?:[^`\"\n]* )?--[a-z][^`\"\n]*)")
_END = re.compile(r"\s#| \| | && |[;,] ")


def on_pages() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        text = page.read_text()
        for block in _FENCED.findall(text):
            yield from ((page, line) for line in _IN_A_BLOCK.findall(block.replace("\\\n", " ")))
        yield from ((page, line.replace("\n", " ")) for line in _IN_A_LINE.findall(_FENCED.sub("", text)))


def in_sources() -> Iterator[tuple[Path, str]]:
    for path in SOURCES:
        text = path.read_text()
        yield from ((path, line) for line in (*_IN_A_SOURCE.findall(text), *_WITH_OPTIONS.findall(text)))


def problem(shown: str) -> str | None:
    """What is wrong with a command as it is shown; ``None`` if nothing is."""
    command = _END.split(shown)[0]
    try:
        _, *words = shlex.split(command)
    except ValueError:  # a quotation that goes on in the next line
        _, *words = command.split()
    found = COMMANDS
    while words and hasattr(found, "commands") and not words[0].startswith("-"):
        name = words.pop(0).rstrip(".:)")
        if name not in found.commands:
            return f"no command {name!r}"
        found = found.commands[name]
    known = {"-h", "--help", *(option for each in found.params for option in (*each.opts, *each.secondary_opts))}
    unknown = [word for word in words if re.match(r"--?[a-z]", word) and re.split("[=.:)]", word)[0] not in known]
    return f"{found.name} has no {', '.join(unknown)}" if unknown else None


@pytest.mark.parametrize(("shown", "least"), [(on_pages, 250), (in_sources, 150)], ids=["pages", "sources"])
def test_each_shown_command_is_there_with_its_options(shown: Any, least: int) -> None:
    commands = list(shown())
    assert len(commands) >= least
    wrong = {(path.name, command, found) for path, command in commands if (found := problem(command))}
    assert wrong == set()


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("tarry dlq redrive events --stack shop", None),
        ("tarry retry RUN --form STEP", "retry has no --form"),
        ("tarry show RUN", "no command 'show'"),
        ("tarry dlq list", "no command 'list'"),
        ("tarry events --sql \"select '--limit'\" --all", "events has no --all"),
        ("tarry advance --next   # to the next --timer", None),
    ],
)
def test_a_wrong_command_is_noticed(shown: str, found: str | None) -> None:
    assert problem(shown) == found
