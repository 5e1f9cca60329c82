"""Logs of a Lambda whose app configures ``logging`` itself, in a process of its own as Lambda starts it."""

import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import logging.config
import tarry

{configure}
app = tarry.App("shop")


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"), retries=1)
async def order(ctx: tarry.Context) -> None:
    ctx.logger.info("before")
    await ctx.step.run("configure", configure)
    ctx.logger.info("after")
    await ctx.step.run("charge", charge)


def configure() -> None:
    {configure}


def charge() -> None:
    raise ConnectionError("the bank is shut")
"""

LAMBDA = """
from tarry_backend.handlers import executor
from tarry_backend.runtime import load_app
from tarry_dev.cloud import Cloud, Host, MovedClock

app = load_app("configured:app")
with Cloud(app, clock=MovedClock()) as cloud:
    host = Host(cloud)
    host.send("order/placed")
    host.advance("1h")
"""

CONSOLE = """logging.config.dictConfig({"version": 1, "root": {"level": "INFO", "handlers": ["console"]},
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}})"""

NAMED = CONSOLE.replace('"version": 1,', '"version": 1, "loggers": {"tarry": {"level": "INFO"}},')

DEV = """
import logging.config, sys
from rich.console import Console
from tarry._wire.steady_logger import steady_logger
from tarry_dev.cli.logs import log_lines
with log_lines(Console()):
    for text in ("before", "after"):
        steady_logger("tarry.run.order").info(text)
        logging.getLogger("other").warning("of another")
        {configure}
"""

DJANGO = 'logging.config.dictConfig({"version": 1, "root": {"level": "INFO"}})'


@pytest.mark.parametrize("configure", [DJANGO, "pass"], ids=["dictConfig", "none"])
def test_an_app_that_configures_logging_does_not_hide_why_its_runs_fail(tmp_path: Path, configure: str) -> None:
    tmp_path.joinpath("configured.py").write_text(APP.format(configure=configure))
    run = subprocess.run(
        [sys.executable, "-c", LAMBDA], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    written = run.stdout + run.stderr
    assert '"message":"before"' in written
    assert '"message":"after"' in written
    assert "step 'charge': attempt 1 of 2 failed: ConnectionError: the bank is shut" in written
    assert '"level":"ERROR"' in written
    assert written.count("the bank is shut") > 1  # the second one ends the run


@pytest.mark.parametrize("configure", [CONSOLE, DJANGO, NAMED, "pass"], ids=["console", "Django", "named", "none"])
def test_each_line_of_tarry_comes_once_and_a_line_of_the_apps_own_is_kept(tmp_path: Path, configure: str) -> None:
    own = "logging.getLogger('tarry_shop').warning('of the app')"
    tmp_path.joinpath("configured.py").write_text(APP.format(configure=f"{configure}; {own}"))
    command = [sys.executable, "-c", f"import logging; logging.basicConfig(); {LAMBDA}"]  # as Lambda has a handler
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    written = (run.stdout + run.stderr).splitlines()
    texts = ("before", "after", "attempt 1 of 2 failed")
    assert [sum(text in line for line in written) for text in texts] == [1, 1, 1], written
    assert sum("of the app" in line for line in written) >= 1  # dictConfig itself disables its logger for the second


@pytest.mark.parametrize("configure", [CONSOLE, DJANGO, "pass"], ids=["console", "Django", "none"])
def test_tarry_dev_shows_each_line_once_also_if_the_app_configures_logging(tmp_path: Path, configure: str) -> None:
    tmp_path.joinpath("started.py").write_text(DEV.format(configure=configure))
    run = subprocess.run([sys.executable, "started.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    written = (run.stdout + run.stderr).splitlines()
    assert [sum(text in line for line in written) for text in ("before", "after")] == [1, 1], written
    assert sum("log: " in line for line in written) >= 3, "the first line of another logger is shown, too"
