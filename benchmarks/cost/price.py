"""What messages cost: CPU time, requests in series, units. And the time of a Lambda that follows from them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LATENCY", "VCPU", "Cost", "typical"]

VCPU = 1024 / 1769
"""The part of a vCPU that a Lambda of 1 GB has. One of 1,769 MB has a whole one: "Configure Lambda function memory"."""

LATENCY = {"dynamodb": 5.0, "sqs": 10.0, "events": 20.0}
"""Milliseconds of a request, from a Lambda in the same region. An assumption: docs/cost.md has its reasons."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What messages cost, or a part of them. ``cpu`` is in milliseconds of a whole core."""

    cpu: float = 0
    dynamodb: float = 0
    sqs: float = 0
    events: float = 0
    writes: float = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Cost) -> Cost:
        return self + other * -1

    def __mul__(self, by: float) -> Cost:
        return Cost(*(each * by for each in astuple(self)))

    @property
    def milliseconds(self) -> float:
        """The time of a Lambda at 1 GB: its CPU time, then its requests, one after the other."""
        requests = {"dynamodb": self.dynamodb, "sqs": self.sqs, "events": self.events}
        return self.cpu / VCPU + sum(count * LATENCY[service] for service, count in requests.items())


def typical(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(median(figures) for figures in zip(*map(astuple, costs), strict=True)))
