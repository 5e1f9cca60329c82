"""The console: pages that show runs, waits and events, for ``tarry dev`` and for a deployed stack.

``create_console`` makes a WSGI application of a ``Source``. It reads what the commands read, and does what they do.
"""

from tarry_dev.console.app import create_console
from tarry_dev.console.source import Source

__all__ = ["Source", "create_console"]
