"""The time axis of a waterfall: linear where the run works, and short where it only waits.

A run works for a second, waits for three days, and works for a second. On a linear axis both seconds would be a hair.
So a long pause is drawn short, with its length written on it:

    time      0 ── 1 s                       3 d ── 3 d 1 s
    axis      0 ─────── 30 ░░░░ 3 d ░░░░ 70 ─────────── 100
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tarry_dev.time_span import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Axis", "Piece", "Tick", "time_axis"]

_DWARFS, _LONG = 4, 1_000
"""A pause is drawn short if it is so many times as long as all the work, and longer than a second."""

_SHARE, _LEAST = 45.0, 7.0
"""How much of the axis, in per cent, all short pauses have together, and each of them at least."""

_APART = 11.0
"""The least distance of two ticks, in per cent."""

_NICE = [
    unit * count
    for unit, counts in (
        (1, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        (1_000, (1, 2, 5, 10, 15, 30)),
        (60_000, (1, 2, 5, 10, 15, 30)),
        (3_600_000, (1, 2, 3, 6, 12)),
        (86_400_000, (1, 2, 5, 10, 20, 50, 100, 200)),
    )
    for count in counts
]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the axis, from ``begin`` to ``end`` (Unix milliseconds), from ``left`` to ``right`` (per cent)."""

    begin: int
    end: int
    left: float
    right: float
    is_short: bool = False

    @property
    def label(self) -> str:
        """The length of a pause that is drawn short."""
        return span(self.end - self.begin) if self.is_short else ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis, with the time since the beginning."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from 0 to 100 per cent."""

    pieces: tuple[Piece, ...]

    def at(self, moment: int) -> float:
        """Return the place of a time, in per cent."""
        place = max(0, bisect_right(self.pieces, moment, key=lambda piece: piece.begin) - 1)
        piece = self.pieces[place]
        length = piece.end - piece.begin
        part = (min(max(moment, piece.begin), piece.end) - piece.begin) / length if length else 0.0
        return round(piece.left + part * (piece.right - piece.left), 2)

    @property
    def pauses(self) -> tuple[Piece, ...]:
        """The pauses that are drawn short."""
        return tuple(piece for piece in self.pieces if piece.is_short)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """The marks: at the beginning, and at round times since then where there is room."""
        begin = self.pieces[0].begin
        found = [Tick(0.0, "0")]
        for piece in self.pieces:
            if piece.is_short:
                continue
            for moment in _round_times(begin, piece):
                at = self.at(moment)
                if at - found[-1].at >= _APART and at <= 100 - _APART / 2 and self._is_clear(at):
                    found.append(Tick(at, span(moment - begin)))
        return tuple(found)

    def _is_clear(self, at: float) -> bool:
        return all(at <= pause.left - _APART / 3 or at >= pause.right for pause in self.pauses)


def time_axis(begin: int, end: int, work: Iterable[tuple[int, int]], moments: Iterable[int]) -> Axis:
    """Return the axis of a run.

    Args:
        begin: When it began, in Unix milliseconds.
        end: When it ended, or now.
        work: The spans in which a step's body ran.
        moments: When steps began and ended.
    """
    end = max(end, begin + 1)
    spans = sorted((max(begin, a), min(end, b)) for a, b in work if a < end and b > begin)
    cuts = sorted({begin, end, *(each for each in moments if begin < each < end), *(x for s in spans for x in s)})
    between = list(pairwise(cuts))
    short = _short([(b - a, not _is_busy(a, b, spans)) for a, b in between])
    widths = _widths([b - a for a, b in between], short)
    pieces: list[Piece] = []
    left = 0.0
    for (a, b), width, is_short in zip(between, widths, short, strict=True):
        if pieces and not is_short and not pieces[-1].is_short:
            pieces[-1] = Piece(pieces[-1].begin, b, pieces[-1].left, left + width)
        else:
            pieces.append(Piece(a, b, left, left + width, is_short))
        left += width
    return Axis(tuple(pieces))


def _is_busy(begin: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(a < end and b > begin for a, b in spans)


def _short(spans: Sequence[tuple[int, bool]]) -> list[bool]:
    """Which spans are drawn short: pauses that dwarf the work. Without any work the axis is linear."""
    work = sum(length for length, is_pause in spans if not is_pause)
    least = max(_DWARFS * work, _LONG)
    return [is_pause and work > 0 and length > least for length, is_pause in spans]


def _widths(lengths: Sequence[int], short: Sequence[bool]) -> list[float]:
    pauses = [math.log10(10 + length) for length, is_short in zip(lengths, short, strict=True) if is_short]
    rest = sum(length for length, is_short in zip(lengths, short, strict=True) if not is_short)
    share = min(90.0, max(_SHARE, _LEAST * len(pauses))) if pauses else 0.0
    return [
        share * math.log10(10 + length) / sum(pauses) if is_short else (100 - share) * length / (rest or 1)
        for length, is_short in zip(lengths, short, strict=True)
    ]


def _round_times(begin: int, piece: Piece) -> Iterable[int]:
    width = piece.right - piece.left
    room = max(1, int(width / _APART))
    step = next((each for each in _NICE if (piece.end - piece.begin) / each <= room), _NICE[-1])
    first = begin + math.ceil((piece.begin - begin) / step) * step
    return range(max(first, begin + step), piece.end, step)
