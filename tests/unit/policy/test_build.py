"""What a tree becomes: sentences, names, stages, labels and times as the engine asks for them."""

from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path

import pytest

from policyd.engine.access import MODEL
from policyd.model.calendar import Hours, Span
from policyd.model.exemptions import Exemption
from policyd.model.labels import Label, Treatment
from policyd.model.rules import Limit, Mode, Place, Section, Sentence, Softening
from policyd.model.snapshot import Snapshot
from policyd.policy.build import names_of_roles
from policyd.policy.guardrail_shapes import RoleEntry
from policyd.policy.load import load, load_files

MINIMAL = Path(__file__).parents[2] / "cases" / "policies" / "minimal"
FILES = {
    each.relative_to(MINIMAL).as_posix(): each.read_bytes()
    for each in MINIMAL.rglob("*")
    if each.is_file()
}


@pytest.fixture(scope="module")
def small() -> Snapshot:
    """The snapshot of the smallest tree."""
    return load(MINIMAL)


def changed(path: str, old: str, new: str, more: Mapping[str, bytes] | None = None) -> Snapshot:
    """The snapshot of the smallest tree with one text changed and *more* files."""
    assert old.encode() in FILES[path]
    source = FILES[path].replace(old.encode(), new.encode())
    return load_files(FILES | {path: source} | dict(more or {}))


def test_a_folder_and_its_files_in_memory_are_one_snapshot(small: Snapshot) -> None:
    """Reviews read trees that are on no disk."""
    assert load_files(FILES) == small


def test_a_guardrail_is_a_rule_with_its_place(small: Snapshot) -> None:
    """Its reference, owner and words are those of the file."""
    rule = small.rules["guardrail:staff"]
    assert (rule.layer, rule.section, rule.owner) == ("guardrail", Section.CEILING, "it")
    assert (rule.reason, rule.fix) == ("People are counted.", None)
    assert rule.place == Place("guardrails/access.yaml", 20, 3)
    assert rule.sentence == Sentence(
        data={"read": ("books/staff",), "send": ("books/*",)}, who=("reader",), to=("files",)
    )


def test_a_forbid_keeps_its_fix_and_its_conditions(small: Snapshot) -> None:
    """`anything` is every dataset."""
    rule = small.rules["guardrail:freeze"]
    assert rule.section is Section.FORBID
    assert rule.fix == "Wait."
    assert rule.sentence.data == {"write": ("*",), "delete": ("*",)}
    assert rule.sentence.who == ("everyone",)
    assert rule.sentence.in_systems_of == "record"
    assert rule.sentence.during == ("year-end",)


def test_a_template_speaks_about_whoever_uses_it(small: Snapshot) -> None:
    """It has no `who`, and its owner answers for its rules."""
    rule = small.rules["template:feed/all"]
    assert (rule.layer, rule.owner) == ("template:feed", "it")
    assert rule.sentence.who == ("everyone",)
    assert rule.sentence.to_zone == ("outside",)


def test_a_unit_names_its_own_integrations_without_the_unit(small: Snapshot) -> None:
    """The whole tree knows them by unit and name; the unit's owner answers for its rules."""
    rule = small.rules["unit:hr/staff"]
    assert (rule.layer, rule.section, rule.owner) == ("unit:hr", Section.ALLOW, "hr-team")
    assert rule.sentence.who == ("hr/sync",)


def test_every_word_of_a_sentence_reaches_the_engine() -> None:
    """No word is read and then forgotten."""
    snapshot = changed(
        "guardrails/access.yaml",
        "    who: [reader]\n    read: [books/staff]\n    send: [books/*]\n    to: [files]\n",
        "    who: [reader, hr]\n    except: [hr/sync]\n    owner: hr-team\n"
        "    read: [books/*]\n    write: [books/staff]\n    delete: [books/staff]\n"
        "    send: [books/staff]\n    to_zone: [outside]\n    to_systems_of: engagement\n"
        "    in_systems_of: record\n    stage: sandbox\n    label_at_least: public\n"
        "    label_at_most: internal\n    category: [personal]\n    only_fields: [number]\n"
        "    during: [office]\n    outside: [year-end]\n",
    )
    rule = snapshot.rules["guardrail:staff"]
    assert rule.owner == "hr-team"
    assert rule.sentence == Sentence(
        data={
            "read": ("books/*",),
            "write": ("books/staff",),
            "delete": ("books/staff",),
            "send": ("books/staff",),
        },
        who=("reader", "hr"),
        excepted=("hr/sync",),
        to_zone=("outside",),
        to_systems_of="engagement",
        in_systems_of="record",
        stage="sandbox",
        label_at_least="public",
        label_at_most="internal",
        category=("personal",),
        only_fields=("number",),
        during=("office",),
        outside=("year-end",),
    )


LIFTED = MINIMAL.parent / "lifted"


@pytest.fixture(scope="module")
def lifted() -> Snapshot:
    """The snapshot of the tree that uses every word of duties, limits, modes and exemptions."""
    more = (each for each in LIFTED.rglob("*") if each.is_file())
    return load_files(
        FILES | {each.relative_to(LIFTED).as_posix(): each.read_bytes() for each in more}
    )


