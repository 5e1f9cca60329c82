"""The executor dies at each of its calls to AWS, while a remote function runs: its outcome is as without."""

from tests.functional.contract.deaths import Death, Mortal, deaths
from tests.functional.remote.stage import SdkApp, shop


def outcome(app: SdkApp, death: Death | None = None) -> tuple[object, Mortal, dict[str, int]]:
    watch = Mortal("executor", death)
    with shop(app) as opened, opened.cloud.dies(watch):
        opened.send("parallel", order=1)
        opened.host.advance("20m")  # the message of a dead executor is back by then
        opened.send("answer", order=1)
        opened.host.advance("20m")
        return opened.result("parallel"), watch, opened.bodies("parallel")


def test_whichever_call_the_executor_dies_at_the_outcome_is_the_same(app: SdkApp) -> None:
    if app.id == "shop3":  # the road is the same, and costs seconds
        return
    expected, watch, _ = outcome(app)
    for death in deaths("executor", watch.calls):
        ending, mortal, bodies = outcome(app, death)
        assert mortal.has_died, str(death)
        assert ending == expected, str(death)
        assert max(bodies.values()) <= 2, str(death)
