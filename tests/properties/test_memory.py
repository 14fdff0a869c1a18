"""What an engine remembers changes no decision."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.calendar import wall_clock
from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.engine.outlook import outlook_of
from policyd.engine.wording import Wording
from policyd.model.call import Call
from policyd.model.exemptions import Exemption
from policyd.model.facts import Facts, OwnerState
from policyd.model.rules import Mode, Rule, Sentence, Softening
from policyd.model.snapshot import Snapshot
from tests.properties.asking import Asks, asks
from tests.properties.companies import snapshots
from tests.properties.ruling import ALL
from tests.properties.test_whole_decision import forbids, requires, with_rule
from tests.properties.world import BERLIN, DATASETS, INTEGRATIONS

lifts = st.sampled_from(["", "zone:processor/personal", "zone:open/clearance"])
scopes = st.builds(
    lambda who, data, to: Sentence(dict.fromkeys(ALL.data, (data,)), (who,), to=(to,)),
    st.sampled_from(INTEGRATIONS),
    st.sampled_from(DATASETS),
    st.sampled_from(["crm", "flows"]),
)
OTHERWISE: list[dict[str, Any]] = [
    {},
    {"method": None},
    {"path": "y/z"},
    {"rows": 7},
    {"supported_obligations": ()},
    {"sources": (DATASETS[0],)},
    {"endpoint": "https://nowhere.example/x"},
    {"endpoint": "nonsense"},
    {"endpoint": None},
    {},
]
"""Other calls of the same flow; those without a listed place are one flow among themselves."""


def _changing(company: Snapshot, added: Rule, scope: Sentence, ref: str, end: datetime) -> Snapshot:
    """The company with a rule that is in `warn`, and something that is exempted, until *end*."""
    softened = replace(added, softening=Softening(Mode.WARN, end, "it") if not ref else None)
    start = end - timedelta(days=1)
    exemption = Exemption(
        "EX-1", ref or added.ref, scope, start, end, "T-1", "soon", "it", ("a", "b")
    )
    changed = replace(with_rule(company, softened), exemptions={"EX-1": exemption})
    units = {name: replace(unit, rollout=None) for name, unit in company.units.items()}
    return replace(changed, units=units)


@given(snapshots, forbids | requires, scopes, lifts, asks)
def test_a_remembered_flow_is_decided_like_a_new_one(
    snapshot: Snapshot, added: Rule, scope: Sentence, ref: str, asked: Asks
) -> None:
    """Calls of one flow, before and after something ends, get what each would get alone."""
    middle = wall_clock(BERLIN, asked[0][1].now).replace(second=0, microsecond=0)
    changed = _changing(snapshot, added, scope, ref, middle)
    remembering, forgetful = Engine(changed), Engine(changed, flows=0)
    for call, facts in asked:
        for otherwise in OTHERWISE:
            for one in _at_times(replace(call, **otherwise), facts):
                assert remembering.decide(*one) == forgetful.decide(*one)
                _expect_what_is_found(remembering.open(one[0], one[1].now))


def _expect_what_is_found(case: Case) -> None:
    """What a flow is remembered to lead to is, word for word, what its call leads to."""
    ahead = case.prospect.outlook
    if ahead is not None:
        assert ahead == outlook_of(Wording(case.snapshot, case.asked), case)


def _at_times(call: Call, facts: Facts) -> list[tuple[Call, Facts]]:
    hour = timedelta(hours=1)
    times = [facts.now - hour, facts.now, facts.now + hour]
    return [(call, Facts(now, owner=OwnerState.GRACE)) for now in times]
