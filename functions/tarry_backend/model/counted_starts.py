"""The starts that a rate limit has counted: at most so many in any time of a length. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CountedStarts"]


@dataclass(frozen=True, slots=True)
class CountedStarts:
    """When the starts that still count were, in their order (Unix milliseconds)."""

    moments: tuple[int, ...] = ()

    def moment(self, received_at: int) -> int:
        """Return when an event counts: when it was received, or with the last one counted, if that is later.

        So the moments have one order, and an event that overtakes another one opens no place before it:

            received    a (5) ── b (9) ── c (14)
            processed   b (9) ── a: counts at 9 ── c (14)
        """
        return max(received_at, self.moments[-1] if self.moments else received_at)

    def free_at(self, limit: int, span: int) -> int | None:
        """Return when one more may count again; ``None`` if there is room."""
        return self.moments[-limit] + span if len(self.moments) >= limit else None

    def with_one(self, received_at: int, limit: int, span: int) -> CountedStarts | None:
        """Return the starts with one more; ``None`` if ``limit`` of them are within ``span`` milliseconds.

        A start counts from its moment until just before ``span`` later: any time of that length has ``limit`` at most.
        """
        moment = self.moment(received_at)
        within = tuple(each for each in self.moments if each > moment - span)
        return None if len(within) >= limit else CountedStarts((*within, moment))
