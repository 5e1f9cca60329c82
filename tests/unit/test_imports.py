"""Who imports whom: packages and rooms go one way, user code loads fast, a Lambda holds what it imports."""

import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name

import tarry
from tests.unit.import_graph import circles, graph
from tests.unit.repository import SOURCES, imported_by, pins

MAY_IMPORT = {
    "tarry": set[str](),
    "tarry_backend": {"tarry"},
    "tarry_infra": {"tarry", "tarry_backend"},
    "tarry_dev": {"tarry", "tarry_backend", "tarry_infra"},
}
STABLE = {
    "App",
    "Batch",
    "Cancel",
    "Concurrency",
    "Context",
    "ContextSync",
    "CurrentRun",
    "Debounce",
    "DurationError",
    "Event",
    "EventDataError",
    "EventError",
    "EventMatch",
    "ExpressionError",
    "Function",
    "LimitError",
    "Middleware",
    "MiddlewareError",
    "NonRetriableError",
    "OutputError",
    "Priority",
    "RateLimit",
    "ReplayError",
    "RetryAfterError",
    "SendError",
    "SignalError",
    "SignalReceipt",
    "SignalStatus",
    "Singleton",
    "StepCallError",
    "StepDataError",
    "StepError",
    "StepInfo",
    "Suspended",
    "TarryError",
    "Throttle",
    "Timeouts",
    "TriggerCron",
    "TriggerEvent",
    "UsageError",
    "current",
    "event_type",
}
"""What users import. A name may be added; to take one away breaks their code."""

ROOMS = (
    {"clock", "initialisation", "log_lines"},
    {"deploy", "model", "telemetry"},
    {"matching"},
    {"replay"},
    {"remote"},
    {"store"},
    {"queues"},
    {"events", "waits"},
    {"api", "executor", "matcher", "timers"},
    {"runtime"},
    {"handlers"},
)
"""The rooms of ``tarry_backend``, the lowest first. A room imports only from the rows below its own."""

SLOW_TO_LOAD = {"boto3", "botocore", "cattrs", "celpy", "pynamodb"}

BROUGHT_BY_USERS = {"pydantic", "aws_encryption_sdk", "opentelemetry"}
"""Imported only where the user's own code has asked for a class of it, or for the extra that brings it."""


@pytest.mark.parametrize("package", SOURCES)
def test_imports_between_the_packages_go_one_way(package: str) -> None:
    barred = SOURCES.keys() - MAY_IMPORT[package] - {package}
    assert {(path, name) for path, name in imported_by(package) if name in barred} == set()


@pytest.mark.parametrize("package", SOURCES)
def test_no_modules_import_each_other_not_even_for_their_types(package: str) -> None:
    assert circles(graph(package)) == set()


def test_a_circle_is_recognised() -> None:
    modules = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str](), "e": {"a"}}
    assert circles(modules) == {frozenset({"b", "c"})}


def test_rooms_of_the_backend_import_downwards() -> None:
    level = {room: row for row, rooms in enumerate(ROOMS) for room in rooms}
    arrows = {
        (importing.split(".")[1], imported.split(".")[1])
        for importing, others in graph("tarry_backend").items()
        for imported in others
        if "." in importing and "." in imported
    }
    assert {room for arrow in arrows for room in arrow} <= level.keys()
    assert {(room, other) for room, other in arrows if room != other and level[room] <= level[other]} == set()


@pytest.mark.parametrize("package", ["tarry", "tarry_backend"])
def test_what_runs_in_a_lambda_imports_only_what_is_packed_for_it(package: str) -> None:
    packed = pins("functions/requirements.lock").keys()
    providers = packages_distributions()

    def is_there(name: str) -> bool:
        return (
            name in sys.stdlib_module_names
            or name in SOURCES
            or name in BROUGHT_BY_USERS
            or any(canonicalize_name(distribution) in packed for distribution in providers.get(name, ()))
        )

    assert {(path, name) for path, name in imported_by(package) if not is_there(name)} == set()


def test_importing_tarry_loads_nothing_slow() -> None:
    code = "import sys, tarry; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "tarry" in loaded
    assert loaded & SLOW_TO_LOAD == set()


def test_the_signals_lambda_loads_neither_pynamodb_nor_powertools_nor_an_app() -> None:
    """Its sender waits for a cold start."""
    code = "import sys, tarry_backend.handlers.signals; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(run.stdout.split()) & {*SLOW_TO_LOAD, "aws_lambda_powertools", "examples"} == set()


def test_no_stable_name_has_gone() -> None:
    assert STABLE - set(tarry.__all__) == set()


def test_the_package_says_what_is_stable_and_what_may_change() -> None:
    [promise] = [text for text in (tarry.__doc__ or "").split("\n\n") if "stable API" in text]
    assert "``__all__``" in promise
    assert "may change" in promise


def test_the_public_names_are_sorted_and_exist() -> None:
    assert tarry.__all__ == sorted(set(tarry.__all__))
    assert [name for name in tarry.__all__ if not hasattr(tarry, name)] == []


def test_every_public_name_is_declared() -> None:
    modules = {path.stem for path in SOURCES["tarry"].iterdir()}
    assert {name for name in dir(tarry) if not name.startswith("_")} - modules == set(tarry.__all__)
    assert all(getattr(tarry, name) is not None for name in tarry.__all__)
    assert tarry.errors.TarryError is tarry.TarryError  # a module by its name, though nothing has imported it
    with pytest.raises(AttributeError, match="module 'tarry' has no attribute 'Ap'"):
        _ = vars(tarry)["__getattr__"]("Ap")
