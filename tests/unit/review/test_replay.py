"""Replays of calls of the sample company: what each change would have done to them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.stamp import Stamp, timestamp
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.rules import OBLIGATIONS
from policyd.model.snapshot import Snapshot
from policyd.policy import folder
from policyd.policy.load import load_files
from policyd.proof.proving import Comparison, compare
from policyd.review import replay as replaying
from policyd.review.replay import Difference, Outcome, Replay, Sample, replay
from tests.servers import POLICIES

Edit = tuple[str, str, str]
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCESS = "guardrails/access.yaml"


def tree(*edits: Edit) -> Snapshot:
    """The sample company after these edits: a file, what stands there, what stands there after."""
    files = dict(folder.read(POLICIES)[0])
    for name, before, after in edits:
        assert before in files[name].decode()
        files[name] = files[name].decode().replace(before, after, 1).encode()
    return load_files(files)


def asked(who: str, action: str, data: str, endpoint: str, *fields: str, rows: int = 1) -> Call:
    """A call by POST of someone who can fulfil every duty."""
    return Call(
        subject=Entity("integration", who),
        action=action,
        resource=Entity("dataset", data),
        fields=fields,
        endpoint=endpoint,
        method="GET" if action == "read" else "POST",
        rows=rows,
        supported_obligations=OBLIGATIONS,
    )


HEADCOUNT = asked("hr/headcount-to-bi", "read", "hris/headcount", "hris/api")
EMPLOYEES = replace(HEADCOUNT, resource=Entity("dataset", "hris/employees"), fields=("department",))
MAIL = asked("sales/campaign-mailer", "send", "crm/contacts", "newsletter/api", "email", "locale")
ALERT = asked("plants/machine-alerts", "send", "mes/downtime", "chat/hooks")
CALLS = [HEADCOUNT, EMPLOYEES, MAIL, ALERT]


@pytest.fixture(scope="module")
def sample() -> Snapshot:
    """The company as it is."""
    return tree()


def records(snapshot: Snapshot, calls: Iterable[Call]) -> Iterator[tuple[int, bytes]]:
    """The records of what is decided of *calls*; limits have counted nothing before."""
    engine = Engine(snapshot)
    basis = Basis(snapshot.digest, "folder", "1", snapshot.vocabulary)
    sender = Request("127.0.0.1", "aaaaaaaa")
    for index, call in enumerate(calls):
        case = engine.open(call, MONDAY)
        facts = Facts(MONDAY, dict.fromkeys(case.buckets(), 0))
        stamp = Stamp(MONDAY, timestamp(MONDAY), f"record-{index}", f"{index:032x}")
        decision = engine.judge(case, facts)
        yield index, decision_record(stamp, sender, call, facts, decision, basis)


class Told(NamedTuple):
    """What a replay has come to, and what it told on the way."""

    found: Replay
    differences: list[Difference]
    surprises: list[Difference]


def replayed(
    base: Snapshot,
    candidate: Snapshot,
    log: Iterable[tuple[int, bytes]],
    *,
    sample: int = 0,
    proof: Comparison | None = None,
    seed: int = 0,
) -> Told:
    """The replay of a log; with another proof than the right one, if that is wanted."""
    by, engines = proof or compare(base, candidate), (Engine(base), Engine(candidate))
    told: list[Difference] = []
    found = replay(by, engines, log, told.append, sample=Sample(sample, seed))
    inside = [each for each in told if not each.is_surprise]
    return Told(found, inside, [each for each in told if each.is_surprise])


FORBIDDEN = "    reason: Chat forgets nothing and shows it to many."
CHANGES: dict[str, tuple[tuple[Edit, ...], dict[str, Outcome]]] = {
    "nothing": (((ACCESS, "owner: ciso\n", "owner:  ciso\n"),), {}),
    "gained": (
        (("units/hr/access.yaml", "[hris/headcount]", "[hris/headcount, hris/employees]"),),
        {"record-1": Outcome.GAINED},
    ),
    "lost": (
        (("units/hr/access.yaml", "[hris/headcount]", "[hris/org-chart]"),),
        {"record-0": Outcome.LOST},
    ),
    "a duty is lost": (
        ((ACCESS, "obligations: {log-outcome: 15m}\n    reason: Whoever", "{X}"),),
        {"record-2": Outcome.DUTY_LOST},
    ),
    "a duty is added": (
        ((ACCESS, "obligations: {log-outcome: 15m}\n    reason: Whoever", "{Y}"),),
        {"record-2": Outcome.DUTY_ADDED},
    ),
}
DUTIES = {
    "{X}": "obligations: {log-outcome: 60m}\n    reason: Whoever",
    "{Y}": "obligations: {log-outcome: 5m}\n    reason: Whoever",
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_change_would_have_done(sample: Snapshot, name: str) -> None:
    """Each call that would come out differently is told with its record; the rest is counted."""
    edits, wanted = CHANGES[name]
    candidate = tree(*((file, was, DUTIES.get(is_, is_)) for file, was, is_ in edits))

    found, differences, _ = replayed(sample, candidate, records(sample, CALLS))

    assert {each.id: each.outcome for each in differences} == wanted
    assert not any(each.has_drifted for each in differences)
    assert (found.seen, found.calls, found.drifted) == (4, 4, 0)
    assert found.counts.total() == 4
    assert found.first == found.last == timestamp(MONDAY)


def test_only_what_can_change_is_asked(sample: Snapshot) -> None:
    """A proof spares the engines the calls that cannot change, but for a sample of them."""
    edits, _ = CHANGES["gained"]
    candidate = tree(*edits)

    alone = replayed(sample, candidate, records(sample, CALLS * 20))
    with_sample = replayed(sample, candidate, records(sample, CALLS * 20), sample=7)

    assert (alone.found.asked, alone.found.sampled) == (20, 0)
    assert (with_sample.found.asked, with_sample.found.sampled) == (27, 7)
    assert with_sample.surprises == []
    assert alone.found.counts == with_sample.found.counts


def test_without_a_proof_all_are_asked(sample: Snapshot) -> None:
    """A gap is no reason to guess."""
    gap = replace(compare(sample, sample), gaps=("the casbin model is another",))
    assert replayed(sample, sample, records(sample, CALLS), proof=gap).found.asked == len(CALLS)


def test_a_wrong_proof_is_found_out(sample: Snapshot) -> None:
    """What changes although the proof says that nothing does is told apart."""
    candidate = tree(*CHANGES["gained"][0])
    wrong = compare(sample, sample)

    found = replayed(sample, candidate, records(sample, CALLS), sample=4, proof=wrong)

    assert [each.id for each in found.surprises] == ["record-1"]
    assert (found.differences, found.found.surprises) == ([], 1)


def test_very_many_calls_are_drawn(sample: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of everything is not asked of everything: what was not asked is unknown."""
    monkeypatch.setattr(replaying, "ASKED", 5)
    candidate = tree(*CHANGES["gained"][0])
    log = [*records(sample, CALLS * 8)]
    seen = set()
    for seed in range(16):
        found, differences, _ = replayed(sample, candidate, log, seed=seed)
        assert (found.asked, found.counts[Outcome.GAINED]) == (5, 5)
        assert found.counts[Outcome.UNKNOWN] == 3 == found.why.total()
        assert found.counts.total() == 32
        seen |= {each.id for each in differences}
    assert len(seen) == 8
    assert [each.seq for each in differences] == sorted(each.seq for each in differences)


