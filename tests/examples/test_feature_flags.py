"""One event, a hundred runs."""

from collections import Counter

from examples.feature_flags import app
from tarry import Event
from tarry_dev.pytest_plugin import MakeHost


def test_one_event_resumes_the_hundred_runs_that_wait_for_it(tarry_host: MakeHost) -> None:
    host = tarry_host(app)
    flags = ["dark-mode"] * 100 + ["single-sign-on"] * 2
    host.send(
        [Event("flags/requested", {"flag": flag, "customer": f"c-{number}"}) for number, flag in enumerate(flags)]
    )
    host.advance("30d")
    host.send("flags/released", {"flag": "dark-mode"})

    runs = host.runs("early-access")
    assert Counter(run.status for run in runs) == {"finished": 100, "running": 2}
    assert runs[0].steps["switch-on"].output == {"flag": "dark-mode", "customer": "c-0"}

    host.advance("60d")
    assert Counter(run.output for run in runs) == {"switched on": 100, "never released": 2}
    assert host.dead_letters == []
