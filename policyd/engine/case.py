"""A case: one call opened for decision, with every layer asked once."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from policyd.engine.access import AccessRules, Matches
from policyd.engine.duties import Duty
from policyd.engine.exemptions import Exemptions, Standing
from policyd.engine.resolve import Asked
from policyd.engine.rule_keys import Question
from policyd.model.decision import Obligation, Reason
from policyd.model.organisation import Integration
from policyd.model.rules import Limit, Rule
from policyd.model.snapshot import Snapshot

GUARDRAIL = "guardrail"


class Layers(NamedTuple):
    """What each layer says of a call; None where there is no such layer for it.

    The unit that owns the data can only forbid: the rest of what it says is not even kept.
    """

    guardrail: Matches
    template: Matches | None
    unit: Matches
    data_owner: Matches

    def duties(self) -> Iterator[str]:
        """References of the `require` rules that apply."""
        for layer in (self.guardrail, self.template, self.unit):
            yield from layer.requires if layer else ()

    def limits(self) -> Iterator[str]:
        """References of the `limit` rules that apply."""
        for layer in (self.guardrail, self.template, self.unit):
            yield from layer.limits if layer else ()


NOTHING = Layers(Matches(), None, Matches(), Matches())


def ask_layers(snapshot: Snapshot, rules: AccessRules, asked: Asked) -> Layers:
    """Ask each layer once."""
    who = asked.integration
    if who is None:
        return NOTHING
    question = rules.question(asked)
    return Layers(
        guardrail=rules.matching(GUARDRAIL, question),
        template=rules.matching(f"template:{who.template}", question) if who.template else None,
        unit=rules.matching(f"unit:{who.unit}", question),
        data_owner=owner_forbids(snapshot, rules, question, who),
    )


def owner_forbids(
    snapshot: Snapshot, rules: AccessRules, question: Question, who: Integration
) -> Matches:
    """What the unit that owns the data forbids to others."""
    system = snapshot.systems.get(question.asked.system)
    if system is None or system.unit is None or system.unit == who.unit:
        return Matches()
    return Matches(forbids=rules.matching(f"unit:{system.unit}", question).forbids)


class Case(NamedTuple):
    """One call, opened at one moment: everything a decision needs but the counters.

    Attributes:
        clock: Company wall clock.
        sources: Of a write, each source asked about as a send to the written system.
        prospect: What lies ahead of every call of this flow.
    """

    snapshot: Snapshot
    asked: Asked
    clock: datetime
    layers: Layers
    sources: tuple["Source", ...]
    exemptions: Exemptions
    prospect: "Prospect"

    def buckets(self) -> Mapping[str, str]:
        """For each rolling limit that applies, the name of the counter it is held against."""
        return {
            rule.ref: self._bucket(rule, limit)
            for rule, limit in self.prospect.limits
            if limit.per != "call"
        }

    def standing(self, ref: str) -> Standing | None:
        """The exemption from *ref* for this call, live or lapsed."""
        return self.exemptions.standing(ref, self.asked, self.clock)

    def is_lifted(self, ref: str) -> bool:
        """Whether an exemption lifts *ref* for this call, now."""
        found = self.standing(ref)
        return found is not None and found.is_live

    def _bucket(self, rule: Rule, limit: Limit) -> str:
        """`rule whom stretch`: such as `guardrail:people-per-day sales/mailer 2026-03-02`."""
        who = self.asked.integration
        whom = {
            "integration": who.id if who else "",
            "unit": who.unit if who else "",
            "system": self.asked.system,
            "company": self.snapshot.company,
        }
        return f"{rule.ref} {whom[limit.for_each]} {stretch(limit.per, self.clock)}"


class Outlook(NamedTuple):
    """What the rules and the flow table have found, and ask for; reasons are not softened yet."""

    access: tuple[Reason, ...]
    flow: tuple[Reason, ...]
    units: tuple[Reason, ...]
    lifted: tuple[Reason, ...]  # what is not owed because of an exemption
    duties: tuple[Duty, ...]
    owed: tuple[Obligation, ...]
    advised: tuple[Obligation, ...]


class Prospect(NamedTuple):
    """What lies ahead of every call of a flow, whatever else it says and whenever it comes."""

    limits: tuple[tuple[Rule, Limit], ...]  # that apply
    ends: tuple[datetime, ...]  # wall-clock moments at which something ends for who asks
    outlook: Outlook | None  # if it stays the same, word for word


class Source(NamedTuple):
    """A dataset that a write takes its data from, asked about as a send to the written system."""

    asked: Asked
    guardrail: Matches
    data_owner: Matches


_LENGTH = {"hour": 13, "day": 10, "month": 7}


def stretch(per: str, clock: datetime) -> str:
    """The stretch of wall-clock time that *clock* is in.

    >>> stretch("hour", datetime(2026, 3, 2, 9, 30)), stretch("month", datetime(2026, 3, 2))
    ('2026-03-02T09', '2026-03')
    """
    return clock.isoformat()[: _LENGTH[per]]
