"""The checks of a decision: each looks at the resolved call and says what is wrong with it.

All of them always run, so that whoever asks sees every obstacle at once.
"""

from collections.abc import Iterable, Iterator

from policyd.engine.access import AccessRules, Matches
from policyd.engine.calendar import wall_clock
from policyd.engine.resolve import Asked
from policyd.engine.wording import Wording
from policyd.model.decision import Reason
from policyd.model.facts import Facts
from policyd.model.organisation import Integration
from policyd.model.rules import ACTIONS
from policyd.model.snapshot import Snapshot


def check_registered(words: Wording, who: Integration, facts: Facts) -> Iterator[Reason]:
    """A registration ends; from then on the integration may do nothing."""
    clock = wall_clock(words.snapshot.calendar, facts.now)
    if who.until and clock >= who.until:
        yield words.reason("integration-expired", until=who.until.isoformat(" ", "minutes"))


def check_complete(words: Wording, asked: Asked) -> Iterator[Reason]:
    """The call says everything its action needs, in words that exist."""
    call = asked.call
    if call.action not in ACTIONS:
        yield words.reason("action-unknown")
    if not asked.is_catalogued:
        yield words.reason("dataset-unknown")
    if not call.endpoint:
        yield words.reason("call-incomplete", missing="context.endpoint")
    url = asked.endpoint.url
    if not call.method and (url is None or url.scheme == "https"):
        yield words.reason("call-incomplete", missing="context.method")


class AccessChecks:
    """The layers that casbin is asked about, each once."""

    def __init__(self, snapshot: Snapshot) -> None:
        groups = {name: who.names for name, who in snapshot.integrations.items()}
        self._rules = AccessRules(snapshot.rules.values(), groups, snapshot.vocabulary)
        self._systems = snapshot.systems
        self._freezes = snapshot.calendar.freezes.keys()

    def guardrails(self, words: Wording, asked: Asked) -> Iterator[Reason]:
        """No guardrail forbids the call, and a ceiling covers it."""
        found = self._rules.matches("guardrail", asked)
        yield from self._forbidden(words, found, "guardrail-forbids")
        if not found.allows:
            yield words.reason("outside-ceiling")

    def template(self, words: Wording, asked: Asked, who: Integration) -> Iterator[Reason]:
        """The integration's template, if it has one, forbids nothing and covers the call."""
        if who.template is None:
            return
        found = self._rules.matches(f"template:{who.template}", asked)
        yield from self._forbidden(words, found, "template-forbids")
        if not found.allows:
            yield words.reason("outside-template")

    def unit(self, words: Wording, asked: Asked, who: Integration) -> Iterator[Reason]:
        """The caller's own unit forbids nothing and allows the call."""
        found = self._rules.matches(f"unit:{who.unit}", asked)
        yield from self._forbidden(words, found, "unit-forbids")
        if not found.allows:
            yield words.reason("unit-does-not-allow")

    def data_owner(self, words: Wording, asked: Asked, who: Integration) -> Iterator[Reason]:
        """The unit that owns the data forbids nothing; its allows reach only its own callers."""
        system = self._systems.get(asked.system)
        if system is None or system.unit is None or system.unit == who.unit:
            return
        found = self._rules.matches(f"unit:{system.unit}", asked)
        yield from self._forbidden(words, found, "data-owner-forbids")

    def _forbidden(self, words: Wording, found: Matches, code: str) -> Iterator[Reason]:
        for ref in found.forbids:
            rule = words.snapshot.rules[ref]
            is_freeze = not self._freezes.isdisjoint(rule.sentence.during)
            is_guardrail = rule.layer == "guardrail"
            yield words.of_rule("change-freeze" if is_freeze and is_guardrail else code, rule)


def check_destination(words: Wording, asked: Asked, names: Iterable[str]) -> Iterator[Reason]:
    """The endpoint is listed, for this caller and method, and is the right place for the action."""
    endpoint, call = asked.endpoint, asked.call
    if endpoint.problem:
        yield words.reason("endpoint-unreadable", problem=endpoint.problem)
    place = endpoint.destination
    if place is None:
        if endpoint.url:
            yield words.reason("destination-not-allowlisted", place=f"`{endpoint.url}`")
        return
    if place.who and place.who.isdisjoint(names):
        yield words.of_destination("destination-not-allowlisted", place)
    if place.methods and call.method not in place.methods:
        yield words.of_destination("method-not-allowlisted", place)
    if call.action in ACTIONS and (place.name == asked.system) == (call.action == "send"):
        yield words.reason("endpoint-mismatch")
