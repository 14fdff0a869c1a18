"""The query language: from text to a query, or what is wrong with it and where."""

from collections.abc import Sequence
from datetime import UTC, datetime

from lark import Token

from policyd.model.errors import QueryRefused
from policyd.search.fields import FIELDS, NAMES, ORDERED, SINCE, STARRED, Field, Kind, near_field
from policyd.search.query import (
    All,
    Any,
    Begins,
    Compares,
    Condition,
    Ends,
    Is,
    Moment,
    Not,
    Place,
    Present,
    Query,
    Term,
    Test,
    Value,
    Within,
    joined,
)
from policyd.search.query import Level as LabelLevel
from policyd.search.syntax import Choice, Free, Level, Negated, Part, Simple, read, refused, shown
from policyd.search.values import Reading, bad_star, unquoted

MOST_TERMS = 200
_OPERATORS = (">=", "<=", ">", "<", "=", ":")
_NO_TIME = datetime.min.replace(tzinfo=UTC)
_ANYWHERE = FIELDS["anywhere"]


def parse(text: str, *, now: datetime, levels: Sequence[str]) -> Query:
    """The query that *text* spells; one without words asks for everything.

    Args:
        text: What was asked.
        now: The moment of asking, in UTC, to which relative times go back.
        levels: The company's levels of labels, lowest first.

    Raises:
        QueryRefused: it cannot be read; the error has the place, and what could stand there.
    """
    level = read(text)
    if level is None:
        return Query()
    meaning = _Meaning(Reading(now, levels))
    return Query(meaning.condition(level), meaning.places)


