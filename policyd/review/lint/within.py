"""Whether one rule covers all that another is about, whatever is registered or catalogued.

Sentences are compared word by word, so "covers" is never said wrongly; of two rules that only
together cover a third, each piece of the third (an action, a pattern, a name, a place) needs one
of them that covers it whole.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import product

from policyd.engine.duties import weight_of
from policyd.engine.resolve import kind_of
from policyd.model.rules import Limit, Rule, Section, Sentence, Value
from policyd.model.snapshot import Snapshot
from policyd.review.lint.reach import Reach, rank_range, system

_NONE = ("",)


def pieces(says: Sentence) -> Iterator[Sentence]:
    """The sentence taken apart into sentences with one action, pattern, name and place each."""
    for action, patterns in says.data.items():
        is_send = action == "send"
        to, zones = (says.to, says.to_zone) if is_send else ((), ())
        for pattern, who, place, zone in product(patterns, says.who, to or _NONE, zones or _NONE):
            yield replace(
                says,
                data={action: (pattern,)},
                who=(who,),
                to=(place,) if place else (),
                to_zone=(zone,) if zone else (),
                to_systems_of=says.to_systems_of if is_send else None,
            )


def covering_rules(reach: Reach, rule: Rule, gone: Container[str]) -> tuple[Rule, ...]:
    """Rules of its layer that together say all that *rule* says; none if they do not.

    *gone* are references of rules that do not count.
    """
    found: dict[str, Rule] = {}
    for piece in pieces(rule.sentence):
        ((action, (pattern,)),) = piece.data.items()
        # A pattern is covered by itself and by what covers a name of its spelling.
        near = reach.about(rule.layer, rule.section, action, pattern)
        others = (e for e in near if e is not rule and e.ref not in gone)
        cover = next((e for e in others if _covers(reach, e, rule, piece)), None)
        if cover is None:
            return ()
        found[cover.ref] = cover
    return tuple(found.values())


def _covers(reach: Reach, wide: Rule, rule: Rule, piece: Sentence) -> bool:
    """Whether a rule says at least one piece of another, as strongly."""
    return covers(reach, wide.sentence, piece) and _is_as_strong(reach, wide, rule)


def covers(reach: Reach, wide: Sentence, piece: Sentence) -> bool:
    """Whether all calls that one piece of a sentence speaks about are spoken about by *wide*.

    That it is about the action and the data of the piece is known.
    """
    snapshot = reach.snapshot
    ((action, (pattern,)),) = piece.data.items()
    return (
        _covers_who(reach, wide, piece)
        and (action != "send" or _covers_places(snapshot, wide, piece))
        and _covers_kind(snapshot, wide, piece, pattern)
        and _covers_labels(snapshot, wide, piece)
        and (not wide.stage or wide.stage == piece.stage)
        and _is_part(piece.category, wide.category)
        and _is_part(piece.only_fields, wide.only_fields)
        and _is_part(piece.during, wide.during)
        and set(wide.outside) <= set(piece.outside)
    )


def _is_part(words: Sequence[str], wide: Sequence[str]) -> bool:
    """Of words that narrow by being listed: whether all that is listed is listed by *wide* too."""
    return not wide or (bool(words) and set(words) <= set(wide))


def _covers_who(reach: Reach, wide: Sentence, piece: Sentence) -> bool:
    (who,) = piece.who
    names = reach.implied(who)
    if names.isdisjoint(wide.who):
        return False
    if who in reach.snapshot.integrations and names.isdisjoint(wide.excepted):
        return True
    return all(not reach.implied(each).isdisjoint(piece.excepted) for each in wide.excepted)


def _covers_places(snapshot: Snapshot, wide: Sentence, piece: Sentence) -> bool:
    if wide.to and not _is_part(piece.to, wide.to):
        return False
    zones = {snapshot.destinations[each].zone for each in piece.to} or set(piece.to_zone)
    if wide.to_zone and not (zones and zones <= set(wide.to_zone)):
        return False
    kinds = {kind_of(snapshot, each) for each in piece.to} or {piece.to_systems_of}
    return not wide.to_systems_of or kinds == {wide.to_systems_of}


def _covers_kind(snapshot: Snapshot, wide: Sentence, piece: Sentence, pattern: str) -> bool:
    known = kind_of(snapshot, system(pattern))
    return not wide.in_systems_of or wide.in_systems_of in (piece.in_systems_of, known)


def _covers_labels(snapshot: Snapshot, wide: Sentence, piece: Sentence) -> bool:
    (least, most), (from_, to) = (rank_range(snapshot, each) for each in (wide, piece))
    return least <= from_ and to <= most


def _is_as_strong(reach: Reach, wide: Rule, rule: Rule) -> bool:
    """Whether *wide* does at least what *rule* does, wherever it speaks."""
    if wide.section in (Section.CEILING, Section.ALLOW):
        return True
    is_as_firm = (
        (wide.softening is None or wide.softening == rule.softening)
        and (wide.always or not rule.always)
        and (rule.exemptible or not wide.exemptible)
        and reach.lifted.isdisjoint((wide.ref, rule.ref))
    )
    return is_as_firm and _owes(wide, rule) and _bounds(wide.limit, rule.limit)


def _owes(wide: Rule, rule: Rule) -> bool:
    """Whether the duties of *wide* are as strict, each of them."""
    return all(
        kind in wide.duties and _is_as_strict(wide.duties[kind], asked)
        for kind, asked in rule.duties.items()
    )


def _is_as_strict(mine: Value, asked: Value) -> bool:
    if isinstance(asked, tuple) or isinstance(mine, tuple):
        return isinstance(mine, tuple) and isinstance(asked, tuple) and {*asked} <= {*mine}
    if mine == asked:
        return True
    return _is_amount(mine) and _is_amount(asked) and weight_of(mine) <= weight_of(asked)


def _is_amount(value: Value) -> bool:
    """Rows or a duration, and not an owner who approves."""
    return isinstance(value, int) or str(value)[:-1].isdigit()


def _bounds(mine: Limit | None, asked: Limit | None) -> bool:
    if mine is None or asked is None:
        return mine is asked
    return replace(mine, amount=asked.amount) == asked and mine.amount <= asked.amount
