"""What several unit tests need."""

from collections.abc import Iterator
from threading import Thread
from urllib.request import Request, urlopen

import pytest


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An empty AWS account of moto's, over HTTP."""
    from moto.moto_server.werkzeug_app import (  # most tests of this folder do without, and it is slow to load
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object) -> None:
            """Say nothing."""

    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, args=(0.01,))  # moto's own takes half a second to end
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()  # what is in moto is the process's
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
