"""``make acceptance STACK=name``: the scenarios of tests/e2e on the account to which the credentials lead.

It deploys a stack of that name, plays the scenarios, deletes the stack, and lists what is left. ``--keep`` keeps the
stack. It does not touch a stack of that name which the scenarios did not make.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from tarry.errors import UsageError
from tests.e2e.cloud import Cloud
from tests.e2e.deployment import CDK, TAG
from tests.e2e.emulator import ROOT
from tests.e2e.price import AT_MOST, PAGE, price_of
from tests.e2e.remains import BOOTSTRAP, Resource, Standing, describe, inventory, remains, remove, standing_of

__all__ = ["main"]

_NAME = re.compile("[a-z][a-z0-9-]{0,39}")


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0 if every scenario passed and nothing is left."""
    given = _parser().parse_args(arguments)
    try:
        cloud, name = Cloud.of(os.environ), _checked(given.stack)
        is_bootstrapped = describe(cloud, BOOTSTRAP) is not None
        standing = standing_of(describe(cloud, name), name)
        _announce(cloud, name, standing, is_bootstrapped, keep=given.keep)
        if standing == Standing.FOREIGN:
            raise UsageError(
                f"there is already a stack {name} in this account and region, without the tag {TAG}={name}: "
                "make acceptance did not make it, and does not touch it; give another name: STACK=..."
            )
        if given.clean:
            return 0 if _cleaned(cloud, name, is_new=False) else 1
        if not cloud.is_emulated and not given.yes:
            _confirm(name)
    except (UsageError, BotoCoreError, ClientError) as error:
        print(f"make acceptance: {error}", file=sys.stderr)
        return 2
    if standing == Standing.OURS:
        print(f"Deleting stack {name}, which an earlier make acceptance left ...", flush=True)
        remove(cloud, name, inventory(cloud, name))
    return _played(cloud, name, given.arguments, keep=given.keep, is_new=not is_bootstrapped)


def _played(cloud: Cloud, name: str, arguments: Sequence[str], *, keep: bool, is_new: bool) -> int:
    """Play the scenarios, then clean up whatever happened meanwhile, Ctrl-C included."""
    passed = False
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/e2e", *arguments],
            cwd=ROOT,
            env=os.environ | {"E2E_STACK": name},
            check=False,
        )
        passed = run.returncode == 0
    finally:
        clean = _kept(name) if keep else _cleaned(cloud, name, is_new=is_new)
    return 0 if passed and clean else 1


def _kept(name: str) -> bool:
    print(f"\nStack {name} stays (KEEP=1). The next make acceptance STACK={name} deletes it and begins anew.")
    return True


def _cleaned(cloud: Cloud, name: str, *, is_new: bool) -> bool:
    """Delete the stack and print what is left; false if something is."""
    description = describe(cloud, name)
    resources: list[Resource] = []
    if standing_of(description, name) == Standing.OURS:
        resources = inventory(cloud, name)
        print(f"\nDeleting stack {name} and its {len(resources)} resources ...", flush=True)
        remove(cloud, name, resources)
    left = remains(cloud, name, resources)
    for each in left:
        print(f"LEFT: {each.what}\n    {each.command}")
    if not left:
        print(f"Nothing is left of stack {name}: stack, buckets, table, log groups and queues are gone.")
    if is_new:
        print(f"Stack {BOOTSTRAP} stays, for other CDK apps; to delete it, see docs/acceptance.md.")
    return not left


def _announce(cloud: Cloud, name: str, standing: Standing, is_bootstrapped: bool, *, keep: bool) -> None:
    price = price_of(PAGE.read_text())
    state = {
        Standing.ABSENT: "is new",
        Standing.OURS: "is there from an earlier make acceptance, and is deleted first",
        Standing.FOREIGN: "IS THERE, AND IS NOT OURS",
    }[standing]
    print(f"Account   {cloud.account} ({cloud.title})")
    print(f"Region    {cloud.region}")
    print(f"Stack     {name}: {state}; {'it stays afterwards' if keep else 'it is deleted afterwards'}")
    print("Creates   one DynamoDB table, two buckets, an event bus, queues, Lambdas, alarms, a dashboard, a Firehose")
    print("          stream, a Glue database, an Athena workgroup, schedules and roles: all in the stack;")
    print(f"          two queues {name}-test-..., and two rules on the stack's bus")
    if not is_bootstrapped:
        print(f"          and by cdk bootstrap ({CDK}) the stack {BOOTSTRAP}, which stays")
    did = ", ".join(f"{number:,} {what}" for what, number in AT_MOST.items())
    print(f"Costs     at most {price.at_most:.2f} USD, of which {price.dashboard:.2f} is the dashboard, free if the")
    print(f"          account has fewer than three. Counted: {did}.")
    print(f"          A stack that is kept costs {price.month:.2f} USD a month.")
    print("Takes     about half an hour on AWS, five minutes on MiniStack", flush=True)


def _confirm(name: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("this is a real account: say YES=1 to go on without being asked")
    if input(f"Type the stack's name to go on ({name}): ").strip() != name:
        raise UsageError("nothing was done")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"STACK={name}: give 1 to 40 lower-case letters, digits and hyphens; the first is a letter")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make acceptance", description="Play the scenarios on a real account.")
    parser.add_argument("stack")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep", action="store_true", help="keep the stack")
    parser.add_argument("--clean", action="store_true", help="only delete what an earlier run left")
    parser.add_argument("arguments", nargs="*", help="for pytest")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
