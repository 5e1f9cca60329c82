"""What an operator reads is complete: properties with their defaults, grants, metrics, alarms, items of the table."""

import ast
import re
import tomllib
from dataclasses import fields

import tarry
from tarry_backend.deploy.settings import Settings
from tarry_backend.store.access import ITEMS, REMOTE_ITEMS
from tarry_backend.store.leases import EXPIRED_ERROR
from tests.unit.repository import ROOT, SOURCES

STACK = next(
    node
    for node in ast.parse((ROOT / "infra/tarry_infra/stack.py").read_text()).body
    if isinstance(node, ast.ClassDef) and node.name == "TarryStack"
)
METHODS = {node.name: node for node in STACK.body if isinstance(node, ast.FunctionDef)}
BACKEND = "\n".join(path.read_text() for path in sorted(SOURCES["tarry_backend"].rglob("*.py")))


def page(name: str) -> str:
    return (ROOT / f"docs/{name}.md").read_text()


def section(name: str, heading: str) -> str:
    """The part of a page below one heading, down to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def first_cells(text: str) -> set[str]:
    """The names in backquotes in the first column of a table."""
    return {
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(.+?)`", line.split(" | ")[0])
    }


def test_each_property_of_the_stack_is_on_the_page_of_deploying() -> None:
    parameters = {each.arg for each in METHODS["__init__"].args.kwonlyargs}
    of_the_cdk = {"env", "tags", "stack_name"}
    assert first_cells(section("deploy", "Properties of `TarryStack`")) == parameters | of_the_cdk


def test_the_page_of_deploying_has_the_defaults_of_tuning() -> None:
    row = re.search(r"^\| `tuning` \| (.*) \|$", page("deploy"), re.MULTILINE)
    assert row is not None
    shown = {name: int(number.replace(",", "")) for name, number in re.findall(r"`(\w+)` \(([\d,]+)", row[1])}
    assert shown == {each.name: each.default for each in fields(Settings) if each.name in shown}
    assert set(shown) == {"log_days", "run_days", "max_steps", "settle_seconds"}


def test_each_grant_of_the_stack_stands_in_the_reference_and_on_the_page_of_security_or_its_own() -> None:
    grants = {name for name in METHODS if name.startswith("grant_")}
    chosen = re.search(r"members: \[(.*)\]", page("reference/stack"))
    assert chosen is not None
    assert set(chosen[1].split(", ")) == grants
    explained = page("security") + page("encryption")
    assert {name for name in grants if name not in explained} == set()


def test_each_metric_stands_in_the_table_of_metrics() -> None:
    counted = set(re.findall(r"(?:meter|outbox)\.(?:count|measure)\(\"(\w+)\"", BACKEND))
    by_reason = set(re.findall(r"NoRun\.\w+: \"(\w+)\"", BACKEND))
    assert len(counted) > 15
    assert by_reason
    assert counted | by_reason <= first_cells(section("operate", "The dashboard"))


def test_each_dead_letter_queue_beside_those_of_the_work_is_on_the_page_of_operating() -> None:
    queues = re.findall(r"beside(?:\[\"| = \{\")(\w+)\"", (ROOT / "infra/tarry_infra/stack.py").read_text())
    assert queues == ["sweep", "audit", "schedules"]
    assert [name for name in queues if f"`{name}-dead-letters`" not in section("operate", "Dead letters")] == []


def test_each_alarm_has_its_section_on_the_page_of_operating() -> None:
    source = (ROOT / "infra/tarry_infra/observability.py").read_text()
    titles = set(re.findall(r"^ +\"([A-Z][a-z]+(?: [a-z]+)?)\",$", source, re.MULTILINE)) - {"Dashboard"}
    alarms = page("operate").partition("\n## Alarms\n")[2].partition("\n## ")[0]
    assert len(titles) == 8
    assert set(re.findall(r"^### (.+)$", alarms, re.MULTILINE)) == titles


def test_each_partition_of_the_table_stands_in_the_design() -> None:
    keys = {key for each in (*ITEMS.values(), *REMOTE_ITEMS.values()) for access in each for key in access.keys}
    kinds = {key.partition("#")[0] for key in keys}
    shown = set(re.findall(r"^\| [^|]+ \| `(\w+)", section("design", "Data"), re.MULTILINE))
    assert len(kinds) > 15
    assert kinds - shown == {"crons"}, "its row is that of the cursor"


def test_each_lambda_that_reaches_the_table_has_a_row_among_the_roles() -> None:
    rows = re.findall(r"^\| (\w+)", section("security", "Roles of the stack's own Lambdas"), re.MULTILINE)
    assert {*ITEMS, *REMOTE_ITEMS} <= {row.lower() for row in rows}


def test_each_address_of_the_http_api_stands_in_its_table() -> None:
    source = (ROOT / "functions/tarry_backend/handlers/api.py").read_text()
    routes = {
        (method.upper(), re.sub("<.+?>", "ID", path))
        for method, path in re.findall(r'@_routes.(get|post)\("(.+?)"\)', source)
    }
    shown = set[tuple[str, str]]()
    for row in re.findall(r"^\| `(?:GET|POST) .*?\|", section("operate", "Ask over HTTP"), re.MULTILINE):
        method, first = re.findall(r"`(GET|POST) (/[\w/]+)", row)[0]
        others = [f"{first.rpartition('/')[0]}{each}" for each in re.findall(r", `(/\w+)`", row)]
        shown |= {(method, path) for path in (first, *others)}
    assert shown == routes


def test_each_name_that_tarry_gives_an_error_without_a_class_is_explained() -> None:
    given = set(re.findall(r"Failure\(\s*\"(\w+)\"", BACKEND)) | {EXPIRED_ERROR}
    of_others = {"Error", "Exception"}
    assert len(given) > 8
    assert {
        name for name in given - of_others if f"`{name}`" not in page("reference/errors") and not hasattr(tarry, name)
    } == set()


def test_each_extra_of_the_package_is_on_the_page_of_deploying() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    shown = re.findall(r"`tarry\[(\w+)\]`", section("deploy", "What to install where"))
    assert set(shown) == set(extras)
