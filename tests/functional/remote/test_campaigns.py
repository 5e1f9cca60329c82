"""Functions by the official npm package, versions 3 and 4, unmodified: what they do on the embedded cloud."""

from tests.functional.remote.stage import Shop


def test_a_campaign_whose_person_confirms_at_once_ends_there(shop_of: Shop) -> None:
    shop_of.send("signed.up", email="a@b.c")
    assert shop_of.run("drip").status == "running"
    shop_of.send("confirmed", email="x@y.z")
    assert shop_of.run("drip").status == "running"
    shop_of.send("confirmed", email="a@b.c")
    assert shop_of.result("drip") == {"outcome": "at once"}
    assert shop_of.bodies("drip") == {"welcome": 1}


def test_a_campaign_that_is_answered_after_the_reminder_ends_late(shop_of: Shop) -> None:
    shop_of.send("signed.up", email="a@b.c")
    shop_of.host.advance("2d")
    assert shop_of.bodies("drip") == {"welcome": 1, "reminder": 1}
    shop_of.host.advance("1d")
    shop_of.send("confirmed", email="a@b.c", via="link")
    assert shop_of.result("drip") == {"outcome": "late", "via": "link"}
    assert shop_of.bodies("drip") == {"welcome": 1, "reminder": 1}


def test_a_campaign_that_nobody_answers_ends_after_four_days(shop_of: Shop) -> None:
    shop_of.send("signed.up", email="a@b.c")
    shop_of.host.advance("4d")
    assert shop_of.result("drip") == {"outcome": "never", "via": None}


def test_steps_run_side_by_side_with_a_wait(shop_of: Shop) -> None:
    shop_of.send("parallel", order=7)
    assert shop_of.bodies("parallel") == {"a": 1, "b": 1}
    shop_of.send("answer", order=8)
    shop_of.send("answer", order=7)
    assert shop_of.result("parallel") == {"last": "AB", "answer": {"order": 7}, "order": 7}
    assert shop_of.bodies("parallel") == {"a": 1, "b": 1}


def test_a_race_is_won_by_the_event(shop_of: Shop) -> None:
    shop_of.send("race")
    shop_of.send("paid")
    shop_of.host.advance("2h")
    assert shop_of.result("race") == "paid"


def test_a_race_is_won_by_the_sleep(shop_of: Shop) -> None:
    shop_of.send("race")
    shop_of.host.advance("2d")  # inngest 4 keeps the run until the loser's deadline
    assert shop_of.result("race") == "slept"


def test_a_function_invokes_another_and_sends_an_event(shop_of: Shop) -> None:
    shop_of.send("invokes", box=21)
    assert shop_of.result("invokes") == {"packed": 42}
    assert shop_of.result("pack") == {"packed": 42}
    shop_of.host.advance("1m")  # the clock of the app's process may be ahead
    assert shop_of.result("told") == {"packed": 42}
    assert list(shop_of.run("invokes").steps) == ["pack it", "tell"]


def test_a_failing_step_is_tried_again(shop_of: Shop) -> None:
    shop_of.send("retries")
    assert shop_of.bodies("retries") == {"flaky": 1}
    shop_of.host.advance("2m")
    assert shop_of.result("retries") == 3
    assert shop_of.bodies("retries") == {"flaky": 3}


def test_an_error_that_no_retry_helps_is_caught_by_the_function(shop_of: Shop) -> None:
    shop_of.send("caught")
    assert shop_of.result("caught") == {"caught": "card is stolen"}
    assert shop_of.bodies("caught") == {"hopeless": 1}


def test_a_step_says_when_it_is_to_be_tried_again(shop_of: Shop) -> None:
    shop_of.send("later")
    shop_of.host.advance("1h")
    assert shop_of.run("later").status == "running"
    shop_of.host.advance("70m")
    assert shop_of.result("later") == "done"


def test_a_failed_run_starts_its_failure_function(shop_of: Shop) -> None:
    shop_of.send("fails", order=9)
    shop_of.host.advance("1m")
    assert shop_of.run("fails").status == "failed"
    assert shop_of.bodies("fails") == {"fine": 1, "throws": 2}
    function = f"{shop_of.app.id}-fails"
    assert shop_of.result("fails-failure") == {"about": function, "order": 9, "message": "out of order 2"}


def test_an_event_cancels_a_run(shop_of: Shop) -> None:
    shop_of.send("cancelled", order=1)
    shop_of.send("withdrawn", order=2)
    assert shop_of.run("cancelled").status == "running"
    shop_of.send("withdrawn", order=1)
    assert shop_of.run("cancelled").status == "cancelled"


