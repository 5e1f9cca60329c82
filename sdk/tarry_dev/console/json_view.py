"""JSON as HTML: it folds, long texts and lists are cut, and everything is escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from tarry_dev.control_characters import ON_SCREEN

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["json_view", "one_line_json"]

_ENCRYPTED = "$encrypted"
"""The key under which a ciphertext stands: that of ``tarry.encryption``."""

_TEXT, _ENTRIES, _NODES, _DEEP = 400, 100, 2_000, 12
"""The most characters of a text, entries of a list or an object, parts of the whole, and levels, that are shown."""

_OPEN_LEVELS, _OPEN_ENTRIES = 2, 12
"""To which level, and up to how many entries, a list or an object is shown unfolded."""


def json_view(value: Any) -> Markup:
    """Return the value as folding HTML."""
    return Markup('<div class="json">{}</div>').format(_Writer().value(Markup(""), value, 0))


def one_line_json(value: Any, width: int = 100) -> str:
    """Return JSON on one line, cut to ``width`` characters."""
    if isinstance(value, Mapping) and isinstance(value.get(_ENCRYPTED), str):
        value = {**value, _ENCRYPTED: "…"}
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else f"{text[: width - 1]}…"


class _Encrypted(str):
    """A ciphertext, of which nobody sees anything."""

    __slots__ = ()


class _Writer:
    """Writes one value. It counts its parts, so that a huge value makes no huge page."""

    def __init__(self) -> None:
        self._left = _NODES

    def value(self, key: Markup, value: Any, level: int, comma: str = "") -> Markup:
        """Return the value behind its key, with the comma that follows it."""
        self._left -= 1
        if isinstance(value, _Encrypted):
            return key + Markup('<span class="cut">encrypted, {} characters</span>').format(f"{len(value):,}") + comma
        if isinstance(value, Mapping):
            value = _without_ciphertext(value)
            rows = [(_key(each), item) for each, item in list(value.items())[:_ENTRIES]]
            return self._folding(key, rows, len(value), "{}", level, comma)
        if isinstance(value, list | tuple):
            return self._folding(key, [(Markup(""), item) for item in value[:_ENTRIES]], len(value), "[]", level, comma)
        return key + _leaf(value) + comma

    def _folding(
        self, key: Markup, rows: list[tuple[Markup, Any]], count: int, brackets: str, level: int, comma: str
    ) -> Markup:
        if not count:
            return key + Markup('<span class="p">{}</span>').format(brackets) + comma
        if level >= _DEEP or self._left <= 0:
            return key + Markup('<span class="cut">{}…{}</span>').format(*brackets) + comma
        is_open = Markup(" open") if level < _OPEN_LEVELS and count <= _OPEN_ENTRIES else Markup("")
        inside = self._rows(rows, count, level)
        summary = Markup('<summary>{}<span class="p">{}</span><span class="n"> {} {}</span></summary>').format(
            key, brackets[0], f"{count:,} {_noun(brackets, count)}", brackets[1] + comma
        )
        return Markup('<details{}>{}<div class="in">{}</div><span class="p">{}</span></details>').format(
            is_open, summary, inside, brackets[1] + comma
        )

    def _rows(self, rows: Iterable[tuple[Markup, Any]], count: int, level: int) -> Markup:
        lines = []
        for place, (key, each) in enumerate(rows):
            if self._left <= 0:
                break
            comma = "," if place < count - 1 else ""
            lines.append(Markup('<div class="l">{}</div>').format(self.value(key, each, level + 1, comma)))
        if len(lines) < count:
            lines.append(Markup('<div class="l cut">… {} more</div>').format(f"{count - len(lines):,}"))
        return Markup("").join(lines)


def _key(key: object) -> Markup:
    return Markup('<span class="k">{}</span>: ').format(_visible(json.dumps(str(key), ensure_ascii=False)))


def _without_ciphertext(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return the object with a mark in place of what ``tarry.encryption`` has encrypted."""
    sealed = value.get(_ENCRYPTED)
    return {**value, _ENCRYPTED: _Encrypted(sealed)} if isinstance(sealed, str) else value


def _noun(brackets: str, count: int) -> str:
    if brackets == "[]":
        return "entry" if count == 1 else "entries"
    return "field" if count == 1 else "fields"


def _leaf(value: Any) -> Markup:
    if isinstance(value, str):
        text = json.dumps(value[:_TEXT], ensure_ascii=False)
        shown = Markup('<span class="s">{}</span>').format(_visible(text))
        if len(value) > _TEXT:
            shown += Markup(' <span class="cut">… {} characters</span>').format(f"{len(value):,}")
        return shown
    kind = "c" if value is None or isinstance(value, bool) else "d"
    text = json.dumps(value, default=str)
    return Markup('<span class="{}">{}</span>').format(kind, text if len(text) <= _TEXT else f"{text[:_TEXT]}…")


def _visible(text: str) -> Markup:
    return escape(text.translate(ON_SCREEN))
