"""The endpoint of the local ``tarry dev``, which writes it to a file for the other commands."""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.project_file import dev_command
from tarry_dev.moved_time import ahead_of, travel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from tarry_dev.cli.connection import Connection
    from tarry_dev.cloud import Cloud

__all__ = ["FILE", "Endpoint"]

FILE = Path(".tarry/dev.json")
"""The file, inside the folder in which ``tarry dev`` runs. Other commands look there and in the folders above."""

_MAX_FACTS = 10_000_000

_MEMBERS = "members"
"""The field of ``.tarry/dev.json`` that names the endpoints' files, if there are several apps."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The content of ``.tarry/dev.json``.

    ``settings`` are the fields of ``tarry_backend.deploy.settings.Settings``; ``dead_letters`` are the URLs of the
    dead-letter queues by the names of their queues; ``signals`` is the name of the signals Lambda. ``facts`` are those
    of the functions, as ``tarry_backend.deploy.function_facts`` writes them. ``clock`` is the file of its clock.
    """

    url: str
    pid: int
    app: str
    functions: tuple[str, ...]
    region: str
    settings: dict[str, Any]
    dead_letters: dict[str, str]
    signals: str
    facts: str = "[]"
    clock: str = ""

    @classmethod
    def of(cls, cloud: Cloud, url: str, clock: Path) -> Self:
        """Return the endpoint of a cloud that this process serves. ``clock`` is its clock's file."""
        from tarry_backend.deploy.function_facts import facts_of, write_facts

        app = cloud.app
        dead_letters = {name: queue.dead_url for name, queue in cloud.queues.items()}
        facts = write_facts(facts_of(app), _MAX_FACTS)
        signals = cloud.functions["signals"].function_name
        functions, settings = tuple(app.functions), asdict(cloud.settings)
        where = url, os.getpid(), app.id, functions, cloud.region
        return cls(*where, settings, dead_letters, signals, facts, str(clock))

    @classmethod
    def find(cls, app: str | None = None) -> list[Self]:
        """Return the endpoints of the ``tarry dev`` in this folder or one above: one for each app, in its order.

        With ``app`` it is that of the app alone.

        Raises:
            CommandError: None runs, or it does not serve the app.
        """
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (file := folder / FILE).is_file():
                found = cls.read(file)
                chosen = [each for each in found if app in (None, each.app)]
                if not chosen:
                    apps = ", ".join(each.app for each in found)
                    raise CommandError(f"the tarry dev of {folder} serves no app {app!r} now; it serves {apps}")
                return chosen
        raise CommandError(
            f"no tarry dev runs in {here} or above it (looked for {FILE}); start one: {dev_command()}; "
            "or name a stack on AWS: --stack NAME"
        )

    @classmethod
    def read(cls, file: Path) -> list[Self]:
        """Read the endpoints from the file, and check that they answer. Of several apps those that do are returned."""
        try:
            fields = json.loads(file.read_text("utf-8"))
            if _MEMBERS not in fields:
                return [cls._made(fields)._checked(file)]
            members = [file.with_name(str(name)) for name in fields[_MEMBERS]]
        except (ValueError, TypeError, KeyError) as error:
            raise CommandError(f"{file} is damaged ({error}); remove it, and start tarry dev again") from error
        found: list[Self] = []
        for member in members:
            with suppress(OSError, ValueError, TypeError, KeyError, CommandError):  # it cannot be imported, or ended
                found.append(cls._made(json.loads(member.read_text()))._checked(member))
        if not found:
            raise CommandError(f"no app of the tarry dev of {file} answers: it shows why, or it has ended")
        return found

    @classmethod
    def check_alone(cls) -> None:
        """Raise ``CommandError`` if a ``tarry dev`` runs in this folder: there may be only one."""
        try:
            others = [other for other in cls.read(FILE) if other.pid != os.getpid()]
        except (CommandError, OSError):
            return  # none ran here, or the last one was killed
        if others:  # else it is this process, before it took up new code
            raise CommandError(
                f"a tarry dev already runs in this folder, app {others[0].app} at {others[0].url}: end it, or use "
                "another folder"
            )

    def write(self, file: Path = FILE) -> None:
        """Write the file for the other commands of this folder."""
        _write(file, asdict(self))

    @staticmethod
    def write_group(names: Sequence[str]) -> None:
        """Write, for several apps, in which files beside it the endpoint of each will be."""
        _write(FILE, {"pid": os.getpid(), _MEMBERS: list(names)})

    @staticmethod
    def remove_own(file: Path = FILE) -> None:
        """Remove the file, unless another ``tarry dev`` has written it meanwhile."""
        if file.is_file() and json.loads(file.read_text("utf-8")).get("pid") == os.getpid():
            file.unlink()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Connect to the app at this endpoint.

        Within it, the boto clients of this process use the endpoint, whatever profile, region or keys the person has,
        and this process has the time of the cloud, which ``tarry advance`` may have moved.
        """
        from tarry_backend.deploy.function_facts import read_facts
        from tarry_backend.deploy.outputs import Deployment
        from tarry_backend.deploy.settings import Settings
        from tarry_dev.cli.connection import Connection
        from tarry_dev.cli.dev_lookups import DevLookups

        with _environment(self.url, self.region), _time_of(self.clock):
            settings = Settings(**self.settings)
            facts = read_facts(self.facts)
            deployment = Deployment(self.app, self.functions, settings, self.dead_letters, facts)
            yield Connection(deployment, DevLookups(self.url), url_of=lambda _: self.url)

    def time(self) -> AbstractContextManager[None]:
        """Return a context in which this process has the time of the cloud."""
        return _time_of(self.clock)

    @classmethod
    def _made(cls, fields: dict[str, Any]) -> Self:
        return cls(**{**fields, "functions": tuple(fields["functions"])})

    def _checked(self, file: Path) -> Self:
        place = urlsplit(self.url)
        try:
            socket.create_connection((place.hostname or "", place.port or 80), timeout=3).close()
        except OSError as error:
            raise CommandError(
                f"nothing answers at {self.url}, from {file}: its tarry dev has ended; start it again"
            ) from error
        return self


def _write(file: Path, fields: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    (file.parent / ".gitignore").write_text("*\n", "utf-8")
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(fields, indent=2) + "\n", "utf-8")
    unfinished.replace(file)


@contextmanager
def _time_of(file: str) -> Iterator[None]:
    ahead = ahead_of(Path(file)) if file else 0  # an older tarry dev wrote no file
    with travel(ahead) if ahead else nullcontext():
        yield


@contextmanager
def _environment(url: str, region: str) -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "tarry",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= before
