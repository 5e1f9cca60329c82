"""The log lines of the Lambdas have the keys of AWS Lambda Powertools, which their readers' queries use."""

import json
import logging
import sys
from threading import Thread
from typing import Any

import pytest

from tarry_backend import log_lines
from tarry_backend.log_lines import LineFormatter, concerning, logged


class Context:
    """Lambda's context object."""

    function_name = "matcher"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:matcher"
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 1_000


def line(message: Any, *args: object, error: bool = False, **extra: object) -> dict[str, Any]:
    info = sys.exc_info() if error else None
    record = logging.getLogger("tarry.test").makeRecord(
        "tarry.test", logging.WARNING, "test.py", 7, message, args, info, func="where", extra=extra
    )
    found: dict[str, Any] = json.loads(LineFormatter().format(record))
    return found


def test_a_line_says_what_where_and_when_and_has_its_extras() -> None:
    found = line("run %s failed", "r1", run_id="r1", nothing=None)
    assert found["level"] == "WARNING"
    assert found["location"] == "where:7"
    assert found["message"] == "run r1 failed"
    assert found["service"] == "tarry"
    assert found["run_id"] == "r1"
    assert "nothing" not in found
    assert len(found["timestamp"]) == len("2026-01-05 12:00:00,123+0000")


def test_a_message_that_is_a_document_can_be_queried_by_its_fields() -> None:
    assert line('{"total": 3}')["message"] == {"total": 3}
    assert line({"total": 3})["message"] == {"total": 3}
    assert line("100%")["message"] == "100%"
    assert line(ValueError("not JSON"))["message"] == "not JSON"


def test_an_error_has_its_name_and_its_stack() -> None:
    try:
        raise ValueError("no")
    except ValueError as raised:
        raised.add_note("a note")
        found = line("it failed", error=True)
    assert found["exception_name"] == "ValueError"
    assert found["exception"].startswith("Traceback")
    assert found["exception_notes"] == ["a note"]
    assert found["stack_trace"]["value"] == "no"
    assert found["stack_trace"]["frames"][-1]["function"] == "test_an_error_has_its_name_and_its_stack"


def test_an_invocation_has_its_keys_and_only_the_first_one_is_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "_common", {"service": "tarry"})
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3;Sampled=1")
    handler = logged(lambda event, context: line(event["text"]))
    first, second = handler({"text": "a"}, Context()), handler({"text": "b"}, Context())
    assert (first["cold_start"], second["cold_start"]) == (True, False)
    assert (first["function_request_id"], first["function_name"]) == ("request", "matcher")
    assert first["xray_trace_id"] == "1-2-3"


def test_the_keys_of_a_block_are_in_its_lines_alone() -> None:
    with concerning(run_id="outer"), concerning(function_id="f"):
        assert line("in")["run_id"] == "outer"
        assert line("in")["function_id"] == "f"
    assert "run_id" not in line("after")


def test_the_keys_of_another_thread_are_not_in_its_lines() -> None:
    found: list[dict[str, Any]] = []
    with concerning(run_id="here"):
        thread = Thread(target=lambda: found.append(line("there")))
        thread.start()
        thread.join()
    assert "run_id" not in found[0]
