import pytest

from tests.unit.replay.faces import Face, as_async, as_def


@pytest.fixture(params=[as_async, as_def], ids=["async", "def"])
def face(request: pytest.FixtureRequest) -> Face:
    """The test is made twice: of an ``async def``, and of a plain ``def``."""
    chosen: Face = request.param
    return chosen
