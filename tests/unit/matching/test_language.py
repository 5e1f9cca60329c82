"""The language itself: literals, operators, macros, functions, times."""

import base64

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import MatchError, trigger_holds
from tests.unit.matching.scenario import RECEIVED_AT, event

DATA = {
    "id": "7",
    "n": 5,
    "half": 2.5,
    "big": 2**64,
    "endless": "9" * 400,
    "text": "Grüße, 𝄞!",
    "list": [1, 2, 3],
    "mixed": [1, "a", None],
    "map": {"a": 1, "b": 2},
    "at": "2024-02-29T23:30:15.123456789+01:00",
    "true": True,
}


def holds(expression: str) -> bool:
    return trigger_holds(expression, event(DATA), RECEIVED_AT)


@pytest.mark.parametrize(
    "expression",
    [
        # Literals.
        r"'\x41\u00e9\U0001D11E\101\n\'' == \"Aé𝄞A\n'\"".replace(r"\"", '"'),
        r"""r'\d"' == "\\d\"" """,
        r"r'\' == '\\' && r'\' != 'x'",
        "'''a'b\n''' == \"a'b\\n\"",
        "b'é' == b'\\xc3\\xa9' && size(b'é') == 2 && size('é') == 1",
        "br'\\x' == b'\\\\x'",
        "0x1F == 31 && -0x1F == -31 && 31u == 0x1Fu && .5 == 5e-1 && 1. == 1.0",
        "-9223372036854775808 < 0 && 18446744073709551615u > 0",
        "'// no comment' != '' // but this is",
        "[1, 2u, 3.0] == [1.0, 2, 3u] && {'a': 1, 2: 'b', true: null}[2] == 'b'",
        "{true: 'yes', 1: 'no'}[true] == 'yes' && {1: 'a'}[1.0] == 'a' && {1u: 'a'}[1] == 'a'",
        # Operators.
        "1 + 2 * 3 - 4 / 2 == 5 && 7 / -2 == -3 && -7 % 3 == -1 && 7 % -3 == 1",
        "1.5 + 1.0 == 2.5 && 1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308 && 0.0 / 0.0 != 0.0 / 0.0",
        "5u - 3u == 2u && 'a' + 'b' == 'ab' && [1] + [2] == [1, 2] && b'a' + b'b' == b'ab'",
        "-event.data.n == -5 && -(-5) == event.data.n && !false && !!true",
        "1 - 1 == 0 && 1 -1 == 0 && event.data.n-1 == 4",
        "2 in event.data.list && !(4 in event.data.list) && 1.0 in event.data.list && 'a' in event.data.map",
        "!(1 in event.data.map) && 'a' in event.data.mixed && null in event.data.mixed",
        "event.data.n > event.data.half && 5u > event.data.half && event.data.big > 9223372036854775807",
        "true ? true : event.data.missing == 1",
        "event.data.missing == 1 || true",
        "!(event.data.missing == 1 && false) && !(false && 'a' < 1)",
        "event.data.list[0] == 1 && event.data.list[1u] == 2 && event.data.list[2.0] == 3",
        "event.data['id'] == event['data'].id && event['name'] == event.name",
        # Macros.
        "has(event.data.id) && !has(event.data.missing) && has(event.user) && event.user == null",
        "event.data.list.all(x, x > 0) && !event.data.list.all(x, x > 1) && [].all(x, x / 0 == 1)",
        "event.data.list.exists(x, x == 2) && event.data.mixed.exists(x, x > 0) && ![].exists(x, true)",
        "event.data.mixed.exists(x, x < 0 || x == 'a') && !event.data.mixed.all(x, x > 1)",
        "event.data.list.exists_one(x, x > 2) && !event.data.list.exists_one(x, x > 1)",
        "event.data.list.filter(x, x != 2) == [1, 3] && event.data.map.filter(k, k != 'a') == ['b']",
        "event.data.list.map(x, x * 2) == [2, 4, 6] && event.data.list.map(x, x > 1, x * 2) == [4, 6]",
        "[[1], [2]].exists(x, x.exists(x, x == 2)) && [1].map(x, [x].map(x, x + 1)) == [[2]]",
        "{1: 2, true: 3}.exists(k, k == true) && {1: 2}.all(k, k == 1)",
        # Functions.
        "size(event.data.text) == 9 && event.data.list.size() == 3 && size(event.data.map) == 2",
        "event.data.text.contains('ü') && event.data.text.startsWith('Gr') && event.data.text.endsWith('!')",
        "event.data.text.matches('^G.*𝄞') && matches('abc', 'b+') && !'abc'.matches('^b')",
        "int('-12') == -12 && int(2.9) == 2 && int(-2.9) == -2 && int(3u) == 3 && uint('7') == 7u && int(5) == 5",
        "double('1e3') == 1000.0 && double(3) == 3.0 && string(1.0) == '1' && string(0.1) == '0.1'",
        "string(-5) == '-5' && string(true) == 'true' && string(b'a') == 'a' && string(7u) == '7'",
        "bool('true') && !bool('f') && bytes('é') == b'é' && dyn(1) == 1 && string('x') == 'x'",
        "type(1) == int && type(1.0) == double && type('') == string && type([]) == list && type({}) == map",
        "type(null) == null_type && type(1u) == uint && type(b'') == bytes && type(true) == bool && type(int) == type",
        "event.data.big == 18446744073709551616 && event.data.big == 0x10000000000000000 && event.data.big > 1u",
        "event.data.big > 18446744073709551615 && event.data.big > 18446744073709551615u && event.data.big < 1e20",
        "-18446744073709551616 < -9223372036854775808 && uint(18446744073709551615) == 18446744073709551615u",
        "string(event.data.big) == '18446744073709551616' && double(event.data.big) + 1.0 == 18446744073709551616.0",
        "json_parse('18446744073709551617') > event.data.big && json_parse(event.data.endless) < 1.0 / 0.0",
        "double('inf') > json_parse(event.data.endless) && double('-Infinity') < -1e308",
        "type(event.data.big) == int && type(event.data) == map && type(event.user) == null_type",
        "lowercase('ÄB') == 'äb' && uppercase('äb') == 'ÄB'",
        "json_parse('{\"a\": [1, 2.5, null]}').a == [1, 2.5, null] && json_parse('3') == 3",
        # Times.
        "timestamp('2024-02-29T22:30:15.123456789Z') == timestamp(event.data.at)",
        "timestamp(event.data.at) > timestamp('2024-02-29T22:30:15.123456788Z')",
        "timestamp('2024-01-01T00:00:00-00:30') == timestamp('2024-01-01T00:30:00Z')",
        "timestamp(1) == timestamp('1970-01-01T00:00:01Z') && int(timestamp('1969-12-31T23:59:59Z')) == -1",
        "string(timestamp(event.data.at)) == '2024-02-29T22:30:15.123456789Z'",
        "string(timestamp('0001-01-01T00:00:00Z')) == '0001-01-01T00:00:00Z'",
        "timestamp('2024-03-01T00:00:00Z') - timestamp('2024-02-28T00:00:00Z') == duration('48h')",
        "timestamp('2024-01-01T00:00:00Z') + duration('1h30m') - duration('90m') == date('2024-01-01')",
        "duration('1h30m') == duration('5400s') && duration('-1.5s') == -duration('1500ms')",
        "duration('0') < duration('1ns') && duration('-1ns') < duration('0')",
        "duration('1us') == duration('1µs') && duration('.5m') + duration('30s') == duration('1m')",
        "string(duration('1h0.5s')) == '3600.5s' && string(duration('-2m')) == '-120s'",
        "duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90 && duration('-90m').getHours() == -1",
        "duration('1.5s').getSeconds() == 1 && duration('1.5s').getMilliseconds() == 500",
        "timestamp(event.data.at).getFullYear() == 2024 && timestamp(event.data.at).getMonth() == 1",
        "timestamp(event.data.at).getDate() == 29 && timestamp(event.data.at).getDayOfMonth() == 28",
        "timestamp(event.data.at).getDayOfWeek() == 4 && timestamp(event.data.at).getDayOfYear() == 59",
        "timestamp(event.data.at).getHours() == 22 && timestamp(event.data.at).getHours('+05:30') == 4",
        "timestamp(event.data.at).getHours('Europe/Paris') == 23 && timestamp(event.data.at).getHours('-01:00') == 21",
        "timestamp(event.data.at).getMinutes() == 30 && timestamp(event.data.at).getSeconds() == 15",
        "timestamp(event.data.at).getMilliseconds() == 123",
        "date('2024-01-31T10:00:00') == timestamp('2024-01-31T10:00:00Z')",
        "date('2024-01-31T10:00:00+01:00') == timestamp('2024-01-31T09:00:00Z')",
        "date(date('2024-01-01')) > date('2023-12-31')",
        "date(1735689600) == date('2025-01-01') && date(1735689600000) == date('2025-01-01')",
        "date(1735689600000000000) == date('2025-01-01') && date(1735689600.0) == date('2025-01-01')",
        "date(1735689600.5) - date(1735689600) == duration('500ms') && date(1735689600.1) < date(1735689600.2)",
        "date(1735689600.1) == date('2025-01-01T00:00:00.1Z') && date(1735689600000.25) > date(1735689600000)",
        "date(9999999999) == date('2286-11-20T17:46:39') && date(10000000000) == date('1970-04-26T17:46:40')",
        "date(9999999999999) == date('2286-11-20T17:46:39.999')",
        "date(10000000000000) == date('1970-01-01T02:46:40')",
        "9007199254740993 % 9223372036854775807 == 9007199254740993 && (7 % 4) / 2 == 1 && (-7 % 4) / 2 == -1",
        "'''a\nb''' == 'a\\nb' && r'''a\\d\nb''' == 'a\\\\d\\nb'",
        "date(event.data.big) == timestamp('2554-07-21T23:34:33.709551616Z')",
        "now() == timestamp('2025-01-01T12:00:00Z') && now_plus('1h30m') == timestamp('2025-01-01T13:30:00Z')",
        "now_minus('1d') == timestamp('2024-12-31T12:00:00Z') && now_minus('1w') < now()",
    ],
)  # fmt: skip
def test_holds(expression: str) -> None:
    assert holds(expression)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("9223372036854775807 + event.data.n > 0", "more than 64 bits"),
        ("-(-9223372036854775808) > 0", "more than 64 bits"),
        ("event.data.big - event.data.big == 0", "more than 64 bits"),
        ("event.data.big % 10 == 6", "more than 64 bits"),
        ("-event.data.big < 0", "more than 64 bits"),
        ("int(event.data.big) > 0", "more than 64 bits"),
        ("uint(event.data.big) > 0u", "more than 64 bits"),
        ("int(-9223372036854775808.0) < 0", "not an integer of 64 bits"),
        ("'a\nb' == 'c'", "is not closed"),
        ("r'a\nb' == 'c'", "is not closed"),
        ("double(json_parse(event.data.endless)) > 0.0", "too large"),
        ("double('1e400') > 0.0", "larger than the largest double"),
        ("timestamp(event.data.big) > timestamp(0)", "years 1 to 9999"),
        ("date(300000000000000000000) > timestamp(0)", "years 1 to 9999"),
        ("date(-18446744073709551616) > timestamp(0)", "so low a number is not a Unix time"),
        ("event.data.list[event.data.big] == 1", r"event\.data\.list\[event\.data\.big\] is missing"),
        ("9223372036854775807 * event.data.n > 0", "more than 64 bits"),
        ("1u - 2u == 0u", "negative or has more than 64 bits"),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("1 + 1.0 == 2.0", r"no '\+' for int and double"),
        ("5.0 % 2.0 == 1.0", "no '%' for double and double"),
        ("-'a' == 'a'", "no '-' for string"),
        ("-1u == 1u || true == -(1u)", "not between|no '-' for uint"),
        ("1 < '2'", "int and string have no order"),
        ("null < 1", "null_type and int have no order"),
        ("1 in 'abc'", "'in' does not take int and string"),
        ("[1] in event.data.map", "list cannot be a key of a map"),
        ("{1.5: 1} == {}", "double cannot be a key of a map"),
        ("{1: 1, 1u: 2} == {}", "the key 1u is in a map twice"),
        ("event.data.missing == 1", r"event\.data\.missing is missing"),
        ("event.data.list[3] == 1", r"event\.data\.list\[3\] is missing"),
        ("event.data.list[-1] == 1", r"event\.data\.list\[\(-1\)\] is missing"),
        ("event.data.list['a'] == 1", r"event\.data\.list\['a'\] is missing"),
        ("event.data.map[1] == 1", r"event\.data\.map\[1\] is missing"),
        ("event.data.id.x == 1", r"event\.data\.id is of type string and has no field 'x'"),
        ("event.data.id[0] == '7'", r"event\.data\.id is of type string and has no elements"),
        ("event.user.id == 1", r"event\.user is null and has no field 'id'"),
        ("has(event.user.id)", r"event\.user is null and has no fields"),
        ("event.data.missing == 1 && true", r"event\.data\.missing is missing"),
        ("event.data.missing == 1 || false", r"event\.data\.missing is missing"),
        ("!event.data.id", "! takes booleans; this value is of type string"),
        ("event.data.id && true", "&& takes booleans; this value is of type string"),
        ("event.data.user ? true : false", r"event\.data\.user is missing"),
        ("event.data.n ? true : false", r"\?: takes booleans; this value is of type int"),
        ("event.data.id.exists(x, true)", "is of type string; exists takes a list, or a map for its keys"),
        ("event.data.list.exists(x, x / 0 == 1)", "division by zero"),
        ("event.data.list.all(x, x > 0 && event.data.id)", "&& takes booleans; this value is of type string"),
        ("event.data.list.exists_one(x, 6 / (x - 1) == 3)", "division by zero"),
        ("event.data.mixed.filter(x, x > 0) == [1]", "string and int have no order"),
        ("event.data.list.filter(x, event.data.id) == []", "filter takes booleans"),
        ("size(1) == 1", "no 'size' for int"),
        ("event.data.n.contains('a')", "no 'contains' for int and string"),
        ("'a'.matches('(')", "is not a pattern"),
        ("int('1.5') == 1", "'1.5' is not an integer"),
        ("int(1e300) == 1", "more than 64 bits"),
        ("int(0.0 / 0.0) == 1", "nan is not an integer"),
        ("uint(-1) == 0u", "negative"),
        ("double(' 1 ') == 1.0", "' 1 ' is not a number"),
        ("bool('yes')", "'yes' is not a boolean"),
        ("string(b'\\xff') == ''", "string: 'utf-8' codec"),
        ("string(null) == ''", "no 'string' for null_type"),
        ("b64decode('!') == ''", "b64decode: "),
        ("json_parse('{') == 1", "json_parse: "),
        ("json_parse('NaN') == 1", "json_parse: NaN is not JSON"),
        ("timestamp('2024-02-30T00:00:00Z') > timestamp(0)", "'2024-02-30T00:00:00Z' is not a time: "),
        ("timestamp('2024-01-01') > timestamp(0)", "is not a time such as"),
        ("timestamp('10:00') > timestamp(0)", "is not a time such as"),
        ("timestamp('2024-01-01T00:00:00+24:00') > timestamp(0)", "is not a time such as"),
        ("timestamp('2024-01-01T00:00:00+01:60') > timestamp(0)", "is not a time such as"),
        ("timestamp('2024-01-01T00:00:00.1234567890Z') > timestamp(0)", "is not a time such as"),
        ("timestamp(0).getHours('+01:60') == 1", "is not a time zone"),
        ("date(1.0 / 0.0) > timestamp(0)", "date: "),
        ("timestamp('0001-01-01T00:00:00+01:00') > timestamp(0)", "years 1 to 9999"),
        ("timestamp(253402300800) > timestamp(0)", "years 1 to 9999"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s') > timestamp(0)", "years 1 to 9999"),
        ("timestamp('0001-01-01T00:00:00Z').getHours('-01:00') == 1", "years 1 to 9999"),
        ("timestamp(0).getHours('Mars/Olympus') == 1", "'Mars/Olympus' is not a time zone"),
        ("timestamp(0).getHours('../etc/passwd') == 1", "is not a time zone"),
        ("duration('1d') > duration('1h')", "'1d' is not a duration"),
        ("duration('h') > duration('1h')", "'h' is not a duration"),
        ("duration('1000000h1000000000000s') > duration('0')", "at most 292 years"),
        ("date('31.1.2024') > now()", "is not a date such as"),
        ("date(5) > now()", "not a Unix time from the year 2000 on"),
        ("now_plus('soon') > now()", "'soon' is not a duration"),
        ("dyn(event.data.n) == 5 ? dyn(1) == dyn(1) && dyn(2) < dyn('a') : true", "int and string have no order"),
    ],
)
def test_is_an_error(expression: str, problem: str) -> None:
    with pytest.raises((MatchError, ExpressionError), match=problem):
        holds(expression)


def test_base64() -> None:
    text = base64.b64encode("Grüße".encode()).decode()
    assert holds(f"b64decode('{text}') == 'Grüße'")


def test_what_is_no_boolean_in_the_end_is_an_error() -> None:
    with pytest.raises(MatchError, match="takes booleans; this value is of type int"):
        holds("dyn(1) && true")
