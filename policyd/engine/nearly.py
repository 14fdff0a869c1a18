"""Rules and listings that nearly cover a call, with each word that keeps them from it.

For explanations only: it looks at every rule of a layer, which no decision does.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from policyd.engine.conditions import compile_condition, condition
from policyd.engine.grounds import Grounds
from policyd.engine.nearness import Request, listed, near
from policyd.engine.resolve import Asked
from policyd.model.destinations import CanonicalUrl, Destination
from policyd.model.explanation import Miss, NearMiss
from policyd.model.organisation import Integration
from policyd.model.rules import ANYTHING, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot

MOST_MISSES = 2
"""Words by which a rule may fail and still be a near one."""

MOST_NEAR = 3
"""Near rules that are named; the nearest are."""

_CONDITIONS = (
    *("stage", "in_systems_of", "label_at_least", "label_at_most", "category"),
    *("only_fields", "to_zone", "to_systems_of", "during", "outside"),
)
_EMPTY = Sentence(data={}, who=())
_HINTS = {
    "except": "the rule leaves this integration out by name; ask its owner",
    "to": "send it to one of these, or ask for a rule that names the destination",
    "to_zone": "send it to a destination in one of these zones",
    "stage": "register it for this stage; for production have IT promote it",
    "in_systems_of": "the rule is about the other kind of system",
    "to_systems_of": "send it to a system of this kind",
    "label_at_least": "the rule is about data of this level and above",
    "label_at_most": "name only fields of this level or below in resource.properties.fields",
    "category": "name only fields without these categories in resource.properties.fields",
    "only_fields": "name these fields, and no others, in resource.properties.fields",
    "during": "call while one of these is open",
    "outside": "call when none of these is open",
    "data": "ask for this dataset to be named in the rule",
    "action": "the rule lets the data be used in these ways; ask for this one to be named",
    "host": "call one of these hosts, or ask for the host to be listed",
    "scheme": "use one of these schemes",
    "port": "use one of these ports",
    "path": "call a path below one of these",
    "method": "use one of these methods",
}


def near_rules(
    grounds: Grounds, layer: str, asked: Asked, who: Integration
) -> tuple[NearMiss, ...]:
    """Rules of *layer* that would cover the call but for a word or two, the nearest first."""
    snapshot, found = grounds.snapshot, []
    for rule in snapshot.rules.values():
        if rule.layer == layer and rule.section in {Section.CEILING, Section.ALLOW}:
            misses = tuple(_misses(snapshot, rule, asked, who))
            if _is_near(misses) and _is_about(rule, asked):
                found.append(NearMiss(grounds.rule(rule.ref), misses))
    found.sort(key=_distance)
    return tuple(found[:MOST_NEAR])


def _distance(near_miss: NearMiss) -> tuple[int, int, str]:
    """The fewer words the nearer, then what is about the same action on the same data."""
    words = [each.word for each in near_miss.misses]
    return len(words), sum(each in {"action", "data"} for each in words), near_miss.ground.ref


def near_places(grounds: Grounds, asked: Asked) -> tuple[NearMiss, ...]:
    """The destination that lists the URL, but not for this caller or method; else like ones."""
    place, url = asked.endpoint.destination, asked.endpoint.url
    if url is None:
        return ()
    if place:
        misses = tuple(_narrowed(grounds.snapshot, place, asked))
        return (NearMiss(grounds.destination(place.name), misses),) if misses else ()
    found = near(grounds.snapshot.destinations.values(), Request(url))
    return tuple(
        NearMiss(
            grounds.destination(each.destination.name),
            tuple(_unlisted(word, each.destination, url) for word in each.fails),
        )
        for each in found[:MOST_NEAR]
    )


def _unlisted(word: str, place: Destination, url: CanonicalUrl) -> Miss:
    return Miss(word, listed(place)[word], (str(getattr(url, word)),), _HINTS[word])


def _narrowed(snapshot: Snapshot, place: Destination, asked: Asked) -> Iterator[Miss]:
    """What keeps this caller, or this method, from a place that is listed."""
    who, method = asked.integration, asked.call.method
    if place.who and who and place.who.isdisjoint(who.names):
        wants = tuple(sorted(place.who))
        yield Miss("who", wants, tuple(sorted(who.names)), _who_hint(snapshot, wants, who))
    if place.methods and method not in place.methods:
        has = (method or "a call without a method",)
        yield Miss("method", tuple(sorted(place.methods)), has, _HINTS["method"])


def _misses(snapshot: Snapshot, rule: Rule, asked: Asked, who: Integration) -> Iterator[Miss]:
    says, call = rule.sentence, asked.call
    yield from _data_misses(says, call.action, call.resource.id)
    if who.names.isdisjoint(says.who):
        yield Miss("who", says.who, tuple(sorted(who.names)), _who_hint(snapshot, says.who, who))
    left_out = tuple(name for name in says.excepted if name in who.names)
    if left_out:
        yield Miss("except", says.excepted, left_out, _HINTS["except"])
    place = asked.endpoint.destination
    here = place.name if place else None
    if call.action == "send" and says.to and here not in says.to:
        yield Miss("to", says.to, (here or "a place on no list",), _HINTS["to"])
    for word in _CONDITIONS:
        if not _holds(word, rule, asked, snapshot):
            wants = getattr(says, word)
            stated = (wants,) if isinstance(wants, str) else wants
            yield Miss(word, stated, _HAS[word](snapshot, asked), _HINTS[word])


def _data_misses(says: Sentence, action: str, data: str) -> Iterator[Miss]:
    """The rule says nothing of this action, or not on this data."""
    patterns = says.data.get(action)
    if patterns is None:
        allowed = tuple(word for word, each in says.data.items() if _covers(each, data))
        yield Miss("action", allowed or tuple(says.data), (action,), _HINTS["action"])
    elif not _covers(patterns, data):
        yield Miss("data", patterns, (data,), _HINTS["data"])


def _is_near(misses: tuple[Miss, ...]) -> bool:
    """A rule about other actions is near only if nothing else keeps the call out."""
    is_of_action = any(each.word == "action" for each in misses)
    return 0 < len(misses) <= (1 if is_of_action else MOST_MISSES)


def _is_about(rule: Rule, asked: Asked) -> bool:
    """Whether the rule is about the call's dataset at all, or at least about its system."""
    data, system = asked.call.resource.id, f"{asked.system}/"
    patterns = [each for several in rule.sentence.data.values() for each in several]
    return _covers(patterns, data) or any(each.startswith(system) for each in patterns)


