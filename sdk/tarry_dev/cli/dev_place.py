"""Where an app of ``tarry dev`` stands: alone, or as one of several, each in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Self

from tarry_dev.bus_file import BusFile
from tarry_dev.cli.dev_files import bus_file
from tarry_dev.cli.endpoint import FILE, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from tarry import App
    from tarry_dev.cloud import Cloud

__all__ = ["Place"]

_PLACE = "TARRY_DEV_PLACE"
"""The variable by which the command that serves several apps tells the process of each its place."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of the app ``target``. ``number`` is its place among several, from 0, or ``None`` if it is alone."""

    target: str
    number: int | None = None
    folder: Path = field(default_factory=Path.cwd)
    """Where the command began: the app may change the folder."""

    @classmethod
    def here(cls, target: str) -> Self:
        """Return the place that this process was given. Its variable is no longer there for the app."""
        given = os.environ.pop(_PLACE, None)
        return cls(target) if given is None else cls(target, int(json.loads(given)))

    @property
    def variables(self) -> Mapping[str, str]:
        """What ``here`` reads in the process of this place."""
        return {_PLACE: json.dumps(self.number)}

    @property
    def file(self) -> Path:
        """The file of the app's endpoint."""
        return FILE if self.number is None else self.folder / FILE.with_name(f"dev-{self.number}.json")

    def take(self, app: App) -> None:
        """Take the place for the app.

        Raises:
            CommandError: Another ``tarry dev`` runs in this folder.
            UsageError: Another app of this ``tarry dev`` has the same id.
        """
        if self.number is None:
            Endpoint.check_alone()
        else:
            with closing(BusFile(bus_file(self.folder), self.target)) as bus:
                bus.claim(app.id)

    def shared(self, cloud: Cloud) -> AbstractContextManager[None]:
        """Within it, the cloud of an app that is not alone has its bus in common with the others."""
        if self.number is None:
            return nullcontext()
        from tarry_dev.cloud.shared_bus import shared_bus

        return shared_bus(cloud, bus_file(self.folder), self.target)

    def end_with_parent(self) -> None:
        """End as by Ctrl-C once the command that serves all apps closes standard input, or is killed."""
        if self.number is not None:
            Thread(target=_end_at_eof, name="tarry-parent", daemon=True).start()


def _end_at_eof() -> None:
    import _thread

    while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 1):
        pass
    _thread.interrupt_main()
