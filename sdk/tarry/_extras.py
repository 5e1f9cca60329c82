"""The extras of Tarry: which modules each one installs, and what an error says where one is missing."""

from __future__ import annotations

__all__ = ["EXTRAS", "explained"]

EXTRAS = {
    "local": {
        "duckdb",
        "flask",
        "flask_cors",
        "jinja2",
        "markupsafe",
        "moto",
        "rich",
        "time_machine",
        "typer",
        "werkzeug",
    },
    "console": {"jinja2", "markupsafe", "rich", "typer", "werkzeug"},
    "encryption": {"aws_encryption_sdk"},
    "traces": {"opentelemetry"},
    "infra": {"aws_cdk", "cdk_nag", "constructs", "jsii", "uv"},
}
"""The modules that Tarry imports itself, and those without which ``moto`` and the CDK cannot be imported."""


def explained(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """An error that names the extra to install, in one line; the error itself if no extra installs the module."""
    module = error.name or ""
    for extra, modules in EXTRAS.items():
        if module.partition(".")[0] in modules:
            text = f"the module {module!r} is not installed; install it with: pip install 'tarry[{extra}]'"
            return ModuleNotFoundError(text, name=module)
    return error
