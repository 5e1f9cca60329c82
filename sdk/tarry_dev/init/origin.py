"""Where this Tarry came from, so that a new project can be given the same."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, distribution

__all__ = ["requirement"]

_NAME = "tarry[local,infra]"


def requirement(tarry: Distribution | None = None) -> str:
    """A line of a requirements file: the folder, file or commit that it was installed from, or else its version."""
    tarry = tarry or distribution("tarry")
    recorded = tarry.read_text("direct_url.json")  # PEP 610: only what did not come from an index has it
    if recorded is None:
        return f"{_NAME}=={tarry.version}"
    origin = json.loads(recorded)
    if "vcs_info" in origin:
        version_control = origin["vcs_info"]
        return f"{_NAME} @ {version_control['vcs']}+{origin['url']}@{version_control['commit_id']}"
    return f"{_NAME} @ {origin['url']}"
