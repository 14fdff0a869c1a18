"""Reviews: what is proved, what is not, who approves, and what stays the same whoever asks."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest

from policyd.model.errors import UsageError
from policyd.model.snapshot import Snapshot
from policyd.proof.compare import Where
from policyd.proof.differences import Difference
from policyd.proof.moments import Span
from policyd.proof.proving import Comparison, comparison
from policyd.proof.space import Space
from policyd.review.artefact import Review, read_review
from policyd.review.markdown import LIMIT, comment
from policyd.review.review_notices import notices
from policyd.review.reviewing import BaseInvalid, Given, review
from policyd.review.revisions import Changed, Pair
from policyd.review.sarif import sarif
from policyd.review.terminal import lines
from tests.unit.review.edited_pairs import ACCESS, COMPANY, LABELS, Edit, pair

MORE: Edit = (
    "units/hr/access.yaml",
    "    read: [hris/headcount]\n",
    "    read: [hris/headcount, hris/org-chart]\n",
)
EXCEEDS: Edit = (
    "units/sales/access.yaml",
    "    send: [crm/contacts]\n    to: [newsletter, chat]",
    "    send: [crm/contacts, crm/opportunities]\n    to: [newsletter, chat]",
)
NOW = Given(now=datetime(2026, 3, 2, 12, tzinfo=UTC))


def grounds(found: Review) -> set[str]:
    """The codes of what makes it slow."""
    return {each.code for each in found.routing.grounds}


def owners(found: Review) -> list[str]:
    """Who has to approve."""
    return [each.owner for each in found.routing.approvers]


def imagining(old: Snapshot, new: Snapshot) -> Comparison:
    """A proof that is wrong: it takes a call that neither side allows for one that opens."""
    space = Space((old, new), Span())
    who = new.integrations["hr/pay-run"]
    where = Where((who, who), "read", "payroll/payslips", space.spots_at("payroll")[0])
    sayings = space.sayings("payroll/payslips").all
    return comparison(space, [(where, Difference(0, "opens", sayings, space.moments.all))])


def test_a_wrong_proof_is_found_out() -> None:
    """What the engines do not show is no fact: MAYBE, slow lane, and a report is asked for."""
    found = review(pair(MORE), NOW._replace(prove=imagining))

    (region,) = found.regions
    assert (region.verdict, region.witness.shown) == ("maybe", False)
    assert found.proof.access.verdict == "maybe"
    assert found.state == "not-proved"
    assert "not-proved" in grounds(found)
    told = "\n".join(each.text for each in lines(found, None))
    assert "MAYBE: the engines do not show it, please report it" in told
    assert "NOT PROVED" in told
    assert "region-unconfirmed" in {each.id for each in notices(found)}


def test_what_cannot_be_split_is_not_proved_alone() -> None:
    """Of one dataset with too many kinds of fields nothing is said; the rest is told as ever."""
    marks = [
        f"[{', '.join([level, *more])}]"
        for level in ("public", "internal", "confidential", "restricted")
        for more in ((), ("personal",), ("health",), ("payment",))
    ]
    fields = ", ".join(f"field_{n}: {mark}" for n, mark in enumerate(marks))
    many = (
        LABELS,
        "hris/headcount:  {is: [internal]}",
        f"hris/headcount:  {{is: [restricted, personal, payment, health], fields: {{{fields}}}}}",
    )

    found = review(pair(many, MORE), NOW)

    assert found.proof.access.gaps == ("`hris/headcount` has 17 kinds of fields",)
    assert [each.data for each in found.regions if each.side == "opens"] == [("hris/org-chart",)]
    assert {each.about for each in found.routing.grounds if each.code == "not-proved"} >= {"access"}
    alone = review(pair(many), NOW)
    assert alone.state == "not-proved"
    assert alone.proof.access.verdict == "not-proved"
    assert alone.routing.lane == "slow"


def test_lint_is_run_by_the_levels_of_the_base() -> None:
    """A change makes neither its own errors mild nor others' warnings errors."""
    strict: Edit = (COMPANY, "\nlint:\n", "\nlint:\n  PD204: error\n")
    mild: Edit = (COMPANY, "  PD204: error\n", '  PD204: "off"\n')

    raised = review(pair(strict, EXCEEDS), NOW)
    lowered = review(pair(mild, EXCEEDS, base=[strict]), NOW)

    assert [each.level for each in raised.lint if each.id == "PD204"] == ["warning"]
    assert raised.blocked_by == ()
    assert [each.level for each in lowered.lint if each.id == "PD204"] == ["error"]
    assert lowered.blocked_by == ("lint",)
    for found in (raised, lowered):
        assert "review-rules" in grounds(found)
        assert "ciso" in owners(found)


