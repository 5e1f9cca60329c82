"""A watcher of a loop, for tests in which some thread works all the while."""


class BusyWatcher:
    """A watcher of a loop on which some thread works."""

    def progress(self) -> bool:
        return False

    def is_busy(self) -> bool:
        return True

    def patience(self, *, connected: bool) -> float:
        return 0

    def come_to_rest(self) -> None:
        raise AssertionError("a thread works")