def test_the_seed_draws_the_sample(sample: Snapshot) -> None:
    """The same seed asks the same calls, another one others: none is never looked at."""
    candidate = tree(*CHANGES["gained"][0])
    wrong, log = compare(sample, sample), [*records(sample, CALLS * 8)]

    def drawn(seed: int) -> list[str]:
        found = replayed(sample, candidate, log, sample=8, proof=wrong, seed=seed)
        return [each.id for each in found.surprises]

    assert drawn(0) == drawn(0)
    assert {name for seed in range(32) for name in drawn(seed)} == {
        f"record-{number}" for number in range(1, 32, 4)
    }


def test_drift_is_no_work_of_the_change(sample: Snapshot) -> None:
    """A call recorded under an older policy, of which the base decides otherwise."""
    older = tree(("units/hr/access.yaml", "[hris/headcount]", "[hris/org-chart]"))
    found, differences, surprises = replayed(sample, sample, records(older, CALLS), sample=4)
    assert found.drifted == 1
    assert differences == surprises == []
    assert found.snapshots == {older.digest: 4}


def test_drift_and_a_change(sample: Snapshot) -> None:
    """What is gained against the base was allowed before it, which is said of that very call."""
    older = tree(*CHANGES["gained"][0])
    found = replayed(sample, older, records(older, CALLS))
    (difference,) = found.differences
    assert (difference.outcome, difference.has_drifted) == (Outcome.GAINED, True)
    assert difference.recorded.allow


