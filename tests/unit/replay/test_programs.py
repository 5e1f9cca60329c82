"""Any program comes to the same, however often it is replayed, and in whatever order its waits end."""

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tarry import Event
from tarry_backend.replay import Outcome, Paused, Step
from tests.unit.replay.faces import Face, as_async, as_def
from tests.unit.replay.memory import MemoryJournal, MemoryRun, durable, output_of
from tests.unit.replay.programs import Endings, Performance, Program, calls, programs, result

faces = pytest.mark.parametrize("face", [as_async, as_def], ids=["async", "def"])
examples = settings(max_examples=200, derandomize=True, deadline=None)
chances = st.builds(Random, st.integers(0, 2**32))  # only seeds are drawn: which thread ends first is nobody's choice


class DeathError(Exception):
    """The Lambda is gone."""


class MortalJournal(MemoryJournal):
    """Its Lambda dies now and then, just before it keeps a step or just after; what is kept beside may still arrive."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self.is_mortal = False

    def keep(self, step: Step) -> None:
        self._live_on()
        super().keep(step)
        self._live_on()

    def _live_on(self) -> None:
        if self.is_mortal:
            time.sleep(self._random.random() / 5_000)
            if self._random.random() < 0.15:
                raise DeathError


class MortalRun(MemoryRun):
    """When its executor has died, its message comes again."""

    def __init__(self, performance: Performance, face: Face, journal: MortalJournal) -> None:
        super().__init__(durable(face(performance.handler)), journal)
        self._mortal = journal

    def replay(self, *, cut_off: bool = False) -> Outcome:
        while True:
            self._mortal.is_mortal = True
            try:
                return super().replay(cut_off=cut_off)
            except DeathError:
                cut_off = True
            finally:
                self._mortal.is_mortal = False


def to_its_end(run: MemoryRun, random: Random) -> str:
    """Brings the run to its end, one happening and one replay at a time."""
    for _ in range(500):
        outcome = run.replay()
        if outcome != Paused():
            output: str = output_of(outcome)
            return output
        happen(run.journal, random)
    raise AssertionError("it goes on for ever")


def happen(journal: MemoryJournal, random: Random) -> None:
    """Something that the run waits for: an event, a deadline, the end of a sleep, a retry's time."""
    step = random.choice([step for step in journal.steps.values() if step.is_open])
    if step.wait is None:
        journal.clock = max(journal.clock, step.due or 0)
    elif journal.clock < step.wait.deadline and random.random() < 0.7:
        journal.clock += 1
        journal.receive(Event(step.wait.event_name, id=f"e{journal.clock}"))
    else:
        journal.time_out(step.key)


def endings(journal: MemoryJournal) -> Endings:
    """How the waits have ended."""
    waits = [step.wait for step in journal.steps.values() if step.wait]
    return {wait.event_name: wait.resolved_by.event_id if wait.resolved_by else None for wait in waits}


@faces
@examples
@given(programs(), chances)
def test_a_program_comes_to_its_result_and_calls_each_body_once(face: Face, program: Program, random: Random) -> None:
    journal = MemoryJournal()
    performance = Performance(program, journal, is_async=face is as_async)
    output = to_its_end(MemoryRun(durable(face(performance.handler)), journal), random)
    assert output == result(program, "", endings(journal))
    assert performance.called == calls(program)


@faces
@examples
@given(programs(), chances)
def test_r3_though_executors_die_at_any_write_it_comes_to_the_same_and_calls_no_kept_body_again(
    face: Face, program: Program, random: Random
) -> None:
    journal = MortalJournal(random)
    performance = Performance(program, journal, is_async=face is as_async)
    output = to_its_end(MortalRun(performance, face, journal), random)
    assert output == result(program, "", endings(journal))
    assert performance.again == []
    ended = [step.key for step in journal.writes if not step.is_open]
    assert len(ended) == len(set(ended))
