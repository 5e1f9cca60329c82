"""What several unit tests need."""

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An empty AWS account of moto's, over HTTP."""
    from moto.server import ThreadedMotoServer  # most tests of this folder do without, and it is slow to load

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()  # what is in moto is the process's
        yield url
    finally:
        server.stop()
