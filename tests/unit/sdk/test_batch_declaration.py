"""What batches may be: everything else is refused where the function is created, with the reason."""

from datetime import timedelta
from typing import Any

import pytest

from tarry import App, Batch, Cancel, Context, DurationError, ExpressionError, TriggerEvent, UsageError
from tarry_backend.deploy.function_facts import FunctionFacts, read_facts, write_facts
from tarry_backend.deploy.manifest import Manifest


async def handler(ctx: Context) -> None:
    pass


def create(batch: Any, **options: Any) -> App:
    app = App("shop")
    app.create_function(fn_id="book", trigger=TriggerEvent("sold"), batch_events=batch, **options)(handler)
    return app


@pytest.mark.parametrize("size", [0, 1, -1, 101, True, "3", 1.5, None])
def test_a_size_is_a_number_from_two_to_a_hundred(size: Any) -> None:
    with pytest.raises(UsageError, match=r"batch_events: max_size is .*; give a whole number from 2 to 100"):
        Batch(size, "30s")


@pytest.mark.parametrize("timeout", ["999ms", "0s", -5, "7d", "soon", None])
def test_a_timeout_is_a_second_to_six_days(timeout: Any) -> None:
    with pytest.raises(DurationError, match="batch_events: timeout"):
        Batch(2, timeout)
    assert [Batch(2, given).open_for for given in ("1s", timedelta(days=6))] == [1_000, 518_400_000]


@pytest.mark.parametrize("expression", ["", " ", 7])
def test_a_key_and_a_condition_are_expressions(expression: Any) -> None:
    with pytest.raises(UsageError, match="batch_events: key is"):
        Batch(2, "30s", key=expression)
    with pytest.raises(UsageError, match="batch_events: if_exp is"):
        Batch(2, "30s", if_exp=expression)


def test_expressions_are_compiled_where_the_function_is_created() -> None:
    with pytest.raises(ExpressionError, match=r"'book' \(.*line \d+\): key of batch_events: .*async"):
        create(Batch(2, "30s", key="async.id"))
    with pytest.raises(ExpressionError, match=r"'book' \(.*line \d+\): if_exp of batch_events: .*not a boolean"):
        create(Batch(2, "30s", if_exp="event.data.n"))


@pytest.mark.parametrize("given", [10, True, (2, "30s")])
def test_something_else_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match=r"function 'book': batch_events is .*; give a tarry.Batch"):
        create(given)


@pytest.mark.parametrize("refused", [{"match": "data.till"}, {"if_exp": "async.data.n == event.data.n"}])
def test_a_cancel_that_reads_the_starting_event_is_refused_with_batches(refused: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"'book' \(.*test_batch_declaration.py, line \d+\): its cancel on 'closed'"):
        create(Batch(2, "30s"), cancel=Cancel("closed", **refused))


@pytest.mark.parametrize("given", [{}, {"if_exp": "async.data.event == 1"}])
def test_a_cancel_over_its_own_event_alone_goes_with_batches(given: dict[str, str]) -> None:
    assert create(Batch(2, "30s"), cancel=Cancel("closed", **given)).functions["book"].cancels


def test_the_matcher_has_it_from_the_manifest_and_a_command_from_the_stacks_outputs() -> None:
    given = Batch(10, timedelta(seconds=30), key="event.data.till", if_exp="event.data.bulk == true")
    app = create(given)
    manifest = Manifest.parse(Manifest.of(app).text("shop:app"), "shop:app")
    for facts in (manifest.functions["book"], *read_facts(write_facts([FunctionFacts.of(app.functions["book"])]))):
        assert facts.flow.batch_events == Batch(10, 30_000, key=given.key, if_exp=given.if_exp)
