"""R20: a step gives what its handler's annotation says, at first and at each replay."""

import functools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag
from functools import partial
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import pydantic
import pytest

from tarry import App, Context, Event, Middleware, StepDataError, StepInfo, TriggerEvent
from tarry_backend.replay import Failed, Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import START, MemoryRun, error_of, output_of

T = TypeVar("T")


class Grade(Enum):
    GOOD = "good"
    BAD = "bad"


class Access(Flag):
    READ = 1
    WRITE = 2


@attrs.define
class Parcel:
    _weight: int
    at: datetime


@dataclass
class Score:
    value: Decimal
    at: datetime
    grade: Grade = Grade.GOOD


@dataclass
class Assessment:
    scores: list[Score]
    by_name: dict[str, Score] = field(default_factory=dict)
    note: str | None = None


@dataclass
class Approved:
    by: str = ""


@dataclass
class Rejected:
    reason: str


@dataclass
class Cat:
    name: str
    kind: Literal["cat"] = "cat"


@dataclass
class Dog:
    name: str
    kind: Literal["dog"] = "dog"


class Model(pydantic.BaseModel):
    at: datetime
    inner: list[Score]
    aliased: int = pydantic.Field(default=0, alias="Aliased")


@pydantic.dataclasses.dataclass
class Checked:
    count: Annotated[int, pydantic.Field(gt=0)]


class Label(TypedDict):
    text: str
    when: NotRequired[date]


class Place(NamedTuple):
    x: int
    when: date


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCORE = Score(Decimal("1.10"), NOON, Grade.BAD)

KINDS: list[tuple[Any, Any]] = [
    (Assessment, Assessment([SCORE], {"a": SCORE})),
    (list[Assessment], [Assessment([])]),
    (dict[str, Score], {"a": SCORE}),
    (Assessment | None, None),
    (Assessment | None, Assessment([SCORE])),
    (Model, Model(at=NOON, inner=[SCORE], Aliased=3)),
    (list[Model], [Model(at=NOON, inner=[])]),
    (Checked, Checked(3)),
    (Label, {"text": "a", "when": date(2026, 1, 1)}),
    (Place, Place(1, date(2026, 1, 1))),
    (Grade, Grade.BAD),
    (datetime, NOON),
    (date, date(2026, 1, 1)),
    (timedelta, timedelta(days=3, microseconds=7)),
    (timedelta, timedelta(days=99_999, microseconds=1)),
    (Access, Access.READ | Access.WRITE),
    (Parcel, Parcel(3, NOON)),
    (Decimal, Decimal("0.10")),
    (UUID, UUID(int=7)),
    (bytes, b"\x00\xff"),
    (set[str], {"a", "b"}),
    (frozenset[int], frozenset({1})),
    (tuple[int, str], (1, "a")),
    (tuple[date, ...], (date(2026, 1, 1),)),
    (tuple, (1, "a")),
    (Literal[Grade.BAD], Grade.BAD),
    (Approved | Rejected, Rejected("late")),
    (Approved | Rejected, Approved("ada")),
    (list[Cat | Dog], [Dog("rex"), Cat("tom")]),
    (dict[str, datetime | None], {"a": NOON, "b": None}),
]


def run_of(handler: Any, *middleware: type[Middleware]) -> MemoryRun:
    app = App("shop")
    return MemoryRun(
        app.create_function(fn_id="ship", trigger=TriggerEvent(event=START.name), middleware=middleware)(handler)
    )


def of_kind(value: Any, kind: Any) -> Any:
    """A step's handler that is annotated with the kind, and returns the value."""

    def assess() -> Any:
        return value

    assess.__annotations__["return"] = kind
    return assess


def given(face: Face, handler: Any, *middleware: type[Middleware], **options: Any) -> list[Any]:
    """What the function gets from the step, at first and at the replay."""
    had: list[Any] = []

    async def ship(ctx: Context) -> None:
        had.append(await ctx.step.run("assess", handler, **options))
        await ctx.step.sleep("rest", "1d")

    run = run_of(face(ship), *middleware)
    for _ in range(2):
        outcome = run.replay()
        assert isinstance(outcome, Paused), outcome
    return had


def problem(face: Face, handler: Any, *middleware: type[Middleware], **options: Any) -> str:
    """How the run fails, whatever the function catches."""

    async def ship(ctx: Context) -> str:
        try:
            await ctx.step.run("assess", handler, **options)
        except Exception:
            return "caught"
        return "gone on"

    outcome = run_of(face(ship), *middleware).replay()
    assert isinstance(outcome, Failed), outcome
    assert outcome.final
    return outcome.error.message


