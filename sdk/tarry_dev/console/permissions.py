"""What the visitor's role may do, as far as IAM says it, or AWS has said it by refusing.

IAM can be asked only with ``iam:SimulatePrincipalPolicy``. Without it each action is offered, until AWS refuses it.
"""

from __future__ import annotations

import logging
import re
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import boto3

__all__ = ["Permissions", "missing_permission"]

_DENIED = re.compile(r"not authorized to perform: ([\w-]+:\w+)")

_ROLE = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/")

_log = logging.getLogger(__name__)


def missing_permission(error: Exception) -> str | None:
    """Return the permission that AWS says is missing, such as ``dynamodb:Query``; ``None`` if it says none."""
    found = _DENIED.search(str(error))
    return found[1] if found else None


class Permissions:
    """The permissions of one principal.

    Args:
        session: The session whose principal it is.
        resources: The actions to ask for, by the resources that they are done to.
    """

    def __init__(self, session: boto3.Session, resources: Mapping[str, Iterable[str]]) -> None:
        self._session = session
        self._resources = {resource: list(actions) for resource, actions in resources.items()}
        self._known: dict[str, bool] = {}

    def ask(self) -> Thread:
        """Ask IAM, beside the pages: the first one does not wait for it."""
        thread = Thread(target=self._ask, name="tarry-permissions", daemon=True)
        thread.start()
        return thread

    def permitted(self, action: str) -> bool | None:
        """Return whether the principal may do it; ``None`` if that is not known."""
        return self._known.get(action)

    def note_refusal(self, action: str) -> None:
        """Remember that AWS has refused it."""
        self._known[action] = False

    def _ask(self) -> None:
        try:
            principal = self._principal()
            if principal is None:
                return
            client = self._session.client("iam")
            for resource, actions in self._resources.items():
                asked: Any = {"PolicySourceArn": principal, "ActionNames": actions, "ResourceArns": [resource]}
                for each in client.simulate_principal_policy(**asked)["EvaluationResults"]:
                    is_allowed = each["EvalDecision"] == "allowed"
                    self._known[each["EvalActionName"]] = self._known.get(each["EvalActionName"], True) and is_allowed
        except Exception as error:  # it is a hint only: AWS itself decides
            _log.info("IAM does not say what this role may do: %s", error)

    def _principal(self) -> str | None:
        """The ARN whose policies count; ``None`` for the account's root, which may do everything."""
        arn = str(self._session.client("sts").get_caller_identity()["Arn"])
        if arn.endswith(":root"):
            return None
        if (role := _ROLE.match(arn)) is None:
            return arn
        # The session's ARN does not have the role's path.
        return str(self._session.client("iam").get_role(RoleName=role[3])["Role"]["Arn"])