def test_a_duty_is_a_rule_with_what_it_asks_for(lifted: Snapshot) -> None:
    """Categories as they are listed, numbers, durations and owners as they are written."""
    rule = lifted.rules["guardrail:told"]
    assert (rule.section, rule.fix, rule.always) == (Section.REQUIRE, None, True)
    assert rule.duties == {
        "mask": ("personal",),
        "tokenise": ("personal",),
        "drop-fields": ("personal",),
        "row-limit": 5,
        "log-outcome": "2h",
        "approval": "it",
    }


def test_a_mode_ends_with_its_last_day(lifted: Snapshot) -> None:
    """It is soft until midnight; what names no mode, or `enforce`, is not."""
    told = lifted.rules["guardrail:told"].softening
    assert told == Softening(Mode.WARN, datetime(2027, 1, 1), "hr-team")  # noqa: DTZ001
    assert lifted.rules["unit:hr/mine"].softening is None
    assert lifted.rules["guardrail:freeze"].softening is None


def test_a_mode_without_an_owner_has_that_of_the_rule() -> None:
    """Somebody answers for every softening."""
    text = "    stage: sandbox\n"
    snapshot = changed(
        "guardrails/access.yaml",
        "ceiling:",
        f"  more:\n    who: everyone\n    owner: hr-team\n    read: anything\n{text}"
        "    mode: observe\n    mode_until: 2026-12-31\n    reason: Why.\n    fix: How.\nceiling:",
    )
    softening = snapshot.rules["guardrail:more"].softening
    assert softening == Softening(Mode.OBSERVE, datetime(2027, 1, 1), "hr-team")  # noqa: DTZ001


def test_a_limit_is_a_rule_with_its_number(small: Snapshot, lifted: Snapshot) -> None:
    """Of rows or calls; counted for each integration where nothing else is said."""
    changes = small.rules["guardrail:changes"]
    assert (changes.section, changes.fix) == (Section.LIMIT, "Change more at once.")
    assert changes.limit == Limit("calls", 600, "hour", "integration")
    assert lifted.rules["template:feed/little"].limit == Limit("rows", 100, "call", "unit")


def test_only_what_says_so_cannot_be_exempted(lifted: Snapshot) -> None:
    """Every other rule may be lifted, and holds only where no roll-out lets the call pass."""
    assert [ref for ref, rule in lifted.rules.items() if not rule.exemptible] == ["unit:hr/secret"]
    assert [ref for ref, rule in lifted.rules.items() if rule.always] == ["guardrail:told"]


def test_units_and_company_have_their_softenings(small: Snapshot, lifted: Snapshot) -> None:
    """A unit's mode is answered for by its owner, a roll-out by whom it names."""
    unit = lifted.units["hr"]
    assert unit.softening == Softening(Mode.WARN, datetime(2026, 7, 1), "hr-team")  # noqa: DTZ001
    assert unit.rollout == Softening(Mode.OBSERVE, datetime(2026, 4, 1), "it")  # noqa: DTZ001
    assert lifted.rollout == Softening(Mode.OBSERVE, datetime(2026, 3, 1), "ciso")  # noqa: DTZ001
    assert (lifted.grace_days, small.grace_days) == (14, 30)
    assert (small.units["hr"].softening, small.units["hr"].rollout, small.rollout) == (None,) * 3


def test_an_owner_may_be_gone(lifted: Snapshot) -> None:
    """From the morning of the day that is written."""
    assert lifted.owners["hr-team"].inactive_from == datetime(2026, 3, 1)  # noqa: DTZ001
    assert lifted.owners["it"].inactive_from is None


