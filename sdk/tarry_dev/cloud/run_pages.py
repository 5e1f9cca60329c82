"""The pages of a host's runs as files, for the report of a failed test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.runtime import runtime
from tarry_dev.console.leaflet import leaflet
from tarry_dev.console.source import Source
from tarry_dev.lookups import StoreLookups

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tarry_dev.cloud.host import Host

__all__ = ["write_pages"]

_KEPT = 100
"""How many files of earlier tests stay in the folder."""


def write_pages(host: Host, folder: Path, most: int) -> Iterator[tuple[str, Path]]:
    """Write a file for each of the last runs; yield the run's name and the file, the run that started last at the end.

    A run of a test has the same id each time, so its file is that of the last time.
    """
    cloud = host.cloud
    deployment = Deployment(cloud.app.id, tuple(cloud.app.functions), cloud.settings, {}, facts_of(cloud.app))
    source = Source(lookups=StoreLookups(deployment, runtime().store), name=f"{cloud.app.id} in a test", is_local=True)
    for old in sorted(folder.glob("*.html"), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
    for run in host.runs()[-most:]:
        file = folder / f"{run.id}.html"
        file.write_text(leaflet(source, run.id), "utf-8", "surrogatepass")
        yield f"{run.function_id} {run.id[:8]}", file