class _Meaning:
    """Gives meaning to the parts of one query; depth is bounded where they were read."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._terms = 0
        self.places: dict[str, Place] = {}

    def condition(self, part: Part) -> Condition:
        """What a part asks for."""
        match part:
            case Level():
                return self._level(part)
            case Simple(head, value):
                return self._term(*self._head(head), value)
            case Choice(head, choice):
                return self._choice(head, choice)
            case Free(token):
                return self._free(token)
            case Negated(inner):
                return _not(self.condition(inner))

    def _level(self, level: Level) -> Condition:
        """All or any of the parts at one level.

        Between parts side by side, values of one field are alternatives.
        """
        kind = _link(level)
        parts = [self.condition(each) for each in level.parts if not isinstance(each, Token)]
        if kind is Any:
            return joined(Any, parts)
        if all(level.links):
            return joined(All, parts)
        by_field: dict[str, list[Condition]] = {}
        together: list[list[Condition]] = []
        for said, each in zip(level.parts, parts, strict=True):
            field = _alternative(said, each)
            if field is None or field not in by_field:
                together.append([each])
                if field:
                    by_field[field] = together[-1]
                continue
            by_field[field].append(each)
            if any(level.links):
                raise _unclear(said, field)
        return joined(All, [joined(Any, each) for each in together])

    def _choice(self, head: Token, choice: Level) -> Condition:
        kind = _link(choice)
        field, operator = self._head(head)
        if operator != ":":
            raise refused(
                head,
                f"`{operator}` compares with one value; several stand after a colon:"
                f" `{field.name}:(a OR b)`",
                "query-bad-operator",
            )
        tokens = [each for each in choice.parts if isinstance(each, Token)]
        return joined(kind, [self._term(field, operator, each) for each in tokens])

    def _free(self, token: Token) -> Condition:
        self._count(token)
        text, _ = unquoted(token)
        if "*" in (token[0], token[-1]):
            said = "a text without a field is found anywhere; leave out the star"
            raise refused(token, said, "query-bad-wildcard")
        if not text:
            raise refused(token, "there is no text in these quotes", "query-bad-value")
        self._note(_ANYWHERE, token)
        return Term(_ANYWHERE.name, Is(text))

    def _head(self, head: Token) -> tuple[Field, str]:
        """The field, and how it is compared."""
        operator = next(each for each in _OPERATORS if head.endswith(each))
        name = head.removesuffix(operator)
        if operator == "=":
            sign = "-" if name.endswith("!") else ""
            meant = shown(f"{sign}{name.removesuffix('!')}:")
            said = f"{shown(head)} is written {meant}"
            raise refused(head, said, "query-bad-operator", "`:`", "`>=`", "`<=`")
        if name not in NAMES:
            raise _unknown(head, name)
        if name in SINCE and operator != ":":
            said = f"`{name}` already compares: write `{name}:`, or `time{operator}`"
            raise refused(head, said, "query-bad-operator", "`:`")
        field = FIELDS["time" if name in SINCE else name]
        if operator not in (":", *(SINCE.values() if name in SINCE else ())):
            _check_ordered(head, field, operator)
        self._note(field, head)
        return field, SINCE.get(name, operator)

    def _count(self, token: Token) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            said = f"a query asks for {MOST_TERMS} values at most; this is one more"
            raise refused(token, said, "query-too-many")

    def _note(self, field: Field, token: Token) -> None:
        self.places.setdefault(field.name, Place((token.start_pos or 0) + 1, len(token)))

    def _term(self, field: Field, operator: str, token: Token) -> Term:
        self._count(token)
        text, is_quoted = unquoted(token)
        if operator != ":":
            return Term(field.name, Compares(operator, self._ordered(field, text, token)))
        return Term(field.name, self._test(field, text, token, is_quoted=is_quoted))

    def _test(self, field: Field, text: str, token: Token, *, is_quoted: bool) -> Test:
        if str(token) == "*" and field.kind is not Kind.ANYWHERE:
            return Present()
        if token[0] == "*" or token[-1] == "*" or ("*" in text and not is_quoted):
            return self._starred(field, text, token, is_quoted=is_quoted)
        if not text:
            raise refused(token, f"an empty text is no value of `{field.name}`", "query-bad-value")
        if field.kind in ORDERED and ".." in text and not is_quoted:
            return self._range(field, text, token)
        return Is(self._reading.value(field, text, token))

    def _starred(self, field: Field, text: str, token: Token, *, is_quoted: bool) -> Test:
        inside = text if is_quoted else text.strip("*")
        ends = (token[0] == "*") + (token[-1] == "*")
        is_plain = is_quoted or "*" not in inside
        if field.kind not in STARRED or ends != 1 or not inside or not is_plain:
            raise bad_star(field, token)
        return Begins(inside) if token[-1] == "*" else Ends(inside)

    def _range(self, field: Field, text: str, token: Token) -> Within:
        low, _, high = text.partition("..")
        if not low or not high:
            said = f"a range has two ends: write `{field.name}>={low or 'a'}` for one"
            if not low:
                said = f"a range has two ends: write `{field.name}<={high or 'b'}` for one"
            raise refused(token, said, "query-bad-value", "`a..b`")
        first, last = (self._ordered(field, each, token) for each in (low, high))
        if _rank(first) > _rank(last):
            said = f"the range {shown(text)} ends before it begins; turn it round"
            raise refused(token, said, "query-bad-value", "`a..b`")
        return Within(first, last)

    def _ordered(self, field: Field, text: str, token: Token) -> Value:
        if field.kind is Kind.LEVEL:
            return self._reading.level(text, token)
        return self._reading.value(field, text, token)


def _link(level: Level) -> type[All] | type[Any]:
    """Whether all or any of the parts of a level are asked for.

    Raises:
        QueryRefused: it says both, and brackets do not say which comes first.
    """
    is_choice = isinstance(level.parts[0], Token)
    said = {str(each) for each in level.links if each}
    if len(said) < len(set(level.links)) and not (is_choice and said == {"OR"}):
        said.add("OR" if is_choice else "AND")  # what no word between means
    if len(said) > 1:
        first = level.links[0]
        link = next((each for each in level.links if each and each != first), first)
        assert link is not None  # noqa: S101 - one of several is a word
        wanted = "`a OR b` and `a AND b`" if is_choice else "what belongs together, `(a OR b) c`,"
        raise refused(
            link,
            f"{shown(link)} beside something else could mean two things: put {wanted} in brackets",
            "query-ambiguous",
            "`(`",
        )
    if said:
        return Any if said == {"OR"} else All
    return Any if is_choice else All


def _alternative(said: Part | Token, meant: Condition) -> str | None:
    """The field of a part whose values are alternatives; comparisons are none."""
    match said, meant:
        case Simple(), Term(field, test) if not isinstance(test, Compares):
            return field
        case Choice(), Term(field, _) | Any((Term(field, _), *_)):
            return field
    return None


def _not(condition: Condition) -> Condition:
    return condition.of if isinstance(condition, Not) else Not(condition)


def _rank(value: Value) -> tuple[int, datetime]:
    """Where an ordered value stands among its like."""
    match value:
        case Moment(_, start, _):
            return 0, start
        case LabelLevel(_, below):
            return len(below), _NO_TIME
    return int(str(value)), _NO_TIME


def _check_ordered(head: Token, field: Field, operator: str) -> None:
    if field.kind not in ORDERED:
        raise refused(
            head,
            f"`{field.name}` has no order that `{operator}` could compare by;"
            f" write `{field.name}:`",
            "query-bad-operator",
            "`:`",
        )


def _unknown(head: Token, name: str) -> QueryRefused:
    meant = near_field(name)
    hint = f"did you mean `{meant}`?"
    if not meant:
        hint = '`policyd audit fields` has them all; write "…" for a text anywhere'
    expected = [f"`{meant}:`"] if meant else [f"`{each}:`" for each in NAMES]
    return refused(
        head, f"there is no field {shown(name)}: {hint}", "query-unknown-field", *expected
    )


def _unclear(part: Part | Token, field: str) -> QueryRefused:
    token = part.head if isinstance(part, Simple | Choice) else Token("", "")
    return refused(
        token,
        f"`{field}` is asked for twice beside an `AND`: write `{field}:(a OR b)` for either,"
        f" `{field}:(a AND b)` for both",
        "query-ambiguous",
        "`(`",
    )
