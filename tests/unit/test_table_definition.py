"""The table and its indexes are those of the last release: a deployed table cannot change in one step.

DynamoDB adds or removes one index in an update, and changes neither a key nor a projection (its API reference,
``UpdateTable``; CloudFormation's, ``AWS::DynamoDB::Table``). ``docs/upgrade.md`` says how to change one nevertheless.
"""

import json
from pathlib import Path
from typing import Any

from tarry_backend.store.models import table_definition

FROZEN = Path(__file__).with_name("table_definition.json")
"""The last release's. Change it with the release that changes an index, and never together with another index."""


def by_name(definition: dict[str, Any]) -> dict[str, Any]:
    """Keys with their types, and of each index also what it carries."""
    types = {each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]}

    def keys(keyed: dict[str, Any]) -> list[str]:
        return [f"{key['KeyType']} {key['AttributeName']} {types[key['AttributeName']]}" for key in keyed["KeySchema"]]

    indexes = {each["IndexName"]: each for each in definition["GlobalSecondaryIndexes"]}
    return {
        "table": keys(definition),
        **{
            name: [
                *keys(index),
                index["Projection"]["ProjectionType"],
                *index["Projection"].get("NonKeyAttributes", []),
            ]
            for name, index in sorted(indexes.items())
        },
    }


def test_keys_and_projections_are_those_of_the_last_release() -> None:
    assert by_name(table_definition("")) == json.loads(FROZEN.read_text()), (
        "a deployed table would refuse this change: read docs/upgrade.md, section 'An index of the table'"
    )