def test_a_change_does_not_name_its_own_approver() -> None:
    """Whoever answered before approves, also where the change gives the rule to somebody else."""
    taken: Edit = (
        ACCESS,
        "    owner: treasury-office\n    reason: A wrong payment can be stopped only",
        "    owner: plant-it\n    reason: A wrong payment can be stopped only",
    )
    opened: Edit = (ACCESS, "    outside: [business-hours]\n", "    outside: [night]\n")

    found = review(pair(taken, opened), NOW)

    assert "treasury-office" in owners(found)
    assert "plant-it" not in owners(found)
    assert {"review-rules", "guardrail"} <= grounds(found)


def test_guardrails_written_in_another_way() -> None:
    """Proved the same: slow lane all the same, one approver, and no call changes."""
    split: Edit = (
        ACCESS,
        "    to: [chat, mail]\n    reason: Key figures are there to be looked at.\n",
        (
            "    to: [chat]\n    reason: Key figures are there to be looked at.\n"
            "  key-figures-by-mail:\n    who: everyone\n    send: [analytics/kpi]\n"
            "    to: [mail]\n    reason: Key figures are there to be looked at.\n"
        ),
    )
    found = review(pair(split), NOW)

    assert found.state == "same"
    assert (found.proof.guardrails.verdict, found.proof.guardrails.closing) == ("proved",) * 2
    assert found.routing.lane == "slow"
    assert owners(found) == ["ciso"]


def test_a_file_that_nobody_answers_for() -> None:
    """It goes to the slow lane, and to whoever keeps the guardrails."""
    plain = pair()
    found = review(replace(plain, changed=(Changed("CODEOWNERS", "changed"),)), NOW)

    assert [each.means for each in found.files] == ["uncovered"]
    assert grounds(found) == {"uncovered-file"}
    assert owners(found) == ["ciso"]
    assert found.state == "same"


def test_what_lint_is_told_to_leave_aside() -> None:
    """A comment that silences lint is looked at by central IT, a moved one is not."""
    told = '# policyd: ignore PD204 until=2026-12-31 owner=sales-apps reason="soon"'
    line: Edit = (EXCEEDS[0], "  newsletter:\n", f"  {told}\n  newsletter:\n")
    found = review(pair(EXCEEDS, line), NOW)
    assert "suppression" in grounds(found)
    moved: Edit = (EXCEEDS[0], "allow:\n", "allow:\n\n")
    assert grounds(review(pair(moved, base=[EXCEEDS, line]), NOW)) == set()


def test_roles_that_are_given_out() -> None:
    """The owner of a role approves that somebody gets it."""
    given: Edit = (
        "units/webshop/integrations.yaml",
        "    roles: [order-integrator]\n  stock-to-shop:",
        "    roles: [order-integrator, ai-user]\n  stock-to-shop:",
    )
    found = review(pair(given), NOW)
    assert owners(found) == ["data-office", "shop-team"]
    assert found.routing.lane == "fast"


def test_an_owner_who_has_left() -> None:
    """Their name is told with who stands in."""
    gone: Edit = (
        COMPANY,
        "hr-apps@halmfeld.example}",
        "hr-apps@halmfeld.example, inactive_from: 2030-01-01}",
    )
    found = review(pair(MORE, base=[gone]), NOW)
    (approver,) = (each for each in found.routing.approvers if each.owner == "hr-apps")
    assert approver.contact.endswith("(nobody there from 2030-01-01: then ciso@halmfeld.example)")


