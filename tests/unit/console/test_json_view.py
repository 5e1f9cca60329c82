"""JSON as HTML: escaped, folding, and never larger than a page."""

from typing import Any

import pytest

from tarry_dev.console.json_view import json_view, one_line_json


@pytest.mark.parametrize("value", ["<b>", {"<b>": 1}, ["<b>"], {"a": {"b": "<b>"}}])
def test_texts_and_names_are_escaped(value: Any) -> None:
    assert "<b>" not in json_view(value)
    assert "&lt;b&gt;" in json_view(value)


def test_a_character_that_turns_the_text_around_it_is_shown_as_a_sign() -> None:
    assert "\u202e" not in json_view({"\u202e": "\u202e"})


def test_plain_values_keep_their_form() -> None:
    for value, text in ((None, "null"), (True, "true"), (1.5, "1.5"), ("a", "&#34;a&#34;"), ([], "[]"), ({}, "{}")):
        assert text in json_view(value)


def test_long_texts_lists_and_deep_values_are_cut_and_say_so() -> None:
    assert "… 1,000 characters" in json_view("x" * 1000)
    assert "… 900 more" in json_view(list(range(1000)))
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    assert "[…]" in json_view(deep)
    wide = {str(a): {str(b): {str(c): c for c in range(90)} for b in range(90)} for a in range(90)}
    assert len(json_view(wide)) < 500_000


def test_short_values_are_unfolded_and_long_ones_folded() -> None:
    assert json_view({"a": 1}).count("<details open>") == 1
    assert "<details open>" not in json_view({str(place): 1 for place in range(50)})


def test_a_ciphertext_is_not_shown_but_named() -> None:
    from tarry.encryption import ENCRYPTED

    shown = json_view({"orderId": 7, ENCRYPTED: "c2VjcmV0" * 10, "in": [{ENCRYPTED: "x"}]})
    assert "c2VjcmV0" not in shown
    assert "encrypted, 80 characters" in shown
    assert "encrypted, 1 characters" in shown
    assert one_line_json({"orderId": 7, ENCRYPTED: "c2VjcmV0"}) == '{"orderId": 7, "$encrypted": "…"}'


def test_one_line_is_cut() -> None:
    assert one_line_json({"a": "x" * 200}, 20) == '{"a": "xxxxxxxxxxxx…'
