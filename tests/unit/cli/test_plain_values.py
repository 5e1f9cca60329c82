"""Values that a command takes without pydantic are those that typer would give, and what is wrong has typer's words."""

from enum import Enum
from typing import Annotated, Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from tarry_dev.cli.errors import Commands


class Colour(Enum):
    """A choice: typer's to convert."""

    RED = "red"


def _answer(kind: type[TyperGroup], line: str, **environment: str) -> tuple[int, str, str, list[Any]]:
    """Exit code, both outputs and values of a command line."""
    seen: list[Any] = []
    app = typer.Typer(cls=kind, rich_markup_mode=None)

    @app.callback()
    def main(name: str | None = None) -> None:
        seen.append(name)

    @app.command()
    def take(
        words: Annotated[list[str] | None, typer.Argument()] = None,
        text: Annotated[str | None, typer.Option(envvar="TEXT")] = None,
        many: Annotated[list[str] | None, typer.Option()] = None,
        numbers: Annotated[list[int] | None, typer.Option()] = None,
        limit: Annotated[int, typer.Option(min=1, max=50)] = 20,
        rate: Annotated[float, typer.Option(min=0.1)] = 1.0,
        colour: Colour | None = None,
        parsed: Annotated[int, typer.Option(parser=lambda each: int(each) * 2)] = 1,
        sure: bool = False,
    ) -> None:
        seen.extend([words, text, many, numbers, limit, rate, colour, parsed, sure])

    @app.command()
    def one(word: str, number: Annotated[int, typer.Argument(min=0)]) -> None:
        seen.extend([word, number])

    result = CliRunner().invoke(app, line.split(), env=environment)
    return result.exit_code, result.stdout, result.stderr, seen


LINES = [
    "take",
    "take a b",
    "take --text x --many 1 --many 2 --numbers 1 --numbers 2 --limit 7 --rate 2 --colour red --parsed 4 --sure",
    "--name ada take --text= --limit=007",
    "take --limit 0",
    "take --limit 51",
    "take --limit 1.0",
    "take --limit x",
    "take --limit +5",
    "take --limit 1_0",
    "take --limit ٣",
    "take --limit 123456789012345678901234567890",
    "take --numbers x",
    "take --rate 0",
    "take --colour blue",
    "take --parsed x",
    "one",
    "one a",
    "one a 5",
    "one a -- -5",
    "one a 99999999999",
]


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_value_and_what_is_wrong_with_it_are_as_typer_has_them(line: str) -> None:
    plain = _answer(Commands, line)
    assert plain == _answer(TyperGroup, line)
    assert (plain[0] == 0) == (len(plain[3]) > 1)


def test_a_text_may_come_from_the_environment() -> None:
    assert _answer(Commands, "take", TEXT="x") == _answer(TyperGroup, "take", TEXT="x")
    assert _answer(Commands, "take", TEXT="x")[3][2] == "x"
