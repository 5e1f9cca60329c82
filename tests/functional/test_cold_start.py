"""What each Lambda loads before its first message. A module here costs each cold start its time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tarry import App, Context, TriggerEvent
from tarry_backend.deploy.manifest import FILE, Manifest
from tests.unit.repository import ROOT

APP = """
import tarry
app = tarry.App("shop")
@app.create_function(fn_id="ship", trigger=tarry.TriggerEvent("order/placed", "event.data.total > 1"))
async def ship(ctx):
    pass
"""

SPEC = "cold_shop:app"

NEVER = {
    "lark",
    "celpy",
    "aws_lambda_powertools",
    "boto3",
    "s3transfer",
    "moto",
    "pydantic",
    "zoneinfo",
    "cattrs",
    "tarry_backend.remote",
    "tarry.cron",
}
"""None of these is needed before the first message, in any Lambda that handles events."""

DIALECT = {"tarry._cel.absence", "tarry._cel.inngest_evaluator", "tarry_backend.matching.inngest_plan"}
"""Inngest's dialect: loaded with the first expression in it."""

EXPRESSIONS = DIALECT | {"tarry._cel.nodes", "tarry._cel.evaluator", "tarry_backend.matching.evaluation"}
"""The language of expressions: loaded with the first expression that a message needs."""

FUNCTIONS = {"asyncio", "cold_shop", "tarry.app", "tarry.context", "tarry_backend.replay", "tarry_backend.executor"}
"""What runs functions. Only the executor does."""

RARE = {
    "tarry._wire.mailbox",
    "tarry._wire.mailboxes",
    "tarry._wire.signal_request",
    "tarry.batch",
    "tarry.concurrency",
    "tarry.debounce",
    "tarry.flow",
    "tarry_backend.model.chain",
    "tarry_backend.model.gate",
    "tarry_backend.model.life",
    "tarry_backend.model.pace",
    "tarry_backend.model.singleton",
    "tarry_backend.store.bulks",
    "tarry_backend.store.calms",
    "tarry_backend.store.chains",
    "tarry_backend.store.controls",
    "tarry_backend.store.event_batches",
    "tarry_backend.store.gate_items",
    "tarry_backend.store.gates",
    "tarry_backend.store.gathered_events",
    "tarry_backend.store.open_waits",
    "tarry_backend.store.paces",
    "tarry_backend.store.queries",
    "tarry_backend.store.remote_apps",
    "tarry_backend.store.run_lives",
    "tarry_backend.store.singletons",
    "tarry_backend.store.window_items",
}
"""What few messages need, such as limits, signals and retries: each loads at its first use."""

RARE_RUNS = {
    "tarry_backend.executor.gatekeeper",
    "tarry_backend.executor.run_revival",
    "tarry_backend.matching.gate_keys",
    "tarry_backend.queues.retry_runs",
    "tarry_backend.store.wait_index",
}
"""What few runs need of the executor."""

MAY_NOT_LOAD = {
    "matcher": NEVER | EXPRESSIONS | FUNCTIONS | RARE,
    "timers": NEVER | EXPRESSIONS | (FUNCTIONS - {"tarry_backend.replay"}) | RARE,
    "sweep": NEVER | EXPRESSIONS | (FUNCTIONS - {"tarry_backend.replay"}) | RARE,
    "executor": NEVER | EXPRESSIONS | RARE | RARE_RUNS,
    "api": {"cold_shop", "lark", "celpy", "moto", "tarry.app"},
    "signals": NEVER | EXPRESSIONS | FUNCTIONS | {"pynamodb"},
}


MOST_OWN = {"matcher": 93, "timers": 81, "sweep": 81, "executor": 184}
"""The most modules of Tarry's own that a cold start loads. A new part of an app loads where it is used."""

HANDLERS = sorted(
    each.stem for each in (ROOT / "functions/tarry_backend/handlers").glob("*.py") if each.stem != "__init__"
)


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    """A folder as the Lambdas' zip has it."""
    app = App("shop")

    @app.create_function(fn_id="ship", trigger=TriggerEvent("order/placed", "event.data.total > 1"))
    async def ship(ctx: Context) -> None:
        pass

    for package in ("sdk/tarry", "functions/tarry_backend"):
        (tmp_path / Path(package).name).symlink_to(ROOT / package, target_is_directory=True)
    (tmp_path / "cold_shop.py").write_text(APP)
    (tmp_path / FILE).write_text(Manifest.of(app).text(SPEC))
    return tmp_path