def test_a_repeated_id_is_a_step_each_time_with_a_name_that_people_can_read(shop_of: Shop) -> None:
    shop_of.send("loop")
    assert shop_of.result("loop") == [0, 10, 20]
    assert list(shop_of.run("loop").steps) == ["turn", "turn:1", "turn:2"]


def test_a_function_sleeps_until_a_time(shop_of: Shop) -> None:
    shop_of.send("until")
    shop_of.host.advance("23h")
    assert shop_of.run("until").status == "running"
    shop_of.host.advance("1h")
    assert shop_of.result("until") == "slept"


def test_a_state_of_six_megabytes_is_fetched_by_the_app(shop_of: Shop) -> None:
    shop_of.app.door.seen.clear()
    shop_of.send("big", megabytes=6)
    assert shop_of.result("big") == 6_000_000
    assert any(call.endswith("/actions") for call in shop_of.app.door.seen)


def test_a_cron_starts_a_function(shop_of: Shop) -> None:
    shop_of.host.advance("1d")
    assert shop_of.result("nightly") == "inngest/scheduled.timer"


def test_a_signal_reaches_the_run_that_waits_for_it(shop_of: Shop) -> None:
    shop_of.send("signal", order=5)
    shop_of.host.signal("approve/5", {"by": "anna"})
    assert shop_of.result("signal") == {"by": "anna"}


def test_a_reply_that_comes_while_the_asking_step_still_runs_is_answered(shop_of: Shop) -> None:
    """On the original it is lost: the wait begins after it."""
    shop_of.send("asks", order=3)
    assert shop_of.result("asks") == "answered"


def test_a_signal_is_sent_by_the_sdk(shop_of: Shop) -> None:
    if shop_of.app.id == "shop3":  # inngest 3 has no call for it
        return
    shop_of.send("signal", order=6)
    shop_of.send("approves", order=6)
    assert shop_of.result("approves") == shop_of.run("signal").id
    assert shop_of.result("signal") == {"by": "bert"}


def test_a_rate_limit_of_the_app_is_tarrys(shop_of: Shop) -> None:
    for n in (1, 2):
        shop_of.send("limited", customer="c", n=n)
    shop_of.send("limited", customer="d", n=3)
    outputs = [run.output for run in shop_of.host.runs(f"{shop_of.app.id}-limited")]
    assert outputs == [1, 3]


def test_a_throttle_of_the_app_is_tarrys(shop_of: Shop) -> None:
    for _ in range(2):
        shop_of.send("throttled")
    runs = shop_of.host.runs(f"{shop_of.app.id}-throttled")
    assert sorted(run.status for run in runs) == ["finished", "running"]
    shop_of.host.advance("61m")
    assert {run.status for run in runs} == {"finished"}


def test_a_batch_of_the_app_is_tarrys(shop_of: Shop) -> None:
    for n in range(4):
        shop_of.send("batched", n=n)
    assert shop_of.result("batched") == [0, 1, 2]
    shop_of.host.advance("15s")
    assert [run.output for run in shop_of.host.runs(f"{shop_of.app.id}-batched")] == [[0, 1, 2], [3]]


def test_what_the_starting_event_lacks_is_null(shop_of: Shop) -> None:
    shop_of.send("lenient")
    shop_of.send("kind", kind="a")
    assert shop_of.result("lenient") == {"kind": "a"}


def test_a_wrong_condition_fails_the_run_and_names_the_step(shop_of: Shop) -> None:
    shop_of.send("asks.for", condition="async.data.order = = 1")
    run = shop_of.run("asks-for")
    assert run.status == "failed"
    assert "step 'it': expression 'async.data.order = = 1'" in str(run.error)


def test_a_text_that_is_cut_within_a_character_goes_to_and_fro(shop_of: Shop) -> None:
    shop_of.send("cuts")
    assert shop_of.result("cuts") == "d83d"


def test_concurrency_of_the_app_is_tarrys(shop_of: Shop) -> None:
    function = shop_of.cloud.app.functions[f"{shop_of.app.id}-narrow"]
    assert [(limit.limit, limit.key) for limit in function.concurrency] == [(1, "event.data.customer")]
    for _ in range(2):
        shop_of.send("narrow", customer="c")
    assert [run.output for run in shop_of.host.runs(function.id)] == ["done", "done"]


def test_a_failed_run_is_retried_from_the_step_that_ended_it(shop_of: Shop) -> None:
    shop_of.send("mendable")
    run = shop_of.run("mendable")
    assert run.status == "failed"
    shop_of.host.retry(run)
    assert run.output == "mended"
    assert shop_of.bodies("mendable") == {"fine": 1, "broken": 2}


def test_a_run_is_run_again_from_a_step_on(shop_of: Shop) -> None:
    shop_of.send("loop")
    again = shop_of.host.rerun(shop_of.run("loop"), from_step="turn:2")
    assert again.output == [0, 10, 20]
