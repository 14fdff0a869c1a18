"""The checks of a decision: each looks at the case and says what is wrong with it.

All of them always run, so that whoever asks sees every obstacle at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policyd.engine.access import Matches
from policyd.engine.case import GUARDRAIL, Case
from policyd.engine.flow import check_flow, flow_into
from policyd.engine.resolve import Asked
from policyd.engine.wording import Wording
from policyd.model.decision import Reason
from policyd.model.facts import Facts, OwnerState
from policyd.model.organisation import Integration
from policyd.model.rules import ACTIONS


def check_registered(
    words: Wording, case: Case, who: Integration, facts: Facts
) -> Iterator[Reason]:
    """The registration has not ended, and somebody answers for the integration."""
    if who.until and case.clock >= who.until:
        yield words.reason("integration-expired", until=who.until.isoformat(" ", "minutes"))
    if facts.owner is OwnerState.QUARANTINED:
        yield words.reason("owner-inactive")


def check_complete(words: Wording, case: Case) -> Iterator[Reason]:
    """The call says everything its action needs, in words that exist."""
    asked, call = case.asked, case.asked.call
    if call.action not in ACTIONS:
        yield words.reason("action-unknown")
    if not asked.is_catalogued:
        yield words.reason("dataset-unknown")
    if not call.endpoint:
        yield words.reason("call-incomplete", missing="context.endpoint")
    url = asked.endpoint.url
    if not call.method and (url is None or url.scheme == "https"):
        yield words.reason("call-incomplete", missing="context.method")


def check_access(words: Wording, case: Case) -> Iterator[Reason]:
    """Guardrails and the template forbid nothing, and both cover the call."""
    layers = case.layers
    yield from _forbidden(words, layers.guardrail, "guardrail-forbids")
    if not layers.guardrail.allows:
        yield words.reason("outside-ceiling")
    if layers.template:
        yield from _forbidden(words, layers.template, "template-forbids")
        if not layers.template.allows:
            yield words.reason("outside-template")


def check_units(words: Wording, case: Case) -> Iterator[Reason]:
    """The caller's unit allows the call, and neither it nor the data's owner forbids it."""
    layers = case.layers
    yield from _forbidden(words, layers.unit, "unit-forbids")
    if not layers.unit.allows:
        yield words.reason("unit-does-not-allow")
    yield from _forbidden(words, layers.data_owner, "data-owner-forbids")


def _forbidden(words: Wording, found: Matches, code: str) -> Iterator[Reason]:
    freezes = words.snapshot.calendar.freezes.keys()
    for ref in found.forbids:
        rule = words.snapshot.rules[ref]
        is_freeze = rule.layer == GUARDRAIL and not freezes.isdisjoint(rule.sentence.during)
        yield words.of_rule("change-freeze" if is_freeze else code, rule)


def check_destination(words: Wording, case: Case, names: Iterable[str]) -> Iterator[Reason]:
    """The endpoint is listed, for this caller and method, and is the right place for the action."""
    endpoint, call = case.asked.endpoint, case.asked.call
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
    if call.action in ACTIONS and (place.name == case.asked.system) == (call.action == "send"):
        yield words.reason("endpoint-mismatch")


def check_sources(snapshot_words: Wording, case: Case) -> Iterator[Reason]:
    """What a write brings with it may flow into the written system, as if it were sent there."""
    snapshot = snapshot_words.snapshot
    for source in case.sources:
        words, name = Wording(snapshot, source.asked), source.asked.call.resource.id
        found = [
            *([] if source.asked.is_catalogued else [words.reason("dataset-unknown")]),
            *_forbidden(words, source.guardrail, "guardrail-forbids"),
            *_forbidden(words, source.data_owner, "data-owner-forbids"),
            *_check_source_flow(words, source.asked),
        ]
        for reason in found:
            yield replace(reason, message=f"source `{name}`: {reason.message}")


def _check_source_flow(words: Wording, asked: Asked) -> Iterator[Reason]:
    """Nothing in a source is refused by the table, and nothing needs a treatment there.

    A write says nothing of the fields of its sources, so that none of them can be treated.
    """
    flow = flow_into(asked.zone, asked, _never)
    yield from check_flow(words, asked, flow)
    for treatment, cell in flow.treated.values():
        column = cell.rpartition("/")[2]
        yield words.of_cell("source-needs-treatment", asked.zone, column, duty=treatment.word)


def _never(_: str) -> bool:
    """No exemption is about a source: its scope names the call's own data."""
    return False


def check_limits(words: Wording, case: Case, facts: Facts) -> Iterator[Reason]:
    """Every limit has room; rows that are not said count as over any limit of rows."""
    for rule, limit in case.prospect.limits:
        adds, used = measure(case, limit.measure), facts.used.get(rule.ref, 0)
        if adds is None or used + adds > limit.amount:
            yield words.of_rule(
                "volume-exceeded",
                rule,
                fix="send action.properties.rows with the call" if adds is None else "",
                adds="an unsaid number of" if adds is None else adds,
                measure=limit.measure,
                amount=limit.amount,
                per=limit.per,
                used=used,
            )


def measure(case: Case, what: str) -> int | None:
    """What this call adds to a counter of rows or of calls; None for rows that are not said."""
    return 1 if what == "calls" else case.asked.call.rows
