"""Where this Tarry came from, so that a new project can be given the same."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, distribution

__all__ = ["requirement"]


def requirement(extra: str, tarry: Distribution | None = None) -> str:
    """A line of a requirements file: the folder, file or commit that it was installed from, or else its version."""
    tarry = tarry or distribution("tarry")
    name = f"tarry[{extra}]"
    recorded = tarry.read_text("direct_url.json")  # PEP 610: only what did not come from an index has it
    if recorded is None:
        return f"{name}=={tarry.version}"
    origin = json.loads(recorded)
    if "vcs_info" in origin:
        version_control = origin["vcs_info"]
        return f"{name} @ {version_control['vcs']}+{origin['url']}@{version_control['commit_id']}"
    return f"{name} @ {origin['url']}"
