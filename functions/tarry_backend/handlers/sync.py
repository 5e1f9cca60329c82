"""Entry point of the custom resource that syncs a Lambda app at its deployment."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tarry.errors import TarryError
from tarry_backend import initialisation
from tarry_backend.remote.directory import check_apart, functions_of
from tarry_backend.remote.manifest import SyncError
from tarry_backend.remote.sync import ask_for_manifest
from tarry_backend.remote.ways import connect
from tarry_backend.runtime import runtime
from tarry_backend.telemetry import logged, logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.log_lines import LambdaContext

_PATIENCE = 20.0
"""How many seconds the app may take, its cold start included."""

_PAUSES = (2, 8)
"""Seconds until a sync that failed is tried again."""

_LONGEST_REASON = 700
"""The most characters of a failure's reason: CloudFormation takes no report of more than 4,096 bytes."""


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Sync or remove the app, and report to CloudFormation. A refusal fails the deployment, with every reason."""
    asked = event["ResourceProperties"]
    try:
        if event["RequestType"] == "Delete":
            runtime().store.remote_apps.remove(asked["AppId"])
        else:
            _patiently(lambda: _sync(asked["AppId"], asked["Address"]))
        problem = None
    except Exception as error:
        logger.exception("the app is not synced")
        problem = f"{type(error).__name__}: {error}"
    _report(event, problem)


def _patiently(sync: Callable[[], None]) -> None:
    """Sync, and try again for half a minute: IAM may take seconds until it allows what was just granted."""
    for pause in (*_PAUSES, None):
        try:
            return sync()
        except SyncError:
            raise
        except Exception:
            if pause is None:
                raise
            logger.warning("the sync is tried again in %s s", pause, exc_info=True)
            time.sleep(pause)
    return None


def _sync(app_id: str, address: str) -> None:
    parts = runtime()
    assert parts.remote is not None, "a stack without remote apps syncs none"
    manifest = ask_for_manifest(connect(address, parts.remote.signing_key()), _PATIENCE)
    if manifest is None:
        raise TarryError(
            f"the app at {address} does not list its functions in its answer: take INNGEST_DEV out of its variables, "
            "or update its SDK"
        )
    if manifest.id != app_id:
        raise SyncError(app_id, [f"the app at {address} has the id {manifest.id!r}"])
    functions_of(manifest, parts.manifest.id, parts.remote.signing_key)
    check_apart(manifest, parts.store.remote_apps.all(), parts.manifest.functions)
    parts.store.remote_apps.put(manifest.id, manifest.text())


def _report(event: dict[str, Any], problem: str | None) -> None:
    """Put the report where CloudFormation waits for it: at a URL of S3's that is signed for an empty content type.

    urllib would name a form. In some regions S3 then refuses the report, and the deployment waits for it for an hour.
    """
    answer = {
        "Status": "FAILED" if problem else "SUCCESS",
        "Reason": (problem or "")[:_LONGEST_REASON],
        "PhysicalResourceId": f"tarry-remote-{event['ResourceProperties']['AppId']}",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    text = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
    request = urllib.request.Request(event["ResponseURL"], text, {"Content-Type": ""}, method="PUT")
    with urllib.request.urlopen(request, timeout=30):
        pass


initialisation.end()
