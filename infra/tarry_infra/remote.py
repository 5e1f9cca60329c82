"""Remote apps: functions whose code is an app of an official Inngest SDK, at an address or in a Lambda."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aws_cdk import Acknowledgment, CfnOutput, CustomResource, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from tarry.errors import UsageError
from tarry_backend.remote.remote_stack import PREFIX
from tarry_backend.store.access import REMOTE_PUBLISHERS
from tarry_infra.functions import Capacity, Function
from tarry_infra.regions import FUNCTION_URLS

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from tarry_infra.api import Api
    from tarry_infra.functions import Host
    from tarry_infra.ingest import Ingest
    from tarry_infra.runs import Runs
    from tarry_infra.state import State
    from tarry_infra.timers import Timers

__all__ = ["Remote", "RemoteApp", "RemoteApps"]

_GATEWAY = Capacity(memory=512, timeout=30)

_SYNC = Capacity(memory=512, timeout=90)

_HEX = "ghijklmnopqrstuvwxyz"
"""What a secret of hexadecimal digits leaves out of the small letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteApp:
    """An app of an official Inngest SDK, which the stack hosts.

    Attributes:
        id: The app's id, as in its code: ``new Inngest({ id })``.
        url: Where its SDK answers, ``https://…``. Sync it by ``tarry sync``, or by its own ``PUT``.
        function: Its Lambda, by ``inngest/lambda``, instead of ``url``. A deployment that changes it syncs it. One of
            another stack needs ``environment=False``: otherwise the stacks would need each other.
        path: The path of the Lambda's SDK.
        environment: Whether the Lambda gets its keys, and the address of the gateway, as environment variables.
    """

    id: str
    url: str | None = None
    function: lambda_.Function | None = None
    path: str = "/api/inngest"
    environment: bool = True

    def __post_init__(self) -> None:
        if (self.url is None) == (self.function is None):
            raise UsageError(f"remote app {self.id!r}: give url or function")
        if self.url is not None and not self.url.startswith("https://"):
            raise UsageError(f"remote app {self.id!r}: its url is {self.url!r}; give https://…")


RemoteApps = Sequence[RemoteApp] | Callable[[Construct], Sequence[RemoteApp]]
"""Remote apps, or a function that makes them in the stack: their Lambdas stand in it then."""


class Remote(Construct):
    """The keys of remote apps, and the gateway that their SDKs call.

    ``signing`` has the key with which stack and apps sign for each other, ``events`` the key with which apps send
    events. ``gateway`` answers at a URL without IAM, since SDKs cannot sign for it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, host: Host, apps: RemoteApps) -> None:
        super().__init__(scope, construct_id)
        self.apps = tuple(apps(scope) if callable(apps) else apps)
        self.signing = self._secret("SigningKey", "Signs requests between Tarry and remote apps", host.encryption_key)
        self.events = self._secret("EventKey", "Remote apps send events with it", host.encryption_key)
        self.gateway = Function(
            self,
            "Gateway",
            handler="gateway",
            host=host,
            capacity=_GATEWAY,
            description="Answers the SDKs of remote apps: events, syncs, signals, large states",
        )
        FUNCTION_URLS.warn(self, "remote=[...]")
        self.url = self.gateway.live.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE).url
        self.sync = self._sync(host) if any(app.function for app in self.apps) else None
        for function in (self.gateway, *([self.sync] if self.sync else [])):
            _grant(function, self.signing)
        _grant(self.gateway, self.events)
        CfnOutput(self, "Url", value=self.url).override_logical_id("GatewayUrl")

    def configure(self, executor: Function, settings: Sequence[tuple[str, str]]) -> None:
        """Let the executor call the apps, and sync those that are Lambdas."""
        _grant(executor, self.signing)
        for function in filter(None, (self.gateway, self.sync)):
            for variable, value in settings:
                function.add_environment(variable, value)
        for app in self.apps:
            if app.function is not None:
                self._host(app, app.function, executor)

    def grant(self, ingest: Ingest, runs: Runs, timers: Timers, state: State, api: Api | None) -> None:
        """Grant each Lambda what remote apps ask of it beside."""
        own = [self.gateway, *([self.sync] if self.sync else [])]
        state.grant(*own)
        state.grant_remote(ingest.matcher, runs.executor, timers.sweep, *own, *([api.function] if api else []))
        ingest.grant_put_events(timers.sweep, *own, publishers=REMOTE_PUBLISHERS)
        runs.queue.grant_send(self.gateway)

    def settings(self) -> dict[str, str]:
        """Return the settings of the Lambdas that have to know of remote apps."""
        return {"signing_secret": _arn(self.signing), "event_secret": _arn(self.events)}

    def _host(self, app: RemoteApp, function: lambda_.Function, executor: Function) -> None:
        assert self.sync is not None
        for caller in (executor, self.sync):
            iam.Grant.add_to_principal(
                grantee=caller, actions=["lambda:InvokeFunction"], resource_arns=[function.function_arn]
            )
        if app.environment and Stack.of(function) is not Stack.of(self):
            raise UsageError(
                f"remote app {app.id!r}: its Lambda is of another stack; make it in this one (lambda stack: [...]),"
                " or give environment=False, and set its variables yourself"
            )
        if app.environment:
            key = f"{PREFIX}{self.signing.secret_value.unsafe_unwrap()}"  # a reference: the template has no key
            function.add_environment("INNGEST_SIGNING_KEY", key)
            function.add_environment("INNGEST_EVENT_KEY", self.events.secret_value.unsafe_unwrap())
            function.add_environment("INNGEST_BASE_URL", self.url)
        resource = CustomResource(
            self,
            f"App-{app.id}",
            service_token=self.sync.function_arn,
            resource_type="Custom::TarryRemoteApp",
            properties={
                "AppId": app.id,
                "Address": f"{function.function_arn}#{app.path}",
                "Code": _digest(function),
            },
        )
        assert self.sync.role is not None
        resource.node.add_dependency(function, self.sync, self.sync.role)  # with the policy, or it may not read the key

    def _sync(self, host: Host) -> Function:
        return Function(
            self,
            "Sync",
            handler="sync",
            host=host,
            capacity=_SYNC,
            description="Asks a remote app for its functions when it is deployed",
        )

    def _secret(self, name: str, description: str, key: kms.IKey | None) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            name,
            description=description,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True, exclude_uppercase=True, exclude_characters=_HEX
            ),
        )
        reason = "Apps outside of the stack have the key in their environment: whoever rotates it changes it there too."
        Validations.of(secret).acknowledge(Acknowledgment(id="AwsSolutions-SMG4", reason=reason))
        return secret


def _grant(function: Function, secret: secretsmanager.Secret) -> None:
    """Let the Lambda read the secret, and nothing else of it."""
    function.allow(["secretsmanager:GetSecretValue"], _arn(secret))


def _arn(secret: secretsmanager.Secret) -> str:
    return cast(secretsmanager.CfnSecret, secret.node.default_child).attr_id


def _digest(function: lambda_.Function) -> str:
    """Return what changes with the Lambda's code: then the app is synced anew."""
    code = Stack.of(function).resolve(function.node.default_child.code)  # type: ignore[union-attr]
    return hashlib.sha256(json.dumps(code, sort_keys=True, default=str).encode()).hexdigest()
