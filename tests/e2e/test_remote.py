"""The campaign in TypeScript, by the official Inngest SDK: a Lambda, which the deployment has synced."""

from tests.e2e.conftest import Tarry
from tests.e2e.outside import Stack

FUNCTION = "shop-onboarding"


def test_the_deployment_has_synced_the_app(tarry: Tarry) -> None:
    [app] = tarry("apps")["apps"]
    assert (app["id"], app["functions"]) == ("shop", [FUNCTION])
    assert app["sdk"].startswith("inngest-js:v4")


def test_a_run_in_typescript_waits_and_goes_on_with_the_event_that_matches(stack: Stack) -> None:
    stack.put("app/account.created", {"userId": "ts-1", "email": "ada@shop.test", "seconds": 600})
    stack.waiting(FUNCTION, "wait-for-onboarding", userId="ts-1")
    stack.put("app/onboarding.completed", {"userId": "ts-1", "email": "ada@new.test"})
    run = stack.ended(FUNCTION, userId="ts-1")
    assert (run.status, run.output) == ("finished", "onboarded")
    assert run.steps["send-tips-email"].output == {"to": "ada@shop.test", "template": "tips"}