def test_the_same_bytes_wherever_and_whenever() -> None:
    """Neither the clock nor the order in which files are read is in the digest."""
    one = review(pair(MORE), NOW)
    plain = pair(MORE)
    base, head = (
        replace(each, files=dict(reversed(list(each.files.items()))))
        for each in (plain.base, plain.head)
    )
    turned = Pair(base, head, plain.changed)
    later = review(turned, NOW._replace(now=datetime(2026, 3, 3, tzinfo=UTC)))

    assert one.digest == later.digest
    assert one.plain["today"] != later.plain["today"]
    assert read_review(one.to_json()).to_json() == one.to_json()


def test_form_alone_keeps_what_was_approved() -> None:
    """Comments, order and places give another review, but the same decisions."""
    form: Edit = ("units/hr/access.yaml", "allow:\n  headcount:", "# Ours.\nallow:\n\n  headcount:")
    one, two = review(pair(MORE), NOW), review(pair(MORE, form), NOW)
    other = review(pair(MORE, EXCEEDS), NOW)

    assert one.digest != two.digest
    assert one.decisions == two.decisions != other.decisions


@pytest.mark.parametrize("source", [b"", b"{}", b"[1]", b"\xff"])
def test_what_is_no_review(source: bytes) -> None:
    """It is refused by a code of its own."""
    with pytest.raises(UsageError) as caught:
        read_review(source)
    assert caught.value.code == "bad-review"


def test_a_review_of_another_version() -> None:
    """It is refused, and not read as if it were one of ours."""
    told = review(pair(), NOW).plain | {"schema": 99}
    with pytest.raises(UsageError, match="a review of version 99"):
        read_review(json.dumps(told).encode())


def test_a_base_that_does_not_load() -> None:
    """There is nothing to compare with; all its findings are there."""
    with pytest.raises(BaseInvalid) as caught:
        review(
            pair((ACCESS, "forbids:\n", "forbid:\n"), base=[(ACCESS, "forbid:\n", "forbids:\n")])
        )
    assert "name a base that does" in caught.value.message
    assert caught.value.findings[0].code == "unknown-key"


@pytest.fixture(scope="module")
def large() -> Review:
    """A review of 5,000 regions that open, each with names that are long and odd."""
    found = review(pair(MORE), NOW)
    (region,) = found.regions
    odd = "`</details> @all | Zürich 東京 " * 4
    many = tuple(
        msgspec.structs.replace(region, number=number, words=f"{odd} {number}")
        for number in range(1, 5001)
    )
    totals = msgspec.structs.replace(found.totals, opens=5000)
    return msgspec.structs.replace(found, regions=many, totals=totals)


def test_a_comment_about_five_thousand_regions(large: Review) -> None:
    """It fits, and has the totals first and last; what was left out is counted."""
    text = comment(large)

    assert len(text) < LIMIT
    head, tail = text.split("\n")[:9], text.rstrip().split("\n")[-1]
    assert any("Opens 5000, closes 0" in each for each in head)
    assert tail.startswith("Opens 5000, closes 0")
    assert "more parts of this review did not fit: see review.json" in text
    assert "</details> @" not in text
    assert "@all" not in text


def test_a_terminal_about_five_thousand_regions(large: Review) -> None:
    """Totals stand first and last, and the rest is counted."""
    told = [each.text for each in lines(large, 40)]
    assert len(told) < 2_000
    assert any("5000" in each for each in told[:5])
    assert any("4940 more regions" in each for each in told)


def test_sarif_about_five_thousand_regions(large: Review) -> None:
    """It is valid, has a place for each, and each kind of region is a rule of its own."""
    log = json.loads(sarif(notices(large, "policies/")))
    schema = json.loads((Path(__file__).parent / "sarif.schema.json").read_text())
    jsonschema.validate(log, schema)
    results = log["runs"][0]["results"]
    opens = [each for each in results if each["ruleId"] == "opens"]
    assert len(opens) == 5000
    place = opens[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policies/units/hr/access.yaml"
    assert len({each["partialFingerprints"]["policydNotice/v1"] for each in results}) == len(
        results
    )
