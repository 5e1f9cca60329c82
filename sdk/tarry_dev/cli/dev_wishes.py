"""What the person wants of ``tarry dev``, beside the apps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Wishes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of ``tarry dev``."""

    port: int = 8787
    allowed_hosts: Sequence[str] = ()
    fresh: bool = False
    reload: bool = True
    urls: tuple[str, ...] = ()