@pytest.mark.parametrize(("kind", "value"), KINDS, ids=[str(kind) for kind, _ in KINDS])
def test_r20_a_step_gives_its_annotated_type_at_first_and_at_the_replay(face: Face, kind: Any, value: Any) -> None:
    first, replayed = given(face, of_kind(value, kind))
    assert (first, type(first)) == (value, type(value))
    assert (replayed, type(replayed)) == (value, type(value))
    assert first is not value or value is None or isinstance(value, Enum)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Any, Approved("ada")), (T, Approved("ada")), ("Nowhere", Approved("ada")), (dict, Approved("ada"))],
)
def test_r20_an_annotation_that_says_nothing_or_cannot_be_resolved_gives_json(
    face: Face, kind: Any, value: Any
) -> None:
    assert given(face, of_kind(value, kind)) == [{"by": "ada"}] * 2


def test_r20_a_handler_without_annotation_gives_json(face: Face) -> None:
    assert given(face, lambda: Approved("ada")) == [{"by": "ada"}] * 2


def test_r20_methods_partials_and_async_handlers_have_their_annotation(face: Face) -> None:
    class Service:
        def assess(self, by: str) -> Approved:
            return Approved(by)

        async def __call__(self) -> Approved:
            return Approved("eve")

    async def assess() -> "Approved":
        return Approved("ada")

    assert given(face, partial(Service().assess, "bob")) == [Approved("bob")] * 2
    assert given(face, Service()) == [Approved("eve")] * 2
    assert given(face, assess) == [Approved("ada")] * 2


def test_r20_a_class_and_a_cached_function_are_handlers_too(face: Face) -> None:
    @functools.cache
    def assess() -> Approved:
        return Approved("ada")

    assert given(face, Rejected, reason="late") == [Rejected("late")] * 2
    assert given(face, assess) == [Approved("ada")] * 2
    assert given(face, str) == [""] * 2


def test_r20_fields_by_keyword_inherited_or_generic_are_read(face: Face) -> None:
    @dataclass(kw_only=True, slots=True, frozen=True)
    class Base(Generic[T]):
        value: T
        at: datetime | None = None

    @dataclass(kw_only=True, slots=True, frozen=True)
    class Derived(Base[int]):
        more: list[Approved] = field(default_factory=list)

    assert given(face, of_kind(Base(value=1, at=NOON), Base)) == [Base(value=1, at=NOON)] * 2
    assert given(face, of_kind(Base(value=Approved("a")), Base[Approved])) == [Base(value=Approved("a"))] * 2
    assert (
        given(face, of_kind(Derived(value=1, more=[Approved("b")]), Derived))
        == [Derived(value=1, more=[Approved("b")])] * 2
    )


def test_r20_an_event_is_an_output_as_any_other_dataclass(face: Face) -> None:
    event = Event("paid", {"a": [1]}, id="e1", ts=5)
    assert given(face, of_kind([event], list[Event])) == [[event]] * 2


def test_r20_output_type_overrides_the_annotation(face: Face) -> None:
    assert given(face, of_kind({"by": "ada"}, dict), output_type=Approved) == [Approved("ada")] * 2
    assert given(face, of_kind(Approved("ada"), Approved), output_type=dict) == [{"by": "ada"}] * 2
    assert given(face, lambda: NOON, output_type=datetime) == [NOON] * 2
    assert given(face, of_kind(Approved("ada"), Approved), output_type=None) == [Approved("ada")] * 2


class Boxed(Middleware):
    """It stores outputs in a box."""

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        return {"box": output}

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        return output["box"] if step.kind == "run" else output


class Restored(Middleware):
    """It gives instances itself."""

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        return Assessment([Score(Decimal(1), NOON)]) if step.kind == "run" else output


def test_r20_a_middleware_that_changes_outputs_changes_no_type(face: Face) -> None:
    value = Assessment([SCORE])
    assert given(face, of_kind(value, Assessment), Boxed) == [value] * 2
    assert given(face, of_kind(value, Assessment), Restored) == [Assessment([Score(Decimal(1), NOON)])] * 2