def test_an_exemption_is_what_was_approved(small: Snapshot, lifted: Snapshot) -> None:
    """A time is where it stops, a day counts whole."""
    assert small.exemptions == {}
    assert lifted.exemptions["EX-2"] == Exemption(
        id="EX-2",
        lifts="zone:outside/personal",
        scope=Sentence(data={"send": ("books/staff",)}, who=("hr/sync",), to=("files",)),
        start=datetime(2026, 1, 1, 8),  # noqa: DTZ001
        end=datetime(2026, 1, 31, 18),  # noqa: DTZ001
        ticket="Risk 18",
        reason="One list goes out.",
        asked_by="hr-team",
        approved_by=("it", "ciso"),
    )
    counted = lifted.exemptions["EX-5"]
    assert counted.scope.only_fields == ("number",)
    assert (counted.start, counted.end) == (datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001


def test_an_integration_answers_to_itself_its_unit_and_its_roles(small: Snapshot) -> None:
    """These are the names by which rules find it."""
    sync = small.integrations["hr/sync"]
    assert sync.names == {"hr/sync", "hr", "everyone", "reader"}
    assert (sync.unit, sync.owner) == ("hr", "hr-team")
    assert (sync.template, sync.runs_on) == ("feed", "books")
    assert sync.roles == ("reader",)
    assert sync.until is None


def test_a_role_brings_what_it_includes_whoever_may_give_that_out() -> None:
    """What IT includes in a role needs no unit; what a unit gives out has to be its own."""
    roles = {
        "top": RoleEntry(units=["hr"], includes=["middle", "low"], reason="One."),
        "middle": RoleEntry(units=["law"], includes=["low"], reason="Two."),
        "low": RoleEntry(units=["law"], reason="Three."),
        "other": RoleEntry(units=["law"], reason="Four."),
    }
    assert names_of_roles(roles, "hr", ["top", "other"]) == {"top", "middle", "low"}
    assert names_of_roles(roles, "hr", ["middle"]) == frozenset()
    assert names_of_roles(roles, "law", ["middle", "other"]) == {"middle", "low", "other"}


def test_production_counts_only_where_it_was_granted(small: Snapshot) -> None:
    """A unit that writes `production` and was not promoted has a sandbox."""
    assert small.integrations["hr/sync"].stage == "sandbox"


def test_a_template_may_let_a_unit_promote_itself() -> None:
    """Then the unit's word is enough."""
    text = "runs_on: [books]"
    snapshot = changed("guardrails/templates/feed.yaml", text, f"{text}\nself_promotion: true")
    assert snapshot.integrations["hr/sync"].stage == "production"


PROMOTED = {
    "guardrails/promotions.yaml": b"""\
owner: it
promotions:
  hr/sync: {since: 2026-01-01, approved_by: [it], reason: Fine.}
"""
}


def test_a_promotion_by_it_brings_an_integration_to_production() -> None:
    """guardrails/promotions.yaml is IT's word."""
    snapshot = load_files(FILES | PROMOTED)
    assert snapshot.integrations["hr/sync"].stage == "production"


def test_a_promoted_integration_may_stay_a_sandbox() -> None:
    """The unit decides when it is ready."""
    snapshot = changed(
        "units/hr/integrations.yaml",
        "stage: production",
        "stage: sandbox\n    until: 2026-05-15",
        PROMOTED,
    )
    assert snapshot.integrations["hr/sync"].stage == "sandbox"
    assert snapshot.integrations["hr/sync"].until == datetime(2026, 5, 16)  # noqa: DTZ001


def test_places_are_as_listed(small: Snapshot) -> None:
    """A destination that says little is https, at the usual port, for everyone."""
    files = small.destinations["files"]
    assert (files.hosts, files.suffixes, files.networks) == (frozenset(), (".files.example",), ())
    assert files.schemes == {"https"}
    assert (files.ports, files.paths) == (frozenset(), ())
    assert (files.methods, files.who, files.owner) == (frozenset(), frozenset(), "it")
    assert small.unlisted == "outside"
    assert small.connections == {"books/api": "https://books.small.example/api/"}
    outside = small.zones["outside"]
    assert (outside.clearance, outside.treatments) == (0, {"personal": Treatment.NEVER})


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "guardrails/destinations.yaml",
            "{reason: Our own.}",
            "{reason: Our own., owner: hr-team}",
        ),
        ("guardrails/destinations.yaml", "zone: inside\n", "zone: inside\n    owner: hr-team\n"),
        ("guardrails/roles.yaml", "{units", "{owner: hr-team, units"),
        ("guardrails/access.yaml", "who: [reader]", "who: [reader]\n    owner: hr-team"),
    ],
)
def test_a_thing_with_an_owner_of_its_own_has_that_one(path: str, old: str, new: str) -> None:
    """The owner of the file answers only for what names nobody else."""
    snapshot = changed(path, old, new)
    owned = (
        snapshot.zones["inside"],
        snapshot.destinations["books"],
        snapshot.roles["reader"],
        snapshot.rules["guardrail:staff"],
    )
    assert sorted(each.owner for each in owned) == ["hr-team", "it", "it", "it"]


def test_everyone_at_a_destination_is_no_narrowing() -> None:
    """`who: everyone` says what saying nothing says."""
    text = "reason: A service."
    snapshot = changed("guardrails/destinations.yaml", text, f"who: everyone\n    {text}")
    assert snapshot.destinations["files"].who == frozenset()


def test_data_has_its_labels(small: Snapshot) -> None:
    """A dataset's line is the worst inside, a field's its own."""
    staff = small.datasets["books/staff"]
    assert staff.label == Label(1, frozenset({"personal"}))
    assert staff.fields == {"number": Label(0, frozenset())}
    assert small.systems["books"].unit == "hr"
    assert small.vocabulary.levels == ("public", "internal", "secret")


def test_the_calendar_is_on_the_companys_clock(small: Snapshot) -> None:
    """A day counts whole, so a stretch until a day ends at the next midnight."""
    calendar = small.calendar
    assert (calendar.zone_name, str(calendar.zone)) == ("Europe/Vienna", "Europe/Vienna")
    assert calendar.hours == {"office": Hours(frozenset({0}), time(8), time(17))}
    span = Span(datetime(2026, 12, 20), datetime(2027, 1, 7), "Holidays.")  # noqa: DTZ001
    assert calendar.freezes == {"year-end": (span,)}


def test_the_engine_has_its_own_model(small: Snapshot) -> None:
    """The tree repeats it, and cannot change it."""
    assert small.model == MODEL
