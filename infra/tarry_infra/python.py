"""The Lambdas' version of Python."""

from __future__ import annotations

import sys
from functools import cache

from aws_cdk import aws_lambda as lambda_

from tarry.errors import UsageError

__all__ = ["OLDEST", "check_snap_start", "default_runtime", "is_newest"]

_SUPPORTED = {
    (3, 12): lambda_.Runtime.PYTHON_3_12,
    (3, 13): lambda_.Runtime.PYTHON_3_13,
    (3, 14): lambda_.Runtime.PYTHON_3_14,
}
"""The versions that a stack takes by itself, the oldest first."""

OLDEST, _NEWEST = min(_SUPPORTED), max(_SUPPORTED)

_WITHOUT_SNAP_START = {f"python3.{minor}" for minor in range(12)}


def default_runtime(version: tuple[int, int] = sys.version_info[:2]) -> lambda_.Runtime:
    """Return the runtime of the Python that synthesises, or the nearest one to it, and say so on standard error.

    With the same version, the Lambdas run what the tests ran, and synthesis can compile their code.
    """
    nearest = min(max(version, OLDEST), _NEWEST)
    if nearest != version:
        _say(version, nearest)
    return _SUPPORTED[nearest]


def is_newest(runtime: lambda_.Runtime) -> bool:
    """Whether there is no newer runtime that Tarry knows."""
    return runtime.name == _SUPPORTED[_NEWEST].name


def check_snap_start(runtime: lambda_.Runtime) -> None:
    """Raise ``UsageError`` if Lambda has no SnapStart for this runtime."""
    if runtime.name in _WITHOUT_SNAP_START:
        raise UsageError(f"snap_start=True needs Python 3.12 or newer, and the stack's runtime is {runtime.name}")


@cache
def _say(version: tuple[int, int], taken: tuple[int, int]) -> None:
    own, other = (f"{major}.{minor}" for major, minor in (version, taken))
    which = "oldest" if taken == OLDEST else "newest"
    sys.stderr.write(
        f"tarry: synthesis runs on Python {own}, and the Lambdas get Python {other}, the {which} version that Tarry "
        f"deploys by itself. To run in Lambda what you tested here, synthesise with Python {other}, or give the stack "
        "a runtime, such as runtime=aws_lambda.Runtime.PYTHON_3_13\n"
    )
