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
