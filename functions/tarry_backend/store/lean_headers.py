"""HTTP headers in a dict. botocore holds those of a request in an e-mail message, and has an object for each name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AnswerHeaders", "RequestHeaders"]


class AnswerHeaders(dict[str, str]):
    """The headers of an answer. Names are in lower case; a lookup takes any case."""

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value, or the default if there is none."""
        return super().get(name.lower(), default)


class RequestHeaders(dict[str, Any]):
    """The headers of a request, each with one value. It has what botocore uses of ``email.message.Message``."""

    def __init__(self, items: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__((name.lower(), value) for name, value in items)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name.lower(), value)

    def __getitem__(self, name: str) -> Any:
        return super().get(name.lower())  # a message has no KeyError

    def __delitem__(self, name: str) -> None:
        super().pop(name.lower(), None)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value, or the default if there is none."""
        return super().get(name.lower(), default)

    def get_all(self, name: str, default: Any = None) -> Any:
        """Return the value in a list, or the default if there is none."""
        return [self[name]] if name in self else default

    def add_header(self, name: str, value: Any) -> None:
        """Set the header."""
        self[name] = value

    def replace_header(self, name: str, value: Any) -> None:
        """Set the header; raise ``KeyError`` if it is not there."""
        if name not in self:
            raise KeyError(name)
        self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return the value; set it to the default if there is none."""
        return super().setdefault(name.lower(), default)

    def pop(self, name: str, *default: Any) -> Any:
        """Remove the header, and return its value."""
        return super().pop(name.lower(), *default)

    def update(self, *others: Any, **more: Any) -> None:
        """Set these headers."""
        for name, value in dict(*others, **more).items():
            self[name] = value

    def copy(self) -> RequestHeaders:
        """Return the same headers."""
        same = RequestHeaders()
        dict.update(same, self)
        return same
