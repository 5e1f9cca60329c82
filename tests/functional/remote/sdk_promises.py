"""What every SDK does alike: the tests that each one's module has, over its own app."""

from tests.functional.remote.stage import Shop

__all__ = ["SdkPromises"]


class SdkPromises:
    """A campaign, steps side by side, and retries."""

    def test_a_campaign_is_answered_late(self, shop_of: Shop) -> None:
        shop_of.send("signed.up", email="a@b.c")
        shop_of.host.advance("3d")
        shop_of.send("confirmed", email="a@b.c")
        assert shop_of.result("drip") == {"outcome": "late"}
        assert shop_of.bodies("drip") == {"welcome": 1, "reminder": 1}

    def test_a_campaign_is_never_answered(self, shop_of: Shop) -> None:
        shop_of.send("signed.up", email="a@b.c")
        shop_of.host.advance("4d")
        assert shop_of.result("drip") == {"outcome": "never"}

    def test_steps_run_side_by_side(self, shop_of: Shop) -> None:
        shop_of.send("parallel")
        assert shop_of.result("parallel") == ["A", "B"]
        assert shop_of.bodies("parallel") == {"a": 1, "b": 1}

    def test_a_failing_step_is_tried_again(self, shop_of: Shop) -> None:
        shop_of.send("retries")
        shop_of.host.advance("2m")
        assert shop_of.result("retries") == 3
