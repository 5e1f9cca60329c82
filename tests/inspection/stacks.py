"""Two stacks on paper, without their code: as by default, and with all that there is. `make inspect` reads them."""

import sys
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from tarry_infra import TarryStack
from tarry_infra.app import application

APP = "tests.infra.clock_shop:app"


def main(outdir: str) -> None:
    """One synthesis, with the security rules, into the folder."""
    context: dict[str, Any] = {"aws:cdk:bundling-stacks": []}
    app = application(outdir, context)
    TarryStack(app, "Default", app=APP)
    shared = cdk.Stack(app, "Shared")
    key = kms.Key(shared, "Key", enable_key_rotation=True)
    TarryStack(
        app,
        "Everything",
        app=APP,
        api=True,
        encryption_key=key,
        warm_writes=20_000,
        account_concurrency=10,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1])
