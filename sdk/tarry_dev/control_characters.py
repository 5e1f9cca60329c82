"""Control characters in users' data: what is shown for them.

Whoever may put an event on the bus chooses its name, id, source and data. A terminal obeys an escape sequence in them,
and a line break forges a line. So each text of users' data passes one of these functions on its way to a terminal.
"""

from __future__ import annotations

import json
import re

__all__ = ["ON_SCREEN", "escaped", "one_line"]

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that change the direction of the text around them."""

_UNSEEN = (0xAD, 0x180E, 0x200B, *range(0x2060, 0x2065), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080))
"""Characters that have no width. Two names that differ in one of them would look the same."""

_LINES = (0x0A, 0x85, 0x2028, 0x2029)

_CONTROLS: dict[int, str] = {
    **dict.fromkeys((*_BIDI, *_UNSEEN, *_LINES, *range(128, 160)), "�"),
    **dict.fromkeys(range(55296, 57344), "�"),
    **{each: chr(0x2400 + each) for each in range(0x20)},
    0x7F: "\N{SYMBOL FOR DELETE}",
}
"""Each control character, and the sign that is shown for it: one for one, so that no width and no style moves."""

ON_SCREEN = {each: sign for each, sign in _CONTROLS.items() if chr(each) not in "\n\t"}
"""The same, but for line breaks and tabs: what ``str.translate`` takes for a text of several lines."""

_NOT_IN_JSON = re.compile(f"[{''.join(map(re.escape, map(chr, _CONTROLS.keys() - set(range(0x20)))))}]")
"""What JSON allows in a string, and a terminal would obey."""


def one_line(text: str) -> str:
    """Return a name, id, source or message of a user as one harmless line: a sign for each control character."""
    return text.translate(_CONTROLS)


def escaped(text: str) -> str:
    """Return JSON text in which each control character is its escape. Its values stay the same."""
    return _NOT_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)
