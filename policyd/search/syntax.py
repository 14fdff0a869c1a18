"""Syntax: how the words of a query stand, and what is said where they stand otherwise."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken

from policyd.model.errors import QueryRefused

LONGEST = 4096
DEEPEST = 32
_SHOWN = 40
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rf"{_QUOTED.pattern}|[()]", re.DOTALL)


@dataclass(slots=True)
class Level:
    """Parts side by side or linked by words; `links` has None where there is no word between."""

    parts: "list[Part | Token]"
    links: list[Token | None]
    depth: int


@dataclass(frozen=True, slots=True)
class Simple:
    """One value of a field, such as `unit:sales`."""

    head: Token
    value: Token
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Several values of a field, such as `unit:(sales OR hr)`."""

    head: Token
    values: Level
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Free:
    """A quoted text without a field."""

    text: Token
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Negated:
    """What shall not be."""

    part: "Part"
    depth: int


Part: TypeAlias = Level | Simple | Choice | Free | Negated


def read(text: str) -> Level | None:
    """How a query's words stand; None if there are none.

    Raises:
        QueryRefused: they do not stand as the language has it.
    """
    if len(text) > LONGEST:
        raise QueryRefused(
            f"the query has {len(text):,} characters; {LONGEST:,} are the most",
            column=LONGEST + 1,
            length=len(text) - LONGEST,
            code="query-too-long",
        )
    _check_characters(text)
    try:
        found: Level | None = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise _refusal(error, text) from None
    return found


def shown(text: str) -> str:
    """A text from a query, in backticks, not too long, and safe on a terminal."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return f"`{''.join(each if each.isprintable() else '�' for each in cut)}`"


def refused(token: Token, message: str, code: str, *expected: str) -> QueryRefused:
    """The refusal of a word where it stands."""
    column = (token.start_pos or 0) + 1
    return QueryRefused(message, column=column, length=len(token), expected=expected, code=code)


@v_args(inline=True)
class _Standing(Transformer[Token, Level | None]):
    """Makes the parts as the parser finds them, so that no tree is walked."""

    def start(self, level: Level | None = None) -> Level | None:
        return level

    def level(self, part: Part) -> Level:
        return Level([part], [], part.depth)

    def values(self, value: Token) -> Level:
        return Level([value], [], 1)

    def side_by_side(self, level: Level, part: Part | Token) -> Level:
        return _longer(level, None, part)

    def linked(self, level: Level, link: Token, part: Part | Token) -> Level:
        return _longer(level, link, part)

    def negated(self, _sign: Token, part: Part) -> Negated:
        return Negated(part, part.depth)

    def group(self, opened: Token, level: Level, _closed: Token) -> Level:
        level.depth += 1
        if level.depth > DEEPEST:
            raise refused(
                opened,
                f"brackets are nested more than {DEEPEST} deep from here on",
                "query-too-deep",
            )
        return level

    def term(self, head: Token, value: Token) -> Simple:
        if head.end_pos != value.start_pos:
            raise _no_value(head)
        return Simple(head, value)

    def choice(self, head: Token, opened: Token, values: Level, _closed: Token) -> Choice:
        if head.end_pos != opened.start_pos:
            raise _no_value(head)
        return Choice(head, values)

    def free(self, text: Token) -> Free:
        return Free(text)

    def bare(self, word: Token) -> Part:
        raise _bare(word)


def _longer(level: Level, link: Token | None, part: Part | Token) -> Level:
    level.parts.append(part)
    level.links.append(link)
    if not isinstance(part, Token):
        level.depth = max(level.depth, part.depth)
    return level


@cache
def _parser() -> Lark:
    """The parser, which keeps nothing of what it reads; so threads may share it."""
    grammar = files("policyd.search").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Standing())


def _check_characters(text: str) -> None:
    for at, each in enumerate(text):
        if each == "\0" or "\ud800" <= each <= "\udfff":
            raise QueryRefused(
                f"there is no character {ord(each):04X} in a record; leave it out",
                column=at + 1,
                code="query-bad-character",
            )


def _no_value(head: Token) -> QueryRefused:
    return refused(
        head,
        f"{shown(head)} has no value; it stands right after, without a space",
        "query-no-value",
        "a value",
    )


def _bare(word: Token) -> QueryRefused:
    if word.upper() in ("OR", "AND", "NOT"):
        said = f"{shown(word)} does not stand between two parts"
        if word != word.upper():
            said = f"{shown(word)} is written `{word.upper()}`"
        return refused(word, said, "query-bad-syntax", "`field:value`")
    if word == "-":
        said = "a minus stands right before what is not wanted, without a space: `-unit:sales`"
        return refused(word, said, "query-bad-syntax", "`field:value`")
    said = f'{shown(word)} names no field; write `field:value`, or "…" to look for a text anywhere'
    return refused(word, said, "query-no-field", "`field:value`", "a quoted text")


_WORDS = {
    "HEAD": "`field:value`",
    "QUOTED": "a quoted text",
    "OPEN": "`(`",
    "CLOSE": "`)`",
    "LINK": "`AND` or `OR`",
    "MINUS": "`-`",
    "NOT": "`NOT`",
    "WORD": "a value",
    "$END": "the end",
}


def _refusal(error: UnexpectedInput, text: str) -> QueryRefused:
    """What is said about words that do not stand as they should."""
    if isinstance(error, UnexpectedToken):
        return _misplaced(error, text)
    quote = text.index('"', error.pos_in_stream)
    if _QUOTED.match(text, quote):
        said = "a quoted text stands by itself: leave a space on both sides of it"
        return QueryRefused(said, column=quote + 1, code="query-bad-syntax", expected=["a space"])
    said = 'the quote opened here is not closed; in a quoted text, `\\"` stands for a quote'
    length = len(text) - quote
    return QueryRefused(
        said, column=quote + 1, length=length, code="query-unbalanced", expected=['`"`']
    )


def _misplaced(error: UnexpectedToken, text: str) -> QueryRefused:
    token = error.token
    names = set(error.accepts or error.expected)
    if "HEAD" in names:  # where a part can stand; a bare word is none
        names.discard("WORD")
    expected = [said for name, said in _WORDS.items() if name in names]
    opened, stray = _brackets(text)
    if token.type == "CLOSE" and token.start_pos == stray:
        said = "no bracket is open that this one could close"
        return refused(token, said, "query-unbalanced", *expected)
    if token.type == "CLOSE":
        said = "something is missing before this bracket"
        return refused(token, said, "query-bad-syntax", *expected)
    if token.type != "$END":
        return refused(token, f"{shown(token)} cannot stand here", "query-bad-syntax", *expected)
    if "CLOSE" in names and opened is not None:
        said = "the bracket opened here is not closed"
        return QueryRefused(said, column=opened + 1, expected=expected, code="query-unbalanced")
    column = len(text.rstrip()) + 1
    said = "the query ends where more has to follow"
    return QueryRefused(said, column=column, expected=expected, code="query-bad-syntax")


def _brackets(text: str) -> tuple[int | None, int | None]:
    """Where the last bracket that is not closed stands, and the first that closes none."""
    opened: list[int] = []
    for found in _BRACKETS.finditer(text):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")" and not opened:
            return None, found.start()
        elif found[0] == ")":
            opened.pop()
    return opened[-1] if opened else None, None