def test_reasons_alone(sample: Snapshot) -> None:
    """A call that stays refused, by another rule."""
    renamed = (ACCESS, "  recipes-stay-home:", "  recipes-stay-at-home:")
    recipe = asked("plants/dock-slots", "send", "mes/recipes", "mail/relay")
    gap = replace(compare(sample, sample), gaps=("all are asked",))
    found = replayed(sample, tree(renamed), records(sample, [recipe]), proof=gap)
    assert [each.outcome for each in found.differences] == [Outcome.REASON_ONLY]


def test_a_limit_that_had_not_counted(sample: Snapshot) -> None:
    """What a new limit would have counted before the call is nowhere in its record."""
    new = """\
limit:
  few-reads:
    {who: everyone, read: [hris/*], calls: 5, per: day, for_each: unit, reason: Few, fix: Fewer}
"""
    files = dict(folder.read(POLICIES)[0])
    text = files["units/hr/access.yaml"].decode()
    assert "limit:" not in text
    files["units/hr/access.yaml"] = f"{text}{new}".encode()
    gap = replace(compare(sample, sample), gaps=("all are asked",))

    found = replayed(sample, load_files(files), records(sample, [HEADCOUNT]), proof=gap).found

    assert found.counts == {Outcome.UNKNOWN: 1}
    assert found.why == {"the record has no count of `unit:hr/few-reads`": 1}


def test_records_that_cannot_be_replayed(sample: Snapshot) -> None:
    """Other kinds are passed over; what is broken or was never decided is counted as such."""
    log = [leaf for _, leaf in records(sample, CALLS)]
    denied, never = b"unit-does-not-allow", b"not-evaluated"
    spoilt = [
        log[0].replace(b'"kind":"decision"', b'"kind":"outcome"'),
        log[0].replace(b'"facts":{', b'"facts":{"used":7,'),
        log[1].replace(denied, never),
        b"\xff",
    ]
    gap = replace(compare(sample, sample), gaps=("all are asked",))

    found = replayed(sample, sample, enumerate(spoilt), proof=gap).found

    assert (found.seen, found.calls, found.asked) == (4, 2, 0)
    assert found.counts == {Outcome.ERROR: 2, Outcome.UNKNOWN: 1}
    assert found.why == {"the record cannot be read": 2, "it was never decided": 1}


def test_a_failing_engine_is_an_error(sample: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither a change nor none."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    log = [*records(sample, [HEADCOUNT])]
    monkeypatch.setattr(Engine, "judge", fail)
    found = replayed(sample, sample, log, sample=1).found
    assert found.counts == {Outcome.ERROR: 1, Outcome.SAME: 0}
    assert found.why == {"the engine failed: ZeroDivisionError": 1}
