"""The log level of a deployed stack, in a process of its own as Lambda starts it."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import logging
logging.getLogger().setLevel("__LEVEL__")  # as Lambda's runtime does by its own filter, if it has one
from tarry_backend.telemetry import identify, logger, meter, published
identify("shop")
with published():
    logger.info("ours, info")
    logger.warning("ours, warning")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("theirs").info("theirs, info")
    logging.getLogger("theirs").warning("theirs, warning")
    meter.count("Sweeps")
"""


def lines(level: str, **lambdas: str) -> str:
    """What the program writes in a stack of that log level. Lambda's filter is at INFO or below."""
    lambdas = lambdas or {"AWS_LAMBDA_LOG_LEVEL": "INFO"}
    variables = {"POWERTOOLS_LOG_LEVEL": level, "POWERTOOLS_SERVICE_NAME": "shop-test", **lambdas}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POWERTOOLS")} | variables
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("__LEVEL__", lambdas.get("AWS_LAMBDA_LOG_LEVEL", "WARNING"))],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize(("level", "info", "warning"), [("INFO", 1, 1), ("WARNING", 0, 1), ("ERROR", 0, 0)])
def test_metrics_are_written_at_every_log_level_and_lines_from_the_level_on(
    level: str, info: int, warning: int
) -> None:
    written = lines(level)
    [metrics] = [json.loads(line) for line in written.splitlines() if "CloudWatchMetrics" in line]
    assert (metrics["Sweeps"], metrics["service"]) == ([1.0], "shop-test")
    for whose in ("ours", "theirs"):
        assert written.count(f"{whose}, info") == info
        assert written.count(f"{whose}, warning") == warning


def test_the_log_level_holds_where_lambda_has_no_filter_as_in_the_text_format() -> None:
    written = lines("INFO", AWS_LAMBDA_FUNCTION_NAME="executor")
    assert [written.count(f"{whose}, info") for whose in ("ours", "theirs")] == [1, 1]


def test_a_metric_has_no_level_so_lambda_takes_it_for_info() -> None:
    """Lambda's developer guide, "Log-level filtering". So Lambda's own filter must never be above INFO."""
    [metrics] = [json.loads(line) for line in lines("ERROR").splitlines() if "CloudWatchMetrics" in line]
    assert "level" not in metrics
