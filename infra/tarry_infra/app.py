"""The CDK app of this repository: ``cdk synth``, ``cdk deploy``, and ``make synth``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from jsii.errors import JavaScriptError

from tarry.errors import TarryError
from tarry_backend.runtime import load_app
from tarry_infra.names import default_stack_name
from tarry_infra.stack import TarryStack

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["application", "main"]

DEFAULT_APP = "examples.onboarding:app"


def main() -> None:
    """Synthesises to ``cdk.out`` the app that the context ``app`` names: ``cdk synth -c app=module:attr``."""
    app = application(os.environ.get("CDK_OUTDIR", "cdk.out"))
    try:
        spec = app.node.try_get_context("app") or DEFAULT_APP
        TarryStack(app, "Tarry", app=spec, stack_name=default_stack_name(load_app(spec).id))
        app.synth()
    except TarryError as error:
        sys.exit(f"tarry: {error}")
    except RuntimeError as error:
        if not isinstance(error.__cause__, JavaScriptError):
            raise
        sys.exit(f"tarry: {error}")  # the CDK's words: a finding, a failed build. The way there was Node's


def application(outdir: str, context: Mapping[str, Any] | None = None) -> cdk.App:
    """A CDK app whose synthesis fails on a finding of AWS's security rules that nobody has acknowledged."""
    app = cdk.App(outdir=outdir, context=context)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


if __name__ == "__main__":
    main()
