"""A replay as a review tells it: rows, what was not seen, and what it takes from a proof."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from policyd.model.errors import LedgerUnavailable
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Comparison, compare
from policyd.review import retelling
from policyd.review.artefact import Review, read_review
from policyd.review.markdown import LIMIT, comment
from policyd.review.replay_words import replay_words
from policyd.review.replayed import Replayed, Wanted, Window
from policyd.review.review_notices import notices
from policyd.review.reviewing import Given, proved, review
from policyd.review.terminal import lines
from tests.unit.review.edited_pairs import Edit, pair
from tests.unit.review.test_replay import CALLS, EMPLOYEES, HEADCOUNT, MAIL, records, tree

NOW = datetime(2026, 3, 3, tzinfo=UTC)
WINDOW = Window(after="2026-03-01T00:00:00.000000Z", before="2026-03-03T00:00:00Z", first=0, end=9)
HR, READS = "units/hr/access.yaml", "    read: [hris/headcount]\n"
MORE: Edit = (HR, READS, "    read: [hris/headcount, hris/employees]\n")
OTHER: Edit = (HR, READS, "    read: [hris/org-chart]\n")
SWAPPED: Edit = (HR, READS, "    read: [hris/employees]\n")
Records = list[tuple[int, bytes]]


class Told:
    """A past that is told, and how much of it could not be read."""

    def __init__(self, log: Records, window: Window = WINDOW, **more: frozenset[str]) -> None:
        """Have these records, which lie in a *window*."""
        self.wanted = Wanted(NOW, NOW, 1000, 5, **more)
        self._log = log
        self._window = window

    def records(self, watch: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
        """All of them."""
        watch("replaying")
        yield from self._log

    def window(self) -> Window:
        """The one that was told."""
        return self._window


class Broken(Told):
    """One that breaks off."""

    def records(self, watch: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
        """The first record, and no more."""
        yield from [*super().records(watch)][:1]
        raise LedgerUnavailable("the disk is gone")


@pytest.fixture(scope="module")
def log() -> Records:
    """What the sample company decided of some calls, some of them twice."""
    return [*records(tree(), [*CALLS, *CALLS[:2]])]


Prove = Callable[[Snapshot, Snapshot], Comparison]


def reviewed(past: Told, *edits: Edit, prove: Prove = proved) -> Review:
    """The review of a change, with what it would have done to calls."""
    return review(pair(*edits), Given(now=NOW, prove=prove, past=past))


def replay_of(found: Review) -> Replayed:
    """The replay in a review."""
    assert found.replay is not None
    return found.replay


def text(found: Review) -> str:
    """The review as a terminal shows it."""
    return "\n".join(each.text for each in lines(found, None))


def test_calls_alike_are_one_row(log: Records) -> None:
    """With their number, their records, their region, and what each side says of them."""
    found = reviewed(Told(log), OTHER)
    (row,) = replay_of(found).rows
    assert (row.outcome, row.caller, row.count) == ("lost", "hr/headcount-to-bi", 2)
    assert row.records == ("record-0", "record-4")
    (region,) = (each for each in found.regions if each.number in row.regions)
    assert (region.side, region.data) == ("closes", ("hris/headcount",))
    assert (row.recorded.allow, row.before.allow, row.after.allow) == (True, True, False)
    assert row.after.reasons == ("unit-does-not-allow",)
    assert replay_of(found).counts["lost"] == 2
    assert replay_of(found).counts["same"] == 4


def test_every_form_has_it(log: Records) -> None:
    """Numbers, the record and the region stand in the terminal, the comment and the notices."""
    found = reviewed(Told(log), OTHER)
    for told in (text(found), comment(found)):
        assert "6 calls from 2026-03-01T00:00Z to 2026-03-03T00:00Z: 0 gained, 2 lost" in told
        assert "2 calls lost: `hr/headcount-to-bi` read `hris/headcount`" in told
        assert "record-4, record-0" in told
    (notice,) = (each for each in notices(found) if each.id == "replay-lost")
    assert (notice.file, notice.level) == ("units/hr/access.yaml", "warning")
    assert read_review(found.to_json()).to_json() == found.to_json()


def test_a_replay_is_no_part_of_the_digest(log: Records) -> None:
    """What is approved is the change; the log goes on."""
    alone = review(pair(OTHER), Given(now=NOW))
    found = reviewed(Told(log), OTHER)
    assert (found.digest, found.decisions) == (alone.digest, alone.decisions)
    assert "replay" not in text(alone)


def test_a_proof_that_a_record_contradicts(log: Records) -> None:
    """A region that was missed is found by the sample: NOT PROVED, slow lane, and loud."""

    def missing(one: Snapshot, two: Snapshot) -> Comparison:
        return replace(compare(one, two), opens=())

    honest = reviewed(Told(log), MORE)
    found = reviewed(Told(log), MORE, prove=missing)

    assert (honest.state, honest.routing.lane) == ("opens", "fast")
    assert replay_of(honest).contradictions == ()
    assert (found.state, found.routing.lane) == ("not-proved", "slow")
    assert found.proof.access.verdict == "not-proved"
    (row,) = replay_of(found).contradictions
    assert (row.outcome, row.records) == ("gained", ("record-1", "record-5"))
    assert replay_of(found).rows == ()
    assert "proof-contradicted: recorded calls come out differently" in text(found)
    assert "! OUTSIDE OF EVERY REGION, 2 calls gained: `hr/headcount-to-bi` read" in text(found)
    (notice,) = (each for each in notices(found) if each.id == "proof-contradicted")
    assert notice.level == "error"
    assert found.decisions != honest.decisions


def test_drift_is_kept_apart() -> None:
    """What the base decides otherwise than was recorded is counted for itself, and said."""
    recorded_by = tree(("units/hr/access.yaml", "[hris/headcount]", "[hris/org-chart]"))
    drifted = [*records(recorded_by, [HEADCOUNT, MAIL])]
    found = reviewed(Told(drifted, kept=frozenset({"sha256:other"})), OTHER)
    told = replay_of(found)
    assert (told.drifted, told.counts["lost"]) == (1, 1)
    (row,) = told.rows
    assert (row.drifted, row.recorded.allow, row.before.allow) == (1, False, True)
    assert row.recorded.reasons == ("unit-does-not-allow",)
    assert "1 had drifted before this change" in text(found)
    assert "1 of them drifted; recorded DENY (unit-does-not-allow); before ALLOW" in text(found)
    assert (told.by_base, told.by_others, told.by_unkept) == (0, 0, 2)
    assert "0 by other policies, 2 by policies that are not kept" in text(found)
    known = reviewed(Told(drifted, kept=frozenset({recorded_by.digest})), OTHER)
    assert (replay_of(known).by_others, replay_of(known).by_unkept) == (2, 0)


def test_an_empty_window() -> None:
    """Nothing was recorded: that is no "no differences"."""
    found = reviewed(Told([]), OTHER)
    assert "NO CALLS were recorded from 2026-03-01T00:00Z" in text(found)
    assert "so it says nothing about this change" in comment(found)
    assert "0 lost" not in text(found)


HIDDEN: dict[str, tuple[dict[str, Any], str]] = {
    "older ones left out": ({"left_out": 3}, "3 older records of the window were left out"),
    "pruned": ({"pruned_until": "2026-03-02T10:00:00.000000Z"}, "begins at 2026-03-02T10:00Z"),
    "lost": ({"lost": ((0, 256), (300, 310))}, "cannot be read: `0 to 255`, `300 to 309`"),
    "erased": ({"erased": 1}, "1 record had parts erased, which no decision reads"),
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("is_empty", [False, True])
def test_what_was_not_seen_is_told(log: Records, name: str, *, is_empty: bool) -> None:
    """Also where no call is left: what is hidden is not "nothing happened"."""
    members, words = HIDDEN[name]
    window = msgspec.structs.replace(WINDOW, **members)
    found = reviewed(Told([] if is_empty else log, window), OTHER)
    assert words in text(found)
    assert words in comment(found).replace("\\|", "|")


def test_a_log_that_cannot_be_read(log: Records) -> None:
    """The review is there, and says that nothing was replayed."""
    found = reviewed(Broken(log), OTHER)
    assert replay_of(found).trouble == "audit-unavailable: the disk is gone"
    assert replay_words(replay_of(found)).startswith("NOT REPLAYED: ")
    assert found.regions
    assert replay_of(found).counts == {}


def test_what_could_not_be_decided_is_told_with_its_reason() -> None:
    """Neither a change nor none."""
    (spoilt,) = [leaf for _, leaf in records(tree(), [HEADCOUNT])]
    broken = spoilt.replace(b'"facts":{', b'"facts":{"used":7,')
    found = reviewed(Told([(0, broken)]), OTHER)
    assert replay_of(found).counts["error"] == 1
    assert "1 errors" in text(found)
    assert "1 call could not be decided: the record cannot be read" in text(found)


def test_reasons_alone_weigh_nothing() -> None:
    """They are told last, and are no notice."""
    renamed: Edit = (
        "guardrails/access.yaml",
        "  recipes-stay-home:",
        "  recipes-stay-at-home:",
    )
    recipe = replace(CALLS[3], resource=replace(CALLS[3].resource, id="mes/recipes"))
    gap: Prove = lambda one, two: replace(compare(one, two), gaps=("all are asked",))  # noqa: E731
    found = reviewed(Told([*records(tree(), [recipe])]), renamed, prove=gap)
    rows = replay_of(found).rows
    assert [(each.outcome, each.regions) for each in rows] == [("reason-only", ())]
    assert not [each for each in notices(found) if each.id.startswith("replay-")]


def test_many_rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that moves everything is told by its heaviest rows, and a number."""
    monkeypatch.setattr(retelling, "TOLD", 1)
    calls = [EMPLOYEES, HEADCOUNT, HEADCOUNT]
    found = reviewed(Told([*records(tree(), calls)]), SWAPPED)
    assert [each.outcome for each in replay_of(found).rows] == ["gained"]
    assert replay_of(found).more == 2
    assert "2 more calls come out differently, in rows that are not told" in text(found)
    monkeypatch.setattr(retelling, "_KEPT", 1)
    found = reviewed(Told([*records(tree(), calls)]), SWAPPED)
    assert (len(replay_of(found).rows), replay_of(found).more) == (1, 2)
    assert len(comment(found)) < LIMIT
