"""The command ``tarry run``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Full, Stack  # noqa: TC001 - typer reads them

__all__ = ["run"]


def run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its beginning.")],
    stack: Stack = None,
    as_json: AsJson = False,
    full: Full = False,
    decrypt: Annotated[
        bool, typer.Option("--decrypt", help="Decrypt encrypted values, with your own permission to use their key.")
    ] = False,
) -> None:
    """Show one run: the time line of its steps, with their durations, outputs and waits.

    --json writes the fields of tarry runs, and all steps, each with id, kind, status, began, ended, attempt, due,
    output, error, and invoked (function, run) if it invokes. An event wait has wait: event, expression, since, note,
    others (the same for each further event), deadline, resolved_by, timed_out. A signal wait has signal: signal,
    deadline, id, timed_out. guards are the events and deadlines that may cancel the run, in the same form. past_lives
    says how the lives before a retry have ended (life, ended, error, retried, from), past_steps has the steps that a
    retry has dropped, each with its life. Encrypted values (docs/encryption.md) are shown as (encrypted), and --json
    has their ciphertext, unless you give --decrypt. held_back says that the run waits for its turn: since, before
    (how many runs are before it, 1,000 at most), paused (since when its function is), after (the run of its singleton
    that ends first), begins (its time of a throttle).

    \b
    Examples:
      tarry run 60WDSJCJ
      tarry run 60WDSJCJ --json | jq '.steps[] | {id, status, output}'
    """
    from tarry_dev.cli.run import show_run

    show_run(run_id, stack, as_json, full, decrypt)
