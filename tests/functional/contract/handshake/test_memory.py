"""What an exploration remembers: the next call of a player by what it was given, and a table's reply by its content."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tarry import App
from tarry_dev.cloud import Cloud
from tests.functional.contract.handshake.exploration import Action
from tests.functional.contract.handshake.players import Job, Lambda, Note, Parts, Player, here
from tests.functional.contract.handshake.request import Answer, Request
from tests.functional.contract.handshake.table import Table


class OneActor:
    """A play of one player, which is given these answers."""

    def __init__(self, parts: Parts, job: Job) -> None:
        self.asked: list[Any] = []
        self.notes: list[Note] = []
        self.errors: list[BaseException] = []
        self._answers: Iterator[Any] = iter(())
        self.player = Player("reader", parts, self._asks, self.notes.append, self.errors)
        self._job = job

    def play(self, *answers: Any) -> list[Any]:
        """What it asks."""
        self._answers = iter(answers)
        self.player.begin(self._job)
        while self.player.action:
            self.player.go()
        self.player.close()
        return self.asked

    def _asks(self, player: Player, request: Request) -> None:
        self.asked.append(request.asked["it"])
        player.offer(Action(player.name, request.operation), lambda: Answer.of(next(self._answers)))


def test_a_players_code_runs_once_for_each_history_and_a_play_sees_no_difference() -> None:
    runs = count()

    def act(at_work: Lambda) -> None:
        next(runs)
        if at_work.ask("Read", {"it": "first"}) == "more":
            here().note("seen", "more")
            at_work.ask("Read", {"it": "second"})
        raise ValueError("the end")

    job, parts = Job("read", act, 0, frozenset()), Parts()
    for _ in range(3):
        quiet, busy = OneActor(parts, job), OneActor(parts, job)
        assert quiet.play("no more") == ["first"]
        assert busy.play("more", "last") == ["first", "second"]
        assert (quiet.notes, busy.notes) == ([], [("seen", "more")])
        assert [str(error) for error in quiet.errors + busy.errors] == ["the end"] * 2
    assert next(runs) == 2


def test_a_player_that_does_not_do_the_same_again_is_refused() -> None:
    calls = count()
    job, parts = Job("read", lambda at_work: at_work.ask("Read", {"it": next(calls)}), 0, frozenset()), Parts()
    OneActor(parts, job).play("one answer")
    with pytest.raises(AssertionError, match="reader does not do the same again"):
        OneActor(parts, job).play("another answer")


def test_jobs_of_another_time_or_that_come_again_are_other_jobs() -> None:
    parts, done = Parts(), []
    for moment, again in [(1, False), (2, False), (1, True), (1, False)]:
        job = Job("read", lambda at_work: done.append(at_work.moment), moment, frozenset(), again)
        OneActor(parts, job).play()
    assert done == [1, 2, 1]


def update(table: Table, number: int) -> Request:
    return Request(
        "UpdateItem",
        {
            "TableName": table.name,
            "Key": {"pk": {"S": "place"}, "sk": {"S": "part"}},
            "UpdateExpression": "ADD seen :number",
            "ExpressionAttributeValues": {":number": {"N": str(number)}},
            "ReturnValues": "ALL_NEW",
        },
    )


def read(table: Table) -> Any:
    key = {"pk": {"S": "place"}, "sk": {"S": "part"}}
    return table.ask(Request("GetItem", {"TableName": table.name, "Key": key})).give().get("Item", {}).get("seen")


def test_a_table_gives_what_moto_gives_whatever_other_plays_wrote_meanwhile() -> None:
    with Cloud(App("shop")) as cloud:
        table = Table(cloud)
        for numbers in [(1, 2), (2, 1), (1, 2), (3, 4, 5), (1, 2, 7), (2,)]:
            table.clear()
            assert read(table) is None
            for at, number in enumerate(numbers, start=1):
                answer = table.ask(update(table, number)).give()
                assert answer["Attributes"]["seen"] == read(table) == {"N": str(sum(numbers[:at]))}


def test_a_reply_can_be_changed_by_whom_it_was_given_to() -> None:
    with Cloud(App("shop")) as cloud:
        table = Table(cloud)
        for _ in range(2):
            table.clear()
            answer = table.ask(update(table, 1)).give()
            assert answer["Attributes"].pop("seen") == {"N": "1"}
