"""The audit trail: what goes into the delivery stream comes out of Athena.

MiniStack's EventBridge has no way to Firehose, so the test stands for the rule: it puts on the stream what
EventBridge would, in EventBridge's form.
"""

import json
import uuid
from datetime import UTC, datetime

import pytest

from tests.e2e.audit_queries import COUNT, ENTRIES, QUERIES, Query
from tests.e2e.conftest import Tarry
from tests.e2e.emulator import ACCOUNT, REGION
from tests.e2e.outside import Stack, eventually


@pytest.fixture(scope="module", autouse=True)
def delivered(stack: Stack, tarry: Tarry) -> None:
    """The entries, in the trail."""
    stream = stack.resource("AWS::KinesisFirehose::DeliveryStream")
    firehose = stack.client("firehose")
    for entry in ENTRIES:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": ACCOUNT,
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": entry.get("Resources", []),
            "detail": json.loads(entry["Detail"]),
        }
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": json.dumps(event).encode()})
    eventually(lambda: tarry("events", "--sql", COUNT)["rows"] == [[len(ENTRIES)]])


@pytest.mark.parametrize("query", [query for query in QUERIES if query.portable], ids=lambda query: query.story)
def test_the_trail_answers_in_sql(tarry: Tarry, query: Query) -> None:
    assert tarry("events", "--sql", query.sql)["rows"] == query.rows
