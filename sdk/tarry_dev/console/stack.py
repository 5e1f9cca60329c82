"""A deployed stack as the source of a console, with the credentials of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

from tarry_dev.cli.athena_query import ask_athena
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.refusals import in_words
from tarry_dev.console.permissions import Permissions, missing_permission
from tarry_dev.console.source import PageError, Source
from tarry_dev.console.stack_log import StackLog
from tarry_dev.dead_letters import DeadLetters
from tarry_dev.stack_access import open_stack, person_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tarry_backend.deploy.outputs import Deployment
    from tarry_dev.cli.audit_query import Answer

__all__ = ["stack_source"]


def stack_source(stack: str) -> Source:
    """Open a stack for a console. Its session becomes boto3's default in this process, so a process shows one stack.

    Raises:
        UsageError: There is no such stack, or it is not Tarry's.
    """
    session = boto3.DEFAULT_SESSION = person_session()
    opened = open_stack(stack, session)
    deployment = opened.lookups.deployment
    permissions = Permissions(session, _actions(deployment, opened.outputs, session))
    permissions.ask()
    log = StackLog(session, stack)

    def explain(error: Exception) -> PageError | None:
        missing = missing_permission(error)
        if missing is not None:
            permissions.note_refusal(missing)
            return PageError(403, f"AWS refuses this: your role lacks {missing}.", missing)
        said = in_words(error)
        return None if said is None else PageError(502, f"{said[:1].upper()}{said[1:]}.")

    def dead_letters() -> Mapping[str, DeadLetters]:
        client, settings = session.client("sqs"), deployment.settings
        return {
            name: DeadLetters(client, name, getattr(settings, f"{name}_queue"), url)
            for name, url in deployment.dead_letters.items()
        }

    return Source(
        lookups=opened.lookups,
        name=f"stack {stack}",
        dead_letters=dead_letters,
        ask=_asker(opened.outputs),
        read_log=log.read,
        log_link=log.link,
        explain=explain,
        permitted=permissions.permitted,
    )


def _asker(outputs: Mapping[str, str]) -> Callable[[str], Answer] | None:
    """What asks the audit trail; ``None`` if the stack has none."""
    workgroup, database = outputs.get("AuditWorkgroup"), outputs.get("AuditDatabase")
    if workgroup is None or database is None:
        return None

    def ask(sql: str) -> Answer:
        try:
            return ask_athena(workgroup, database, sql)
        except CommandError as error:
            raise PageError(400, str(error).replace("--sql", "this page")) from error

    return ask


def _actions(deployment: Deployment, outputs: Mapping[str, str], session: boto3.Session) -> dict[str, list[str]]:
    """What the console does, by the resources to which it does it."""
    settings = deployment.settings
    account = settings.runs_queue.split("/")[-2]
    place = f"{session.get_partition_for_region(session.region_name)}:{{}}:{session.region_name}:{account}"

    def arn(service: str, name: str) -> str:
        return f"arn:{place.format(service)}:{name}"

    actions = {
        arn("dynamodb", f"table/{settings.table}"): ["dynamodb:UpdateItem"],
        arn("sqs", settings.runs_queue.rpartition("/")[2]): ["sqs:SendMessage"],
        arn("sqs", deployment.dead_letters["events"].rpartition("/")[2]): ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
        arn("events", f"event-bus/{settings.bus}"): ["events:PutEvents"],
    }
    if signals := outputs.get("SignalsFunction"):
        actions[arn("lambda", f"function:{signals}")] = ["lambda:InvokeFunction"]
    if workgroup := outputs.get("AuditWorkgroup"):
        actions[arn("athena", f"workgroup/{workgroup}")] = ["athena:StartQueryExecution"]
    return actions
