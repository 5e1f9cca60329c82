"""The audit trail: what is put on the bus comes out of Athena."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.audit_queries import COUNT, ENTRIES, QUERIES, Query
from tests.e2e.cloud import ATHENA, Cloud
from tests.e2e.conftest import Tarry
from tests.e2e.outside import Stack, eventually

DELIVERED = 900
"""In seconds. Firehose gathers records for up to five minutes, and its converter for one more."""

ASKED = [
    pytest.param(query, id=query.story, marks=[] if query.portable else [pytest.mark.needs(ATHENA)])
    for query in QUERIES
]


@pytest.fixture(scope="module", autouse=True)
def delivered(cloud: Cloud, stack: Stack, tarry: Tarry) -> None:
    """The entries, in the trail."""
    if cloud.is_emulated:
        put_on_stream(cloud, stack)
    else:
        entries = [{"EventBusName": stack.outputs["Bus"], **entry} for entry in ENTRIES]
        assert stack.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0
    eventually(lambda: tarry("events", "--sql", COUNT)["rows"] == [[len(ENTRIES)]], patience=DELIVERED, pause=2)


@pytest.mark.parametrize("query", ASKED)
def test_the_trail_answers_in_sql(tarry: Tarry, query: Query) -> None:
    assert tarry("events", "--sql", query.sql)["rows"] == query.rows


def put_on_stream(cloud: Cloud, stack: Stack) -> None:
    """Stands for the rule, for MiniStack's EventBridge has no way to Firehose: puts what EventBridge would."""
    stream, firehose = stack.resource("AWS::KinesisFirehose::DeliveryStream"), stack.client("firehose")
    account = cloud.account
    for entry in ENTRIES:
        event: dict[str, Any] = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": account,
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": cloud.region,
            "resources": entry.get("Resources", []),
            "detail": json.loads(entry["Detail"]),
        }
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": json.dumps(event).encode()})
