"""What the bodies of steps did, written down by themselves."""

from typing import TypeVar

__all__ = ["Diary"]

T = TypeVar("T")


class Diary:
    """Each entry is one execution of one body. A step that is not run again writes no second one."""

    def __init__(self) -> None:
        self.entries: list[object] = []

    async def write(self, entry: T) -> T:
        """A step's body: notes the entry, and gives it back."""
        self.entries.append(entry)
        return entry
