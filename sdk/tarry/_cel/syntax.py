"""The parser: cel-python's grammar, our nodes."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tarry._cel.builder import MAX_DEPTH, Builder, ParseTree
from tarry._cel.literals import UnclosedError, blank_texts
from tarry.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lark import Lark, Token

    from tarry._cel.nodes import Node

__all__ = ["MAX_DEPTH", "parse"]


def parse(expression: str, max_depth: int = MAX_DEPTH) -> Node:
    """Parse an expression into its tree. It does not check names, length or type: residuals are parsed here too.

    Raises:
        ExpressionError: It is not CEL; with the position.
    """
    return (_short if len(expression) <= SHORT else _long)(expression, max_depth)


def _parsed(expression: str, max_depth: int) -> Node:
    try:
        return Builder(expression, max_depth).node(_tree(expression))
    except UnclosedError as error:
        raise ExpressionError(expression, "the string that begins here is not closed", error.position) from None


SHORT = 500
"""The length, in characters, up to which many trees are cached. A tree has about 90 bytes a character."""

_short = lru_cache(maxsize=2048)(_parsed)
_long = lru_cache(maxsize=128)(_parsed)


_INLINED = (
    "expr|conditionalor|conditionaland|relation|addition|multiplication|unary|member|primary",
    "dot_ident_arg|dot_ident|list_lit|map_lit|paren_expr|unary_neg|unary_not",
)
"""Rules that are their only child, if they have one; and rules that keep their signs, for one is where they begin."""


@cache
def _parser() -> Lark:
    """Return a parser for cel-python's grammar; the first call takes 0.2 seconds.

    cel-python's own parser loses the positions of ``true`` and ``false``. Importing it also loads its evaluator and a
    library of dates, which takes as long again. So this reads only its grammar. A leaf of an expression is ten rules
    deep there: without a tree for each of them, and without the positions of all, parsing takes half the time.
    """
    from lark import Lark

    package = find_spec("celpy")
    assert package is not None
    assert package.origin is not None
    grammar = Path(package.origin).with_name("cel.lark").read_text(encoding="utf-8")
    for mark, rules in zip("?!", _INLINED, strict=True):
        grammar = re.sub(rf"^({rules})(?=\s*:)", rf"{mark}\1", grammar, flags=re.MULTILINE)
    return Lark(
        grammar,
        parser="lalr",
        start="expr",
        maybe_placeholders=False,
        tree_class=ParseTree,
        lexer_callbacks={"IDENT": _word},
    )


def _word(token: Token) -> Token:
    """Convert ``true`` and ``false``, which the grammar takes for names."""
    from lark import Token

    return Token.new_borrow_pos("BOOL_LIT", token, token) if token in ("true", "false") else token


def _tree(expression: str) -> ParseTree:
    parser = _parser()
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        return cast(ParseTree, parser.parse(blank_texts(expression)))
    except UnexpectedCharacters as error:
        position = cast(int, error.pos_in_stream)
        raise _unexpected(expression, position, expression[position], error.allowed, closers="") from None
    except UnexpectedToken as error:
        at_end = error.token.type == "$END"
        position = len(expression) if at_end else error.token.start_pos
        found = "" if at_end else expression[position : error.token.end_pos]
        raise _unexpected(expression, position, found, error.accepts, closers=")]}:,") from None


_CLOSERS = {"RPAR": ")", "RSQB": "]", "RBRACE": "}", "COLON": ":", "COMMA": ","}
_MEANT = {"=": "==", "&": "&&", "|": "||", "and": "&&", "or": "||"}


def _unexpected(expression: str, position: int, found: str, terminals: Iterable[str], closers: str) -> ExpressionError:
    possible = frozenset(terminals)
    expected = [f"'{sign}'" for name, sign in _CLOSERS.items() if name in possible and sign in closers]
    if "IDENT" in possible:
        expected.insert(0, "a value" if "LPAR" in possible else "a name")
    elif "PLUS" in possible:
        expected.insert(0, "an operator")
    problem = f"expected {' or '.join(expected) or 'the end'}, found {repr(found) if found else 'the end'}"
    meant = f"; write {_MEANT[found]}" if found in _MEANT else ""
    return ExpressionError(expression, problem + meant, position)
