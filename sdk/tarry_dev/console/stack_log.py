"""The lines that a run of a deployed stack logged: CloudWatch Logs has them."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tarry_dev.console.source import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import boto3

__all__ = ["StackLog"]

_CONSOLE = "console.aws.amazon.com"
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
"""The consoles of the partitions with one of their own, by how the names of their regions begin."""

_PAGES, _LINES = 20, 500
"""How many requests a reading takes at most, and how many lines it returns."""


class StackLog:
    """The log of a stack's executor."""

    def __init__(self, session: boto3.Session, stack: str) -> None:
        self._session = session
        self._stack = stack

    def read(self, run_id: str, since: int, until: int) -> Sequence[LogLine]:
        """Return the lines of a run, in their order. CloudWatch looks through all lines of that time."""
        if self._group is None:
            return ()
        found: list[LogLine] = []
        asked: Any = {
            "logGroupName": self._group,
            "filterPattern": f'{{ $.run_id = "{run_id}" }}',
            "startTime": since,
            "endTime": until,
        }
        pages = self._session.client("logs").get_paginator("filter_log_events").paginate(**asked)
        for number, page in enumerate(pages, start=1):
            found += [_line(each["timestamp"], each["message"]) for each in page.get("events", [])]
            if number == _PAGES or len(found) >= _LINES:
                break
        return found[:_LINES]

    def link(self, run_id: str) -> str | None:
        """Return the address at which AWS shows them; ``None`` if the log group is not known."""
        if self._group is None:
            return None
        region = self._session.region_name
        query = f'fields @timestamp, level, message | filter run_id = "{run_id}" | sort @timestamp'
        detail = (
            f"~(end~0~start~-604800~timeType~'RELATIVE~editorString~'{_tilde(query)}~source~(~'{_tilde(self._group)}))"
        )
        encoded = quote(f"?queryDetail={detail}", safe="~()'*").replace("%", "$25").replace("?", "$3F")
        console = next((host for start, host in _CONSOLES.items() if region.startswith(start)), _CONSOLE)
        return f"https://{region}.{console}/cloudwatch/home?region={region}#logsV2:logs-insights{encoded}"

    @cached_property
    def _group(self) -> str | None:
        return next(self._groups(), None)

    def _groups(self) -> Iterator[str]:
        resources = self._session.client("cloudformation").get_paginator("list_stack_resources")
        for page in resources.paginate(StackName=self._stack):
            for each in page["StackResourceSummaries"]:
                if each["ResourceType"] == "AWS::Logs::LogGroup" and "Executor" in each["LogicalResourceId"]:
                    yield each["PhysicalResourceId"]


def _line(at: int, text: str) -> LogLine:
    try:
        fields: Any = json.loads(text)
        if not isinstance(fields, dict):
            raise TypeError
    except (ValueError, TypeError, RecursionError):
        return LogLine(at, "INFO", text.strip())
    said = str(fields.get("message", ""))
    if "exception_name" in fields:
        said += f": {str(fields.get('exception', '')).strip().rpartition(chr(10))[2] or fields['exception_name']}"
    return LogLine(at, str(fields.get("level", "INFO")), said, str(fields.get("location", "")))


def _tilde(text: str) -> str:
    """The text as AWS's console writes it in an address: each odd character as ``*`` and its number."""
    return "".join(each if each.isalnum() and each.isascii() else f"*{ord(each):02x}" for each in text)
