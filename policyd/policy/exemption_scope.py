"""Whether exemptions can lift anything: the engine is asked about every call of their scope.

The tree has no other findings then, so that there is a snapshot to ask.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product

from policyd.engine.access import AccessRules
from policyd.engine.resolve import Asked, Endpoint
from policyd.model.call import Call, Entity
from policyd.model.exemptions import Exemption
from policyd.model.findings import Finding
from policyd.model.labels import Label, Treatment
from policyd.model.rules import Rule, Section
from policyd.model.snapshot import Snapshot
from policyd.policy.documents import Path
from policyd.policy.exemption_references import CELL, CLEARANCE
from policyd.policy.tree import Tree


@dataclass(frozen=True, slots=True)
class _Flow:
    """One integration doing one thing to one dataset, for a send at one destination."""

    who: str
    action: str
    data: str
    to: str | None

    def parts(self) -> Iterator[tuple[str, str]]:
        """Where in the scope each part of it stands."""
        yield "who", self.who
        yield self.action, self.data
        if self.to:
            yield "to", self.to


def scope_findings(tree: Tree, snapshot: Snapshot) -> Iterator[Finding]:
    """Exemptions, and parts of their scopes, of which the lifted rule does not speak."""
    for name, exemption in snapshot.exemptions.items():
        for where, what in _beside(snapshot, exemption):
            message = f"{what}; narrow the exemption to what it is needed for"
            path = ("exemptions", name, *where)
            yield tree.exemptions.finding(path, "lifts-nothing", message)


def _beside(snapshot: Snapshot, exemption: Exemption) -> Iterator[tuple[Path, str]]:
    """What in *exemption* is to no use, and where; if all of it is, that alone."""
    flows = list(_flows(exemption))
    lifted = [flow for flow in flows if _is_lifted(snapshot, exemption, flow)]
    if not lifted or not _overlaps_in_time(snapshot, exemption):
        yield ("lifts",), f"`{exemption.lifts}` is in the way of no call of this scope"
        return
    useful = {part for flow in lifted for part in flow.parts()}
    for word, value in dict.fromkeys(part for flow in flows for part in flow.parts()):
        if (word, value) not in useful:
            listed = {"who": exemption.scope.who, "to": exemption.scope.to}
            index = (listed.get(word) or exemption.scope.data[word]).index(value)
            yield ("for", word, index), f"`{exemption.lifts}` never concerns `{value}` here"


def _flows(exemption: Exemption) -> Iterator[_Flow]:
    scope = exemption.scope
    for who, (action, datasets) in product(scope.who, scope.data.items()):
        for data, to in product(datasets, scope.to if action == "send" else (None,)):
            yield _Flow(who, action, data, to)


def _is_lifted(snapshot: Snapshot, exemption: Exemption, flow: _Flow) -> bool:
    """Whether what *exemption* lifts stands in the way of *flow*, at some time."""
    asked = _asked(snapshot, exemption, flow)
    if exemption.lifts.startswith(CELL):
        return _is_in_cell(asked, exemption.lifts.removeprefix(CELL))
    rule = snapshot.rules[exemption.lifts]
    if not _asks_layer(snapshot, rule, asked):
        return False
    at_any_time = replace(rule.sentence, outside=())
    groups = {flow.who: snapshot.integrations[flow.who].names}
    rules = AccessRules([replace(rule, sentence=at_any_time)], groups, snapshot.vocabulary)
    return any(rules.matches(rule.layer, asked))


def _is_in_cell(asked: Asked, cell: str) -> bool:
    name, _, column = cell.partition("/")
    if asked.zone.name != name:
        return False
    if column == CLEARANCE:
        return asked.label.rank > asked.zone.clearance
    treatment = asked.zone.treatments[column]
    return treatment is not Treatment.PASS and column in asked.label.categories


def _asks_layer(snapshot: Snapshot, rule: Rule, asked: Asked) -> bool:
    """Whether the layer of *rule* is asked about the call."""
    who, system = asked.integration, snapshot.systems[asked.system]
    layers = {"guardrail", f"template:{who and who.template}", f"unit:{who and who.unit}"}
    if rule.section is Section.FORBID:
        layers.add(f"unit:{system.unit}")
    return rule.layer in layers


def _asked(snapshot: Snapshot, exemption: Exemption, flow: _Flow) -> Asked:
    """The flow with all the fields that the exemption is about, while every window is open."""
    system = flow.data.partition("/")[0]
    integration, dataset = snapshot.integrations[flow.who], snapshot.datasets[flow.data]
    fields: tuple[str | None, ...] = exemption.scope.only_fields or (None, *dataset.fields)
    marks = {each: dataset.fields.get(each or "", dataset.label) for each in fields}
    place = snapshot.destinations[flow.to or system]
    rests = snapshot.destinations[integration.runs_on] if flow.action == "read" else place
    kinds = {name: each.kind for name, each in snapshot.systems.items()}
    calendar = snapshot.calendar
    return Asked(
        call=Call(Entity("integration", flow.who), flow.action, Entity("dataset", flow.data)),
        integration=integration,
        system=system,
        system_kind=kinds[system],
        is_catalogued=True,
        catalogued=marks,
        marks=marks,
        label=reduce(Label.joined, marks.values()),
        endpoint=Endpoint(None, None, place, kinds.get(place.name)),
        zone=snapshot.zones[rests.zone],
        windows=frozenset((*calendar.hours, *calendar.freezes)),
    )


def _overlaps_in_time(snapshot: Snapshot, exemption: Exemption) -> bool:
    """Whether a rule for dated stretches only has one while the exemption lasts."""
    rule, calendar = snapshot.rules.get(exemption.lifts), snapshot.calendar
    during = rule.sentence.during if rule else ()
    if not during or not calendar.hours.keys().isdisjoint(during):
        return True
    spans = (span for name in during for span in calendar.freezes[name])
    return any(span.start < exemption.end and exemption.start < span.end for span in spans)
