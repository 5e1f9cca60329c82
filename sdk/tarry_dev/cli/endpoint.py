"""The endpoint of the local ``tarry dev``, which writes it to a file for the other commands."""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tarry_dev.cli.errors import CommandError
from tarry_dev.moved_time import ahead_of, travel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_dev.cli.connection import Connection
    from tarry_dev.cloud import Cloud

__all__ = ["FILE", "Endpoint"]

FILE = Path(".tarry/dev.json")
"""The file, inside the folder in which ``tarry dev`` runs. Other commands look there and in the folders above."""

_MAX_FACTS = 10_000_000


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
    def find(cls) -> Self:
        """Return the endpoint of the ``tarry dev`` in this folder or one above; ``CommandError`` if none runs."""
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (file := folder / FILE).is_file():
                return cls.read(file)
        raise CommandError(
            f"no tarry dev runs in {here} or above it (looked for {FILE}); start one: tarry dev MODULE:app; "
            "or name a stack on AWS: --stack NAME"
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the endpoint from the file, and check that it answers."""
        try:
            fields = json.loads(file.read_text())
            endpoint = cls(**{**fields, "functions": tuple(fields["functions"])})
        except (ValueError, TypeError, KeyError) as error:
            raise CommandError(f"{file} is damaged ({error}); remove it, and start tarry dev again") from error
        endpoint._check(file)
        return endpoint

    @classmethod
    def check_alone(cls) -> None:
        """Raise ``CommandError`` if a ``tarry dev`` runs in this folder: there may be only one."""
        try:
            other = cls.read(FILE)
        except (CommandError, OSError):
            return  # none ran here, or the last one was killed
        if other.pid == os.getpid():
            return  # this process, before it took up new code
        raise CommandError(
            f"a tarry dev already runs in this folder, app {other.app} at {other.url}: end it, or use another folder"
        )

    def write(self) -> None:
        """Write the file for the other commands of this folder."""
        FILE.parent.mkdir(exist_ok=True)
        (FILE.parent / ".gitignore").write_text("*\n")
        FILE.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def remove_own(cls) -> None:
        """Remove the file, unless another ``tarry dev`` has written it meanwhile."""
        if FILE.is_file() and json.loads(FILE.read_text()).get("pid") == os.getpid():
            FILE.unlink()

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
            yield Connection(deployment, DevLookups(self.url))

    def _check(self, file: Path) -> None:
        place = urlsplit(self.url)
        try:
            socket.create_connection((place.hostname or "", place.port or 80), timeout=3).close()
        except OSError as error:
            raise CommandError(
                f"nothing answers at {self.url}, from {file}: its tarry dev has ended; start it again"
            ) from error


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
