"""A call to AWS that a player makes, and what it is given for it."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["Answer", "Request", "canonical"]

Json = dict[str, Any]


def canonical(value: Any) -> str:
    """Return a text that two values share only if they are equal."""
    return json.dumps(value, sort_keys=True, default=repr)


@dataclass(frozen=True, eq=False)
class Request:
    """A call: its operation, and what is asked."""

    operation: str
    asked: Json

    @cached_property
    def text(self) -> str:
        """All of it."""
        return f"{self.operation} {canonical(self.asked)}"

    @cached_property
    def writes(self) -> list["Request"]:
        """Those of a batch. A batch is no transaction: DynamoDB carries its writes out one by one, in any order."""
        return [
            Request("PutItem" if "PutRequest" in write else "DeleteItem", {"TableName": table, **request})
            for table, writes in self.asked["RequestItems"].items()
            for write in writes
            for request in write.values()
        ]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a call gives: a value, or the error that ``error`` makes. ``text`` tells it from other answers."""

    text: str
    value: Any = None
    error: Callable[[], BaseException] | None = None

    @classmethod
    def of(cls, value: Any) -> "Answer":
        """This value."""
        return cls(canonical(value), value)

    @classmethod
    def refusal(cls, response: Any, operation: str) -> "Answer":
        """An error of AWS."""
        return cls(f"refused: {canonical(response)}", error=lambda: ClientError(deepcopy(response), operation))

    def give(self) -> Any:
        """The value, which the receiver may change; or the error is raised."""
        if self.error is not None:
            raise self.error()
        return deepcopy(self.value)
