"""An app at its worst: whatever it answers, its run fails or is tried again, and says why. No executor dies of it."""

import hashlib
from typing import Any

import pytest

from tests.functional.remote.impostor import SDK, Impostor, Reply, step_of
from tests.functional.remote.test_bad_apps import DONE, after, hosted

DEEP = "[" * 10_000 + "]" * 10_000


def op(kind: str, step: str = "s", **fields: Any) -> dict[str, Any]:
    return {
        "id": hashlib.sha1(step.encode(), usedforsecurity=False).hexdigest(),
        "op": kind,
        "userland": {"id": step},
        **fields,
    }


def wait(event: str, **opts: Any) -> dict[str, Any]:
    return op("WaitForEvent", opts={"event": event, "timeout": "1h", **opts})


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        pytest.param(Reply(206, DEEP), "is no JSON", id="deep"),
        pytest.param(
            Reply(206, f'[{{"id": "{"a" * 40}", "op": "StepRun", "data": {DEEP}}}]'), "is no JSON", id="deep data"
        ),
        pytest.param(Reply(500, DEEP), "is no JSON", id="deep error"),
        pytest.param(Reply(206, [op("StepRun", "s") | {"id": "x" * 10_000}]), "has the id", id="long id"),
        pytest.param(Reply(206, [{"id": "\ud800", "op": "StepRun"}]), "has the id", id="surrogate id"),
        pytest.param(Reply(206, [{"id": "a\nb\x1b[31m", "op": "StepRun"}]), "has the id", id="control id"),
        pytest.param(Reply(206, [op("Sleep", name="1" * 5_000 + "s")]), "366 days", id="long sleep"),
        pytest.param(Reply(206, [wait("\ud800")]), "event", id="surrogate event"),
        pytest.param(Reply(206, [wait("x" * 10_000)]), "event", id="long event"),
        pytest.param(Reply(206, [wait("x/y", **{"if": "(" * 5_000})]), "step 's'", id="deep condition"),
        pytest.param(Reply(206, [wait("x/y", **{"if": "\ud800"})]), "step 's'", id="surrogate condition"),
        pytest.param(
            Reply(206, [op("WaitForSignal", opts={"signal": "\ud800", "timeout": "1h"})]),
            "step 's'",
            id="surrogate signal",
        ),
        pytest.param(
            Reply(206, [op("InvokeFunction", opts={"function_id": "\ud800"})]), "step 's'", id="surrogate function"
        ),
        pytest.param(
            Reply(206, [op("InvokeFunction", opts={"function_id": "fake-fn", "payload": {"data": {"a": "\ud800"}}})]),
            "s",
            id="surrogate payload",
        ),
        pytest.param(
            Reply(
                206,
                [op("InvokeFunction", opts={"function_id": "fake-fn", "payload": {"data": {"a": "x" * 2_000_000}}})],
            ),
            "s",
            id="large payload",
        ),
        pytest.param(Reply(206, '[{"id": "%s", "op": "StepRun", "data": NaN}]' % ("a" * 40)), "a" * 40, id="NaN"),
        pytest.param(
            Reply(206, '[{"id": "%s", "op": "StepRun", "data": 1e999}]' % ("a" * 40)), "a" * 40, id="infinite"
        ),
        pytest.param(
            Reply(206, [op("StepFailed", error={"name": "\ud800", "message": "\x00\x1b", "stack": "\ud800"})]),
            "s",
            id="surrogate error",
        ),
        pytest.param(
            Reply(206, [op("StepFailed", error={"name": "E", "data": "x" * 3_000_000, "message": "m" * 3_000_000})]),
            "s",
            id="large error",
        ),
        pytest.param(
            Reply(206, [op("StepFailed", error={"name": "E", "data": "\ud800"})]), "E: ", id="surrogate error data"
        ),
        pytest.param(Reply(206, [op("StepRun", data="\ud800")]), "done", id="surrogate result"),
        pytest.param(Reply(206, [op("StepPlanned", f"{n}") for n in range(30_000)]), "at most", id="many planned"),
        pytest.param(Reply(206, [op("Sleep", f"{n}", name="1h") for n in range(3_000)]), "at most", id="many sleeps"),
        pytest.param(Reply(200, '{"a": NaN}'), "output", id="NaN result"),
        pytest.param(Reply(200, "[" * 300 + "]" * 300), "output", id="deep result"),
        pytest.param(Reply(206, [], {**SDK, "x-a": "y" * 70_000}), "no answer", id="long header"),
        pytest.param(Reply(206, [], {**SDK, **{f"x-{n}": "y" for n in range(200)}}), "no answer", id="many headers"),
        pytest.param(Reply(206, "x" * 100, {**SDK, "Content-Encoding": "gzip"}), "no answer", id="no gzip"),
        pytest.param(Reply(201, "  [1]"), "streams", id="no stream"),
        pytest.param(Reply(201, '{"status": 206, "body": "[", "headers": 3}'), "is no JSON", id="bad stream"),
        pytest.param(
            Reply(
                500,
                {"name": 1, "message": {"a": [1]}, "stack": [], "cause": {"x": "y"}},
                {**SDK, "retry-after": "9999-99-99"},
            ),
            "a",
            id="odd error",
        ),
        pytest.param(Reply(500, None, {**SDK, "retry-after": "1" * 400}), "null", id="null error"),
        pytest.param(
            Reply(206, [op("AIGateway", opts={"url": "http://[", "body": "\ud800"})]),
            "cannot be read",
            id="bad address",
        ),
    ],
)
def test_whatever_an_app_answers_the_run_says_what_is_wrong(
    bad: Reply, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Impostor([step_of("fake-fn", "x/y")], after(bad, bad, DONE)) as app, hosted(app) as host:
        host.send("x/y")
        assert told in f"{host.run()}{host.run().error}{host.run().timeline}"
        host.advance("1h")
        assert host.run().status in ("failed", "finished")
        assert len(app.asked) <= 4
    assert not [record for record in caplog.records if record.getMessage().endswith("SQS delivers it again")]


def test_an_id_that_is_planned_twice_is_asked_for_once() -> None:
    planned = [op("StepPlanned"), op("StepPlanned"), op("StepPlanned", "t")]

    ran = [op("StepRun", data=1), op("StepRun", "t", data=2)]

    def answer(document: dict[str, Any]) -> Reply:
        if document["steps"]:
            return DONE
        return Reply(206, planned if len(app.asked) == 1 else ran)

    with Impostor([step_of("fake-fn", "x/y")], answer) as app, hosted(app) as host:
        host.send("x/y")
        assert host.result() == "done"
        assert len(app.asked) == 4


@pytest.mark.parametrize("body", [[], [op("StepRun", data=1)]], ids=["no step", "a step that has ended"])
def test_a_run_that_nothing_would_wake_does_not_rest(body: list[dict[str, Any]]) -> None:
    with (
        Impostor(
            [
                step_of(
                    "fake-fn",
                    "x/y",
                )
            ],
            lambda _: Reply(206, body),
        ) as app,
        hosted(app) as host,
    ):
        host.send("x/y")
        assert "neither returns nor asks" in str(host.run())
        host.advance("2h")
        assert host.run().status == "failed"
        assert "neither returns nor asks" in str(host.run())
