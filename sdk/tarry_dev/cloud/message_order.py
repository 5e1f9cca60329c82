"""The messages of an embedded queue by arrival, by receipt, and by the moment at which they can be received.

Each question costs the same however many messages the queue holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moto.sqs.models import Message

__all__ = ["MessageOrder"]

_Entry = tuple[float, int, int]
"""In a heap: what it is sorted by, then a lane's number and stamp. It counts only while the lane has that stamp."""

_SPARE = 100
"""How many entries that count no longer a heap may have, beside as many as count."""


class _Lane:
    """Messages that are received one after the other: a group of a FIFO queue, or a message that stands alone."""

    __slots__ = ("messages", "number", "received", "stamp")

    def __init__(self, number: int) -> None:
        self.number = number
        self.stamp = 0
        self.messages: dict[int, Message] = {}  # by place, in the order of arrival
        self.received: dict[int, Message] = {}  # those that were received before: in flight, or to come again

    @property
    def visible_at(self) -> float:
        """A message in flight keeps back the whole lane."""
        return max((message.visible_at for message in self.received.values()), default=0.0)

    @property
    def delayed_until(self) -> float:
        """When the delay of the first message is over."""
        return next(iter(self.messages.values())).delayed_until

    def is_ready(self, now: float) -> bool:
        """Whether its first message can be received."""
        return self.visible_at < now and self.delayed_until <= now


class MessageOrder:
    """A queue's messages. Whoever changes the times of one reports it by ``changed``."""

    def __init__(self, fifo: bool) -> None:
        self._fifo = fifo
        self._numbers = count()
        self._lanes: dict[int, _Lane] = {}
        self._groups: dict[str | None, _Lane] = {}
        self._places: dict[Message, tuple[int, _Lane]] = {}
        self._receipts: dict[str, Message] = {}
        self._given: dict[Message, list[str]] = {}
        self._delayed: dict[Message, float] = {}
        self._ready: list[_Entry] = []  # by the place of the lane's first message
        self._later: list[_Entry] = []  # by the moment at which the lane becomes ready
        self._moments: list[_Entry] = []  # of all lanes, by that moment
        self._ages: list[tuple[int, int, Message]] = []
        self._delays: list[tuple[float, int, Message]] = []

    def __iter__(self) -> Iterator[Message]:
        """All messages, in the order of arrival."""
        return iter(list(self._places))

    def __len__(self) -> int:
        return len(self._places)

    def add(self, message: Message) -> None:
        """Put a message behind the others."""
        place = next(self._numbers)
        lane = self._groups.get(message.group_id) if self._fifo else None
        if lane is None:
            lane = self._lanes[place] = _Lane(place)
            if self._fifo:
                self._groups[message.group_id] = lane
        lane.messages[place] = message
        self._places[message] = place, lane
        if len(self._ages) > 2 * len(self._places) + _SPARE:
            self._ages = [each for each in self._ages if each[2] in self._places]
            heapify(self._ages)
        heappush(self._ages, (_sent_at(message), place, message))
        self.changed(message)

    def remove(self, message: Message) -> None:
        """Take a message out."""
        place, lane = self._places.pop(message)
        for receipt in self._given.pop(message, ()):
            del self._receipts[receipt]
        self._delayed.pop(message, None)
        del lane.messages[place]
        lane.received.pop(place, None)
        if lane.messages:
            self._file(lane)
        else:
            del self._lanes[lane.number]
            if self._fifo:
                del self._groups[message.group_id]

    def changed(self, message: Message) -> None:
        """Note that the message is visible, or its delay over, at another moment."""
        place, lane = self._places[message]
        if message.visible_at:
            lane.received[place] = message
        self._delayed.pop(message, None)
        if message.delayed_until:
            self._delayed[message] = message.delayed_until
            heappush(self._delays, (message.delayed_until, next(self._numbers), message))
        self._file(lane)

    def give(self, message: Message, receipt: str) -> None:
        """Note a receipt by which the message is known from now on, beside its earlier ones."""
        self._receipts[receipt] = message
        self._given.setdefault(message, []).append(receipt)

    def by_receipt(self, receipt: str) -> Message | None:
        """Return the message that was ever given with this receipt."""
        return self._receipts.get(receipt)

    def sent_by(self, moment: float) -> list[Message]:
        """Return the messages that were sent at ``moment`` or before."""
        old: list[Message] = []
        while self._ages and (self._ages[0][2] not in self._places or self._ages[0][0] <= moment):
            _, _, message = heappop(self._ages)
            if message in self._places:
                old.append(message)
        return old

    def candidates(self, now: float) -> Iterator[Message]:
        """Yield what can be received, each message once, in the order of arrival.

        Several messages of a group come one after the other. Whoever takes a message reports the change afterwards, and
        adds and removes nothing meanwhile.
        """
        self._wake(now)
        going: list[tuple[int, _Lane, Iterator[int]]] = []
        while self._first(self._ready) or going:
            if going and not (self._ready and self._ready[0][0] < going[0][0]):
                place, lane, places = heappop(going)
            else:
                _, number, stamp = heappop(self._ready)
                lane = self._lanes[number]
                if not lane.is_ready(now):  # the clock was put back
                    heappush(self._later, (_moment(lane), number, stamp))
                    continue
                places = iter(lane.messages)
                place = next(places)
            yield lane.messages[place]
            if (following := next(places, None)) is not None:
                heappush(going, (following, lane, places))

    def has_ready(self, now: float) -> bool:
        """Whether something can be received."""
        moment = self.next_moment
        return moment is not None and moment <= now

    @property
    def next_moment(self) -> float | None:
        """From when on the first one can be received; maybe past. ``None`` if there is none."""
        first = self._first(self._moments)
        return None if first is None else first[0]

    def count_delayed(self, now: float) -> int:
        """Return how many messages wait for the end of their delay."""
        while self._delays and self._delays[0][0] <= now:
            moment, _, message = heappop(self._delays)
            if self._delayed.get(message) == moment:
                del self._delayed[message]
        return len(self._delayed)

    def count_in_flight(self, now: float) -> int:
        """Return how many messages are received and not visible again."""
        return sum(message.visible_at >= now for message in self._given)

    def _file(self, lane: _Lane) -> None:
        lane.stamp += 1
        entry = _moment(lane), lane.number, lane.stamp
        heappush(self._later, entry)
        heappush(self._moments, entry)
        for heap in (self._later, self._moments, self._ready):
            if len(heap) > 2 * len(self._lanes) + _SPARE:  # most of it counts no longer
                heap[:] = [each for each in heap if self._counts(each)]
                heapify(heap)

    def _wake(self, now: float) -> None:
        """Moves the lanes whose moment has come to those that are ready."""
        while (first := self._first(self._later)) and first[0] <= now + 1:
            lane = self._lanes[first[1]]
            if not lane.is_ready(now):
                break
            heappop(self._later)
            heappush(self._ready, (next(iter(lane.messages)), lane.number, lane.stamp))

    def _first(self, heap: list[_Entry]) -> _Entry | None:
        while heap and not self._counts(heap[0]):
            heappop(heap)
        return heap[0] if heap else None

    def _counts(self, entry: _Entry) -> bool:
        lane = self._lanes.get(entry[1])
        return lane is not None and lane.stamp == entry[2]


def _moment(lane: _Lane) -> float:
    return max(lane.visible_at + 1, lane.delayed_until)


def _sent_at(message: Message) -> int:
    sent: int = message.sent_timestamp  # type: ignore[assignment]
    return sent
