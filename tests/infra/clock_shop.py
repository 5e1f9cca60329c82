"""An app with functions that start by the clock, which is synthesised in tests."""

from tarry import App, ContextSync, TriggerCron, TriggerEvent

app = App("clock")


@app.create_function(
    fn_id="report", trigger=[TriggerEvent("report/asked"), TriggerCron("0 9 * * 1-5", "Europe/Berlin", jitter="15m")]
)
def report(ctx: ContextSync) -> None:
    """Starts on workdays, and when it is asked."""


@app.create_function(fn_id="bill", trigger=TriggerCron("30 6 1 * FRI"))
def bill(ctx: ContextSync) -> None:
    """Starts on the first, and on Fridays."""
