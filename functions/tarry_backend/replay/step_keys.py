"""The keys of a run's steps, made of the ids that its function gives."""

from __future__ import annotations

from collections import Counter

__all__ = ["StepKeys"]


class StepKeys:
    """Gives each step a key of its own: its id; if that is used, the first free one of ``id:1``, ``id:2``…"""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._uses: Counter[str] = Counter()

    def take(self, step_id: str) -> str:
        """Return the key of the next step with this id; no other step gets it."""
        key, count = self._free(step_id)
        self._uses[step_id] = count + 1
        self._keys.add(key)
        return key

    def next(self, step_id: str) -> str:
        """Return what ``take`` would return."""
        return self._free(step_id)[0]

    def _free(self, step_id: str) -> tuple[str, int]:
        count = self._uses[step_id]
        while (key := f"{step_id}:{count}" if count else step_id) in self._keys:
            count += 1
        return key, count
