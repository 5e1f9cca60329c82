"""Signatures, and the one JSON text that they cover."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarry import UsageError
from tarry_backend.remote.signatures import (
    bearer_of,
    canonical,
    is_bearer,
    is_signed,
    is_signed_answer,
    signature,
    why_not_key,
)

KEY = "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e16, "10000000000000000"),
        (123456789012345680000, "123456789012345680000"),
        (9007199254740993, "9007199254740992"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (4.5, "4.5"),
        (10.0, "10"),
        (True, "true"),
        ({"b": 1, "a": [None, "\u20ac\n\x01"]}, '{"a":[null,"\u20ac\\n\\u0001"],"b":1}'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),
    ],
)
def test_json_is_written_as_rfc_8785_has_it(value: object, text: str) -> None:
    assert canonical(value).decode() == text


def test_half_of_a_surrogate_pair_is_escaped_as_javascript_does() -> None:
    assert canonical(["a\ud83d", "\U0001f600"]) == b'["a\\ud83d","\xf0\x9f\x98\x80"]'


@given(JSON)
def test_the_one_text_says_what_the_value_is(value: object) -> None:
    read = json.loads(canonical(value), parse_int=lambda digits: int(float(digits)))
    assert read == json.loads(json.dumps(value))
    assert canonical(read) == canonical(value)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400])
def test_what_json_of_other_languages_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="another language"):
        canonical({"data": value})


def test_a_signature_counts_for_its_body_its_key_and_five_minutes() -> None:
    header = signature(KEY, b"{}", 1_000_000)
    assert is_signed(KEY, header, b"{}", 1_000_300)
    assert is_signed(KEY, header, b"{}", 999_700)
    assert not is_signed(KEY, header, b"{}", 1_000_301)
    assert not is_signed(KEY, header, b"{}", 999_699)
    assert not is_signed(KEY, header, b"[]", 1_000_000)
    assert not is_signed(f"{KEY[:-2]}00", header, b"{}", 1_000_000)
    assert not is_signed(KEY, header.replace("t=1000000", "t=1000001"), b"{}", 1_000_000)


def test_an_answer_is_signed_with_or_without_the_newline_at_its_end() -> None:
    for signed in (b"{}", b"{}\n"):
        assert is_signed_answer(KEY, signature(KEY, signed, 1), b"{}\n", 1)
    assert not is_signed_answer(KEY, signature(KEY, b"{}\n", 1), b"{}", 1)
    assert not is_signed_answer(KEY, signature(KEY, b"{}", 1), b"{}\n\n", 1)


@pytest.mark.parametrize("header", ["", "t=1", "s=1", "t=x&s=y", "t=1&t=2&s=x", "t=-1&s=x", "\u0661"])
def test_a_header_that_is_no_signature_is_none(header: str) -> None:
    assert not is_signed(KEY, header, b"{}", 1)


def test_sdks_call_with_a_hash_of_the_key_some_with_its_prefix() -> None:
    assert is_bearer(KEY, f"Bearer {bearer_of(KEY)}")
    assert is_bearer(KEY, f"Bearer signkey-test-{bearer_of(KEY)}")
    assert not is_bearer(KEY, f"Bearer {KEY}")
    assert not is_bearer(KEY, "")


@pytest.mark.parametrize("key", ["", "secret", "signkey-test-", "signkey-test-abc", "signkey-test-zz"])
def test_what_is_no_signing_key_is_told(key: str) -> None:
    assert why_not_key(key)
    with pytest.raises(UsageError, match="signing key"):
        signature(key, b"", 1)
