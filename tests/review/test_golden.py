"""What a review of realistic changes says, in every form."""

import json
import re
from itertools import chain

import jsonschema
import msgspec
import pytest

from policyd.review.artefact import Review
from policyd.review.markdown import LIMIT
from policyd.review.review_schema import schema
from tests.review.golden import HERE, goldens, masked, pair_of, renderings, reviewed
from tests.review.page import page

NAMES = sorted(goldens())
ROOT = HERE.parents[1]
FORMS = ("terminal.txt", "comment.md")


class Checklist(msgspec.Struct, forbid_unknown_fields=True):
    """What a person who knows the change expects to be told.

    `regions` are words that some region's sentence has, all of each; there are no other regions.
    """

    state: str
    lane: str
    regions: tuple[tuple[str, ...], ...]
    approvers: tuple[str, ...]
    integrations: tuple[str, ...]
    owners: tuple[str, ...]
    changes: tuple[str, ...]


def checklist(name: str) -> Checklist:
    """The checklist of one change."""
    path = HERE / "golden" / name / "checklist.yaml"
    return msgspec.yaml.decode(path.read_bytes(), type=Checklist)


@pytest.mark.parametrize("name", NAMES)
def test_renderings(name: str) -> None:
    """They are those that were looked at; `python -m tests.review.golden` writes them anew."""
    for file, text in renderings(reviewed(name)).items():
        known = (HERE / "golden" / name / file).read_text("utf-8")
        assert masked(text) == known, file


@pytest.mark.parametrize("name", NAMES)
def test_checklists(name: str) -> None:
    """Each region, owner and integration that has to be named is named, and no other region."""
    found, wanted = reviewed(name), checklist(name)

    assert (found.state, found.routing.lane) == (wanted.state, wanted.lane)
    assert tuple(each.owner for each in found.routing.approvers) == wanted.approvers
    assert {each.ref for each in found.changes} == {*wanted.changes}
    assert len(found.regions) == len(wanted.regions)
    for words, region in zip(wanted.regions, found.regions, strict=True):
        assert [word for word in words if word not in f"{region.side} {region.words}"] == []
    for text in renderings(found).values():
        plain = " ".join(text.split()).replace("&#64;", "@")
        named = chain(wanted.approvers, wanted.integrations, wanted.owners, wanted.changes)
        assert [each for each in named if each not in plain] == []


@pytest.mark.parametrize("name", NAMES)
def test_places(name: str) -> None:
    """Every line that is named has what it is said to have."""
    pair, found = pair_of(goldens()[name]), reviewed(name)
    for change in found.changes:
        for version, place in ((pair.base, change.before), (pair.head, change.after)):
            if place is not None:
                text = {**version.files, **version.suites}[place.file].decode().splitlines()
                words = re.split("[:/]", change.ref)[-1]
                assert words in text[place.line - 1], (change.ref, place)


@pytest.mark.parametrize("name", NAMES)
def test_every_region_has_a_cause_and_a_call_that_shows_it(name: str) -> None:
    """The witness was run through both engines, and some change is named that makes the region."""
    for region in reviewed(name).regions:
        assert region.verdict == "widens"
        assert region.witness.shown
        assert region.causes
        assert region.witness.before.allow or region.witness.after.allow


@pytest.mark.parametrize("name", NAMES)
def test_the_artefact(name: str) -> None:
    """It is canonical JSON, the comment fits, and the digest stands in every form."""
    found = reviewed(name)
    told = found.to_json()
    plain = json.loads(told)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert told.decode() == canonical
    assert isinstance(found, Review)
    for file in FORMS:
        assert plain["digest"] in renderings(found)[file]
    assert len(renderings(found)["comment.md"]) < LIMIT


def test_the_page() -> None:
    """`docs/review.md` shows them; `./run docs` writes it anew."""
    assert masked((ROOT / "docs/review.md").read_text("utf-8")) == masked(page())


def test_the_schema() -> None:
    """It is the one that is published, and every review is valid by it."""
    published = json.loads((ROOT / "docs/review.schema.json").read_text("utf-8"))
    assert published == json.loads(json.dumps(schema()))
    for name in NAMES:
        jsonschema.validate(json.loads(reviewed(name).to_json()), published)