def start(asset: Path, handler: str, kind: str | None = "on-demand", after: str = "") -> tuple[set[str], str]:
    """Initialise a Lambda, as Lambda does; return its modules, and what it wrote to its log."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TARRY_", "POWERTOOLS_"))}
    settings = {
        f"TARRY_{name}": "none" for name in ("TABLE", "BUCKET", "BUS", "EVENTS_QUEUE", "RUNS_QUEUE", "TIMERS_QUEUE")
    }
    aws = {"AWS_LAMBDA_FUNCTION_NAME": handler, "AWS_REGION": "eu-west-1"}
    if kind is not None:
        aws["AWS_LAMBDA_INITIALIZATION_TYPE"] = kind
    code = (
        f"import sys, json; sys.path.insert(0, {str(asset)!r})\n"
        f"import tarry_backend.handlers.{handler}\n{after}\nprint(json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**own, **settings, **aws, "TARRY_APP": SPEC},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    *log, modules = run.stdout.splitlines()
    return set(json.loads(modules)), "\n".join(log)


@pytest.mark.parametrize("handler", MAY_NOT_LOAD)
def test_a_cold_start_loads_nothing_that_its_first_message_may_not_need(asset: Path, handler: str) -> None:
    modules, log = start(asset, handler)
    assert modules & MAY_NOT_LOAD[handler] == set()
    assert log == ""
    own = [each for each in modules if each.partition(".")[0] in ("tarry", "tarry_backend")]
    assert len(own) <= MOST_OWN.get(handler, len(own))
    if handler != "signals":
        assert {"botocore.session", "tarry_backend.runtime"} <= modules


@pytest.mark.parametrize("handler", HANDLERS)
def test_the_garbage_collector_works_after_an_initialisation_on_what_messages_bring(asset: Path, handler: str) -> None:
    start(asset, handler, after="import gc; assert gc.isenabled(); assert gc.get_freeze_count() > 5_000")


def test_the_garbage_collector_rests_while_the_users_app_loads(asset: Path) -> None:
    (asset / "cold_shop.py").write_text(f"{APP}\nimport gc\nrests = not gc.isenabled()\n")
    start(asset, "executor", after="import cold_shop; assert cold_shop.rests")


def test_the_garbage_collector_works_also_after_an_app_that_cannot_be_imported(asset: Path) -> None:
    (asset / "cold_shop.py").write_text("raise RuntimeError('no database')")
    start(asset, "executor", after="import gc; assert gc.isenabled()")


def test_outside_of_lambda_the_garbage_collector_is_left_alone(asset: Path) -> None:
    start(asset, "executor", None, "import gc; assert gc.isenabled(); assert gc.get_freeze_count() == 0")


def test_a_client_is_made_without_a_search_among_all_services_of_aws(asset: Path) -> None:
    after = (
        "import os; os.environ['AWS_DEFAULT_REGION'] = 'eu-west-1'\nfrom tarry_backend.runtime import runtime\n"
        "seen, listdir = [], os.listdir\n"
        "os.listdir = lambda path='.': seen.append(str(path)) or listdir(path)\n"
        "runtime().store.table._connection.client, runtime().queues._client\n"
        "services = {path.split('/data/')[1] for path in seen if '/data/' in path}\n"
        "assert services <= {'dynamodb', 'sqs'}, services"
    )
    start(asset, "executor", after=after)


def test_only_the_executor_imports_the_users_app(asset: Path) -> None:
    assert "cold_shop" in start(asset, "executor")[0]


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_matcher_without_a_readable_manifest_imports_the_app_and_says_so(asset: Path, content: str | None) -> None:
    (asset / FILE).unlink()
    if content is not None:
        (asset / FILE).write_text(content)
    modules, log = start(asset, "matcher")
    assert "cold_shop" in modules
    line = json.loads(log.splitlines()[0])
    assert line["level"] == "WARNING"
    assert f"no manifest of app '{SPEC}'" in line["message"]


def test_a_matcher_works_though_the_app_cannot_be_imported(asset: Path) -> None:
    (asset / "cold_shop.py").write_text("raise RuntimeError('no database')")
    after = "from tarry_backend.runtime import runtime; assert list(runtime().manifest.functions) == ['ship']"
    assert start(asset, "matcher", after=after)[1] == ""


def test_an_executor_whose_app_declares_something_else_than_at_synthesis_says_so(asset: Path) -> None:
    (asset / "cold_shop.py").write_text(APP.replace("order/placed", "order/paid"))
    _, log = start(asset, "executor")
    assert "declares something else here than where it was synthesised" in json.loads(log)["message"]


def test_an_app_that_cannot_be_imported_fails_a_snapshot_and_else_each_invocation(asset: Path) -> None:
    (asset / "cold_shop.py").write_text("raise RuntimeError('no database')")
    assert "tarry_backend.handlers.executor" in start(asset, "executor")[0]
    with pytest.raises(AssertionError, match="no database"):
        start(asset, "executor", "snap-start")


@pytest.mark.parametrize("handler", ["matcher", "executor"])
def test_a_snapshot_has_no_client_and_so_no_credentials(asset: Path, handler: str) -> None:
    after = (
        "import gc, botocore.client, botocore.credentials; gc.unfreeze()\n"
        "kinds = (botocore.client.BaseClient, botocore.credentials.Credentials)\n"
        "assert not [each for each in gc.get_objects() if isinstance(each, kinds)]"
    )
    start(asset, handler, "snap-start", after)
