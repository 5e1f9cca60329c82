"""A duration, for people."""

from __future__ import annotations

__all__ = ["span"]

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))


def span(milliseconds: int) -> str:
    """Write a duration in its two largest units: ``3 ms``, ``1.2 s``, ``2 h 5 m``, ``3 d``."""
    if milliseconds < 1_000:
        return f"{max(milliseconds, 0)} ms"
    if milliseconds < 10_000:
        return f"{milliseconds / 1000:.1f} s".replace(".0", "")
    parts: list[str] = []
    for unit, size in _UNITS:
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break  # "3 d", not "3 d 2 s"
    return " ".join(parts[:2])
