"""The audit trail of the embedded cloud: the files that the stack has Firehose write, in a folder."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import MockRawResponse

from tarry._wire.steady_logger import steady_logger
from tarry_backend.events.audit_row import EVENTS, PARTITION, Row, day_of, row
from tarry_dev import trail
from tarry_dev.cloud.account import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from botocore.awsrequest import AWSPreparedRequest

    from tarry_dev.cloud.clock import Clock

__all__ = ["Audit", "stream_of"]

_log = steady_logger(__name__)

_open: list[Audit] = []
"""That of the open cloud, if one is open and has a trail."""


def stream_of(region: str) -> str:
    """The ARN of the stream that Firehose would have."""
    return f"arn:aws:firehose:{region}:{ACCOUNT_ID}:deliverystream/tarry-audit"


class Audit:
    """Collects the events of the bus, and writes them to ``folder`` as Parquet on demand.

    As on AWS: ``events/day=YYYY-MM-DD/*.parquet``, the day being that on which the event was taken in.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self._alone = Lock()
        self._is_writable = True

    def take(self, fields: dict[str, Any]) -> None:
        """Takes in an event, in EventBridge's form."""
        now = self._clock.now()
        with self._alone:
            self._rows[day_of(now)].append(row(fields, now))

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Within it, each boto client's ``PutRecord`` of Firehose comes here. At its end the last file is written."""
        _open.append(self)
        try:
            yield
        finally:
            _open.remove(self)
            self.try_flush()  # the runs are kept in any case

    def flush(self) -> None:
        """Writes what was taken in since the last time; a file a day. What cannot be written now is kept."""
        with self._alone:
            batch = {day: list(rows) for day, rows in self._rows.items() if rows}
        for day, rows in batch.items():
            self._write(day, rows)
            with self._alone:
                del self._rows[day][: len(rows)]

    def try_flush(self) -> None:
        """Writes it if that is possible. The log says once that it is not."""
        try:
            self.flush()
            self._is_writable = True
        except Exception as error:
            if self._is_writable:
                _log.error("%s: the audit trail cannot be written: %s", self._folder, str(error).partition("\n")[0])
            self._is_writable = False

    def _write(self, day: str, rows: Sequence[Row]) -> None:
        folder = self._folder / EVENTS / f"{PARTITION}={day}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{uuid4()}.parquet"
        # Whoever reads the folder meanwhile shall find no half of a file.
        unfinished = file.with_suffix(".part")
        try:
            trail.write(unfinished, rows)
            unfinished.replace(file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def _answer(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
    """The response to a ``PutRecord`` at AWS's own address."""
    if not _open or not (urlsplit(request.url).hostname or "").endswith(".amazonaws.com"):
        return None
    body: Any = request.body
    asked = json.loads(body)
    _open[-1].take(json.loads(base64.b64decode(asked["Record"]["Data"])))
    answer = json.dumps({"RecordId": str(uuid4()), "Encrypted": False}).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "content-length": str(len(answer))}
    return AWSResponse(request.url, 200, HTTPHeaders.from_dict(headers), MockRawResponse(answer))


# As for the signals Lambda: who is registered for one operation is asked before who is for all.
BUILTIN_HANDLERS += [("before-send.firehose.PutRecord", _answer)]
