"""The acts of the demo: which file is played to which app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_dev.cli.apps import find_app
from tarry_dev.cli.demo.play import play
from tarry_dev.cli.demo.story import heading, story, teaches
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.logs import log_lines
from tarry_dev.event_file import Advance, read_event_file
from tarry_dev.shipped_examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from tarry import App
    from tarry_dev.event_file import Line

__all__ = ["show"]

_FILES = ("events.jsonl", "flags.jsonl")
_APPS = ("onboarding", "approval", "order", "feature_flags")

_OPENING = (
    "Tarry runs durable functions that wait for events: here on an embedded AWS, with EventBridge, SQS, DynamoDB and "
    "the Lambda handlers that are deployed, all in this process. While a run waits, nothing of it runs."
)

_CLOSING = """\
Next: send your own file of events: tarry demo --events mine.jsonl
      run an app in real time: tarry dev examples.onboarding:app
      read its code: {code}"""


@dataclass(frozen=True, slots=True)
class Act:
    """A file of events, and the app whose functions it starts."""

    file: Path
    script: Sequence[Line]
    target: str
    app: App


def show(events: Path | None, target: str | None, console: Console) -> None:
    """Plays the file, or those of the examples, to the app, or to each of the examples that has use for it."""
    acts = _acts(events, target)
    console.print(_OPENING + "\n")
    for place, act in enumerate(acts):
        console.print(heading(act.target, act.file, teaches(act.target)))
        with log_lines(console):
            played = play(act.app, act.script)
        console.print(story(act.app, played, in_detail=place == 0))
    console.print(_CLOSING.format(code=_near(EXAMPLES / "onboarding.py")), soft_wrap=True)


def _acts(events: Path | None, target: str | None) -> list[Act]:
    """All is read and checked before anything is played."""
    files = [events] if events is not None else [EXAMPLES / name for name in _FILES]
    targets = [target] if target is not None else [f"examples.{name}:app" for name in _APPS]
    scripts = {file: read_event_file(file) for file in files}
    apps = {each: find_app(each) for each in targets}
    acts = [
        Act(file, script, each, app)
        for file, script in scripts.items()
        for each, app in apps.items()
        if _starts(app, _names(script))
    ]
    if not acts:
        raise CommandError(_nothing_starts(scripts, apps))
    return acts


def _near(file: Path) -> Path:
    """The file's path from here if it is below, as in a clone."""
    here = file.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def _names(script: Iterable[Line]) -> set[str]:
    return {line.name for line in script if not isinstance(line, Advance)}


def _starts(app: App, names: Iterable[str]) -> bool:
    triggers = [trigger for function in app.functions.values() for trigger in function.event_triggers]
    return any(trigger.names(name) for name in names for trigger in triggers)


def _nothing_starts(scripts: Mapping[Path, Sequence[Line]], apps: Mapping[str, App]) -> str:
    names = sorted(name for script in scripts.values() for name in _names(script))
    triggers = sorted(
        trigger.event for app in apps.values() for each in app.functions.values() for trigger in each.event_triggers
    )
    return (
        f"{', '.join(map(str, scripts))} would start nothing: it sends {', '.join(names) or 'no event'}, "
        f"and the functions of {', '.join(apps)} start with {', '.join(triggers) or 'nothing'}"
    )
