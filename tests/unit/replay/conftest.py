import threading
from collections.abc import Iterator

import pytest

from tarry_backend.replay import engine
from tarry_backend.replay.threads import NAME
from tests.unit.replay import endless
from tests.unit.replay.faces import Face, as_async, as_def


@pytest.fixture(autouse=True)
def _little_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay that fails at rest waits for foreign threads, 30 s. Other tests of this worker leave some."""
    monkeypatch.setattr(engine, "LAST_GRACE", 3)


@pytest.fixture(autouse=True)
def _no_strangers_from_before() -> None:
    """A thread that is older than the test, such as xdist's own, has no answer for its functions."""
    for thread in threading.enumerate():
        if thread.daemon and not thread.name.startswith(NAME):
            thread.name = f"{NAME}old {thread.name}"


@pytest.fixture(autouse=True)
def _endless_code_ends() -> Iterator[None]:
    yield
    endless.end()


@pytest.fixture(params=[as_async, as_def], ids=["async", "def"])
def face(request: pytest.FixtureRequest) -> Face:
    """The test is made twice: of an ``async def``, and of a plain ``def``."""
    chosen: Face = request.param
    return chosen
