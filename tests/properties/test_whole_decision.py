"""What must hold for duties, modes, roll-outs and exemptions, in any company and for any call."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.calendar import wall_clock
from policyd.engine.decide import Engine
from policyd.model.call import Call
from policyd.model.decision import Decision, Reason
from policyd.model.exemptions import Exemption
from policyd.model.labels import Treatment
from policyd.model.rules import ACTIONS, Mode, Rule, Section, Sentence, Softening
from policyd.model.snapshot import Snapshot
from tests.properties.asking import Asks, asks
from tests.properties.companies import snapshots
from tests.properties.ruling import ALL, rule, rules
from tests.properties.sampling import share
from tests.properties.world import BERLIN, DATASETS, FIELDS, INTEGRATIONS, PLACES, WORDS

FAR = datetime(2030, 1, 1)  # noqa: DTZ001 - wall clock
forbids = rules("added", Section.FORBID)
_categories = st.lists(st.sampled_from(sorted(WORDS.categories)), min_size=1, unique=True)
_duties = st.fixed_dictionaries(
    {},
    optional={
        "mask": _categories.map(tuple),
        "tokenise": _categories.map(tuple),
        "drop-fields": _categories.map(tuple),
        "row-limit": st.integers(1, 3),
        "log-outcome": st.sampled_from(["90m", "1h", "2h"]),
        "approval": st.just("it"),
    },
)
requires = st.builds(
    lambda each, duties: replace(each, duties=duties),
    rules("owed", Section.REQUIRE)
    | st.just(rule("guardrail:owed", "guardrail", Section.REQUIRE, ALL)),
    _duties,
)


def with_rule(snapshot: Snapshot, added: Rule) -> Snapshot:
    """The company with one rule more."""
    return replace(snapshot, rules={**snapshot.rules, added.ref: added})


def able(call: Call) -> Call:
    """The call of a PEP that can do everything."""
    kinds = ("mask", "tokenise", "drop-fields", "row-limit", "log-outcome")
    return replace(call, supported_obligations=kinds)


def strictness(decision: Decision) -> Mapping[tuple[str, str], int]:
    """How much an allow asks for: by field, and by kind for the rest; more is stricter."""
    asked: dict[tuple[str, str], int] = {}
    for each in decision.obligations:
        if "fields" in each.properties:
            fields = each.properties["fields"]
            assert isinstance(fields, tuple)
            asked |= {("field", field): Treatment.of(each.type).value for field in fields}
        elif each.type == "row-limit":
            asked["row-limit", ""] = -int(str(each.properties["rows"]))
        else:
            asked["log-outcome", ""] = -_minutes(str(each.properties["within"]))
    return asked


def _minutes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "h": 60}[text[-1]]


@given(snapshots, requires, requires, asks)
def test_a_require_only_asks_for_more(
    snapshot: Snapshot, one: Rule, two: Rule, asked: Asks
) -> None:
    """One require more allows nothing, and an allow asks for as much as before at least."""
    first = with_rule(snapshot, replace(one, ref=f"{one.layer}/first"))
    before, after = Engine(first), Engine(with_rule(first, two))
    for call, facts in asked:
        was, is_ = (engine.decide(able(call), facts) for engine in (before, after))
        assert was.allow or not is_.allow
        if is_.allow:
            known, now = strictness(was), strictness(is_)
            assert all(now[key] >= weight for key, weight in known.items())


def _softened(rule: Rule, mode: Mode, until: datetime = FAR) -> Rule:
    return replace(rule, softening=Softening(mode, until, "it"))


@given(snapshots, forbids | requires, asks)
def test_softer_modes_deny_less(snapshot: Snapshot, added: Rule, asked: Asks) -> None:
    """What warns denies nothing that enforce allows; what observes differs by the advice alone."""
    modes = (Mode.ENFORCE, Mode.WARN, Mode.OBSERVE)
    engines = [Engine(with_rule(snapshot, _softened(added, mode))) for mode in modes]
    without = Engine(snapshot)
    for call, facts in asked:
        enforce, warn, observe = (engine.decide(call, facts) for engine in engines)
        assert warn.allow or not enforce.allow
        assert warn.allow is observe.allow is without.decide(call, facts).allow
        assert warn.obligations == observe.obligations == without.decide(call, facts).obligations
        assert observe.advice == ()


@given(snapshots, forbids | requires, asks)
def test_a_mode_that_is_over_is_none(snapshot: Snapshot, added: Rule, asked: Asks) -> None:
    """From its end on a softened rule is as good as any other."""
    plain = Engine(with_rule(snapshot, added))
    for call, facts in asked:
        ended = _softened(added, Mode.OBSERVE, wall_clock(BERLIN, facts.now))
        assert Engine(with_rule(snapshot, ended)).decide(call, facts) == plain.decide(call, facts)


@given(snapshots, asks)
def test_a_unit_mode_softens_its_missing_allow_alone(snapshot: Snapshot, asked: Asks) -> None:
    """What a unit in `warn` gets through is what its missing allow alone had refused."""
    softening = Softening(Mode.WARN, FAR, "it")
    units = {name: replace(each, softening=softening) for name, each in snapshot.units.items()}
    before, after = Engine(snapshot), Engine(replace(snapshot, units=units))
    for call, facts in asked:
        was, is_ = before.decide(call, facts), after.decide(call, facts)
        left = [each for each in was.reasons if each.code != "unit-does-not-allow"]
        assert list(is_.reasons) == left
        assert is_.allow is (not left)


@given(snapshots, forbids, asks, st.sampled_from(["company", "units"]))
def test_a_roll_out_lets_pass_what_is_not_always(
    snapshot: Snapshot, added: Rule, asked: Asks, whose: str
) -> None:
    """Every denial passes and says so, but of a rule that always holds, or of somebody unknown."""
    rollout = Softening(Mode.OBSERVE, FAR, "it")
    plain = with_rule(snapshot, replace(added, always=True))
    units = {name: replace(each, rollout=rollout) for name, each in plain.units.items()}
    rolled = replace(plain, rollout=rollout) if whose == "company" else replace(plain, units=units)
    before, after = Engine(plain), Engine(rolled)
    for call, facts in asked:
        was, is_ = before.decide(call, facts), after.decide(call, facts)
        holds = any(
            each.rule == added.ref or each.code == "integration-unregistered"
            for each in was.reasons
        )
        assert is_.reasons == was.reasons
        assert is_.allow is (was.allow or not holds)
        assert is_.would_deny is (is_.allow and not was.allow)


_scopes = st.builds(
    lambda who, actions, data, to, only: Sentence(
        dict.fromkeys(actions, tuple(data)), tuple(who), to=tuple(to), only_fields=tuple(only)
    ),
    st.lists(st.sampled_from(INTEGRATIONS), min_size=1, unique=True),
    st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True),
    st.lists(st.sampled_from(DATASETS), min_size=1, unique=True),
    st.lists(st.sampled_from(sorted(PLACES)), unique=True, max_size=2),
    st.just([]) | st.lists(st.sampled_from(FIELDS), min_size=1, unique=True),
)
_days = st.sampled_from([-200, -1, 0, 1, 200])


def _exemption(lifts: str, scope: Sentence, start: datetime, end: datetime) -> Exemption:
    return Exemption("EX-1", lifts, scope, start, end, "T-1", "a test", "it", ("a", "b"))


def _in_scope(call: Call, decision: Decision, scope: Sentence) -> bool:
    """Whether the exemption is about the call, said once more and plainly."""
    return (
        call.subject.type == "integration"
        and call.subject.id in scope.who
        and call.resource.id in scope.data.get(call.action, ())
        and (call.action != "send" or not scope.to or decision.resolved.destination in scope.to)
        and (not scope.only_fields or bool(call.fields))
        and all(field in scope.only_fields for field in call.fields if scope.only_fields)
    )


def _bare(reasons: tuple[Reason, ...]) -> list[Reason]:
    """Reasons without the words that a lapsed exemption adds."""
    return [replace(each, message="") for each in reasons]


@given(snapshots, forbids, asks, _scopes, _days, st.integers(1, 200))
def test_an_exemption_lifts_what_it_names_in_its_scope(
    snapshot: Snapshot, added: Rule, asked: Asks, scope: Sentence, offset: int, length: int
) -> None:
    """It takes away the one reason it names, for the calls of its scope, while it lasts."""
    plain = with_rule(snapshot, added)
    before = Engine(plain)
    for call, facts in asked:
        now = wall_clock(BERLIN, facts.now)
        start = now + timedelta(days=offset)
        exemption = _exemption(added.ref, scope, start, start + timedelta(days=length))
        after = Engine(replace(plain, exemptions={"EX-1": exemption}))
        was, is_ = before.decide(call, facts), after.decide(call, facts)
        applies = _in_scope(call, was, scope) and exemption.start <= now < exemption.end
        lifted = [each for each in was.reasons if applies and each.rule == added.ref]
        kept = tuple(each for each in was.reasons if each not in lifted)
        assert _bare(is_.reasons) == _bare(kept)
        assert [each.exemption for each in is_.softened] == ["EX-1"] * len(lifted)
        assert is_.allow is (not kept)


def _lifts(drawn: tuple[Snapshot, Rule, Asks, Sentence]) -> list[bool]:
    snapshot, added, asked, scope = drawn
    plain = with_rule(snapshot, added)
    now = datetime(2026, 1, 1)  # noqa: DTZ001 - wall clock
    exemptions = {"EX-1": _exemption(added.ref, scope, now, FAR)}
    engine = Engine(replace(plain, exemptions=exemptions))
    return [bool(engine.decide(call, facts).softened) for call, facts in asked]


def test_exemptions_do_lift() -> None:
    """The exemptions that are drawn are about the calls that are drawn, now and then."""
    drawn = st.tuples(snapshots, forbids, asks, _scopes)
    assert share(drawn, _lifts, 200) >= 0.005


def _owing(drawn: tuple[Snapshot, Rule, Asks]) -> list[bool]:
    snapshot, added, asked = drawn
    before, after = Engine(snapshot), Engine(with_rule(snapshot, added))
    return [
        before.decide(able(call), facts) != after.decide(able(call), facts) for call, facts in asked
    ]


def test_requires_do_ask() -> None:
    """The requires that are drawn are about the calls that are drawn, now and then."""
    assert share(st.tuples(snapshots, requires, asks), _owing, 200) >= 0.02