def _covers(patterns: Iterable[str], data: str) -> bool:
    """Exact, everything below `prefix/*`, or anything."""
    return any(
        each in (data, ANYTHING) or (each.endswith("/*") and data.startswith(each[:-1]))
        for each in patterns
    )


def _holds(word: str, rule: Rule, asked: Asked, snapshot: Snapshot) -> bool:
    """Whether the call meets the rule's condition of that word, if it has one."""
    alone = replace(_EMPTY, **{word: getattr(rule.sentence, word)})
    text = condition(alone, asked.call.action)
    return compile_condition(text, rule.section, snapshot.vocabulary)(asked)


def _who_hint(snapshot: Snapshot, wants: Iterable[str], who: Integration) -> str:
    """How the integration could become one of those: by a role, if by anything."""
    roles = [snapshot.roles[name] for name in wants if name in snapshot.roles]
    own = [role.name for role in roles if who.unit in role.units]
    if own:
        return f"give it the role `{own[0]}` in units/{who.unit}/integrations.yaml"
    if roles:
        return (
            f"unit `{who.unit}` may not give out the role `{roles[0].name}`;"
            f" ask its owner `{roles[0].owner}` (guardrails/roles.yaml)"
        )
    return "the rule is for others by name; ask its owner"


_HAS: dict[str, Callable[[Snapshot, Asked], tuple[str, ...]]] = {
    "stage": lambda _, asked: (asked.integration.stage,) if asked.integration else (),
    "in_systems_of": lambda _, asked: (asked.system_kind or "an unknown system",),
    "to_systems_of": lambda _, asked: (asked.endpoint.kind or "no system",),
    "label_at_least": lambda snapshot, asked: snapshot.vocabulary.words(asked.label),
    "label_at_most": lambda snapshot, asked: snapshot.vocabulary.words(asked.label),
    "category": lambda _, asked: tuple(sorted(asked.label.categories)),
    "only_fields": lambda _, asked: asked.call.fields or ("all fields",),
    "to_zone": lambda _, asked: (asked.zone.name,),
    "during": lambda _, asked: tuple(sorted(asked.windows)),
    "outside": lambda _, asked: tuple(sorted(asked.windows)),
}