def test_r20_a_stored_value_that_no_longer_fits_names_step_and_field_and_fails_the_run(face: Face) -> None:
    @dataclass
    class Line:
        sku: str

    @dataclass
    class Order:
        lines: list[Line]

    old = of_kind({"lines": [{"sku": "a"}, {"name": "b"}]}, Order)
    said, _, _ = problem(face, old).partition(" (/")  # then the line that called the step
    assert said == "step 'assess': what it gives does not fit type Order: output.lines[1].sku: missing"
    assert "output.inner[0].value" in problem(face, of_kind({"at": "2026-01-01", "inner": [{}]}, Model))
    assert "expected one of 'good', 'bad'" in problem(face, of_kind("ugly", Grade))
    assert "output.count" in problem(face, of_kind({"count": 0}, Checked))


def test_r20_a_type_changed_between_two_deploys_fails_the_replay(face: Face) -> None:
    kinds: list[Any] = [Approved, Rejected]

    async def ship(ctx: Context) -> None:
        await ctx.step.run("assess", of_kind(Approved("ada"), kinds.pop(0)))
        await ctx.step.sleep("rest", "1d")

    run = run_of(face(ship))
    assert isinstance(run.replay(), Paused)
    failed = error_of(run.replay())
    assert (failed.name, "output.reason: missing" in failed.message) == ("StepDataError", True)


def test_a_value_without_a_form_in_json_is_refused_where_its_type_does_not_mention_it(face: Face) -> None:
    assert "a datetime, which is not JSON" in problem_of_step(face, of_kind({"at": NOON}, dict[str, Any]))
    assert "a datetime, which is not JSON" in problem_of_step(face, of_kind(NOON, date))
    assert "a Decimal, which is not JSON" in problem_of_step(face, of_kind(Score(Decimal(1), NOON), Any))


def problem_of_step(face: Face, handler: Any) -> str:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("assess", handler)

    return error_of(run_of(face(ship)).replay()).message


def test_two_records_of_the_same_fields_cannot_be_told_apart(face: Face) -> None:
    @dataclass
    class One:
        x: int

    @dataclass
    class Other:
        x: int

    assert "One and Other have the same fields" in problem(face, of_kind(One(1), One | Other))


def test_plain_json_is_not_checked(face: Face) -> None:
    assert given(face, of_kind(None, str)) == [None] * 2
    assert given(face, of_kind(["a"], list[int])) == [["a"]] * 2


def test_an_error_of_outputs_can_be_imported() -> None:
    error = StepDataError("assess", "Order", [("output.x", "missing")])
    assert (error.step_id, error.problems) == ("assess", (("output.x", "missing"),))


def test_a_function_returns_what_its_annotation_says(face: Face) -> None:
    async def ship(ctx: Context) -> Score:
        return SCORE

    handler = face(ship)
    handler.__annotations__["return"] = Score
    assert output_of(run_of(handler).replay()) == {"value": "1.10", "at": NOON.isoformat(), "grade": "bad"}


def test_an_invoked_functions_output_has_its_annotated_type(face: Face) -> None:
    async def pack(ctx: Context) -> Score:
        return SCORE

    had: list[Any] = []

    async def ship(ctx: Context) -> None:
        had.append(await ctx.step.invoke("pack", function=packed))
        had.append(await ctx.step.invoke("again", function=packed, output_type=dict))
        had.append(await ctx.step.invoke_by_id("by id", function_id="pack", output_type=Score))

    packed = App("shop").create_function(fn_id="pack", trigger=TriggerEvent(event="x"))(pack)
    run = run_of(face(ship))
    stored = {"value": "1.10", "at": NOON.isoformat(), "grade": "bad"}
    for key in ("pack", "again", "by id"):
        assert isinstance(run.replay(), Paused)
        had.clear()
        run.journal.hear(key, stored)
    run.replay()
    assert had == [SCORE, stored, SCORE]


def test_a_signals_data_have_the_type_that_the_wait_asks_for(face: Face) -> None:
    had: list[Any] = []

    async def ship(ctx: Context) -> str:
        had.append(await ctx.step.wait_for_signal("one", signal="a", timeout="1d", type=Approved))
        had.append(await ctx.step.wait_for_signal("two", signal="b", timeout="1d", type=Approved))
        try:
            await ctx.step.wait_for_signal("three", signal="c", timeout="1d", type=Rejected)
        except StepDataError as error:
            return str(error)
        return ""

    run = run_of(face(ship))
    for key, data in (("one", {"by": "ada"}), ("two", None), ("three", {})):
        had.clear()
        assert isinstance(run.replay(), Paused)
        run.journal.signal(key, data)
    said = output_of(run.replay())
    assert had[-2:] == [Approved("ada"), None]
    assert said == "step 'three': what it gives does not fit type Rejected: data.reason: missing"
