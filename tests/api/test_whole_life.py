"""Eight changes of the sample company on their way, as `docs/changes.md` tells it, over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from tests.published import Files, Someone, files_of
from tests.review.golden import Edit, edited, goldens
from tests.servers import POLICIES, Home, Server


class Company:
    """The sample company, whose approvers are two of each owner."""

    def __init__(self, server: Server) -> None:
        """Begin with what is published."""
        self.server = server
        self.ann = Someone(server, "Ann", "author")
        self._approvers: dict[str, tuple[Someone, Someone]] = {}

    def approvers(self, owner: str) -> tuple[Someone, Someone]:
        """Two people who agree for an owner."""
        if owner not in self._approvers:
            one, two = (
                Someone(self.server, f"{name} of {owner}", "approver", owner=owner)
                for name in ("Bob", "Kim")
            )
            self._approvers[owner] = one, two
        return self._approvers[owner]

    def in_force(self) -> Files:
        """The tree in force."""
        files: Files = self.ann.get(f"/trees/{self.ann.in_force()}")["files"]
        return files

    def proposed(self, name: str) -> dict[str, Any]:
        """A change to what is in force, once its review is there."""
        return self.ann.reviewed(made(self.in_force(), goldens()[name].edits))

    def agreed(self, change: dict[str, Any]) -> dict[str, Any]:
        """The change, once everybody has agreed who has to."""
        path = f"/changes/{change['id']}"
        for at in (0, 1):
            for owner in change["missing"]:
                if self.ann.get(path)["state"] == "reviewed":
                    assert self.approvers(owner)[at].approve(change).status == 200
        agreed: dict[str, Any] = self.ann.get(path)
        assert (agreed["state"], agreed["missing"]) == ("approved", []), agreed
        return agreed

    def published(self, name: str) -> dict[str, Any]:
        """A change, from its proposal into force."""
        change = self.agreed(self.proposed(name))
        job = self.ann.done(self.ann.publish(change, why=name))
        assert job["state"] == "done", job
        assert self.ann.in_force() == change["snapshot"]
        return change


def made(files: Files, edits: tuple[Edit, ...]) -> Files:
    """The tree after some edits."""
    data = edited({path: text.encode() for path, text in files.items()}, edits)
    return {path: each.decode() for path, each in data.items()}


@pytest.mark.slow
def test_eight_changes_and_what_becomes_of_them(tmp_path: Path) -> None:
    """Four come into force, two are refused, one goes back, and one is an emergency."""
    home = Home.make(tmp_path / "data", POLICIES)
    with Server(home, None) as server:
        company = Company(server)
        assert company.in_force() == files_of(POLICIES)
        into_force(company)
        refused(company)
        there_and_back(company)
        in_an_emergency(company)
        told = [each["reason"] for each in company.ann.get("/history")["publications"]]
        assert told == ["emergency", "rollback", *["publish"] * 5, "init"]
        states = [each["state"] for each in company.ann.get("/changes")["changes"]]
        assert sorted(states) == ["published"] * 5 + ["refused"] * 2 + ["rolled-back"]
    acts = [each["act"] for each in home.records("admin")]
    assert (acts.count("change-proposed"), acts.count("change-reviewed")) == (8, 7)
    assert acts.count("change-refused") == 2
    assert home.verify().returncode == 0


def into_force(company: Company) -> None:
    """Words, a unit that narrows, a new service, an exemption that lasts longer."""
    # Only words: nothing opens, and whoever answers for them agrees.
    assert company.published("formatting-only")["review"]["verdict"] == "proved"
    # A unit narrows what is its own: the fast lane.
    assert company.published("unit-narrows")["lane"] == "fast"
    # What opens something: central IT looks, so do owners, and it takes two at least.
    for name in ("new-saas", "exemption-extended"):
        change = company.published(name)
        assert (change["lane"], change["review"]["verdict"]) == ("slow", "widens")
        assert len({each["holder"] for each in change["approvals"]}) >= 2


def refused(company: Company) -> None:
    """A misspelt verb is found by the review, a doubtful idea by a person."""
    misspelt = company.proposed("misspelt")
    assert (misspelt["state"], misspelt["review"]["blocked_by"]) == ("refused", ["lint"])
    doubtful = company.proposed("removed-forbid")
    bob, _ = company.approvers(doubtful["missing"][0])
    told = bob.ask("POST", f"/changes/{doubtful['id']}/refusal", {"why": "not at night"})
    assert told.json()["state"] == "refused"


def there_and_back(company: Company) -> None:
    """Another mail provider, which does not deliver: back, after a look at what that opens."""
    ann, (bob, _) = company.ann, company.approvers("ciso")
    before = ann.in_force()
    swapped = company.published("swapped-mail-provider")
    found = bob.compare(swapped["snapshot"], before)
    assert bob.roll_back(before).code == "rollback-opens"
    assert bob.done(bob.roll_back(before, found["decision"]))["state"] == "done"
    assert ann.get(f"/changes/{swapped['id']}")["state"] == "rolled-back"


def in_an_emergency(company: Company) -> None:
    """Number plates have to leave tonight; their owners agree in the morning."""
    ann, (bob, _) = company.ann, company.approvers("ciso")
    files = made(company.in_force(), goldens()["reclassification"].edits)
    urgent = ann.propose(files).json()
    answer = bob.publish(urgent, emergency={"hours": 12}, why="recall of a batch")
    assert bob.done(answer)["state"] == "done"
    warnings = company.server.ready().json()["warnings"]
    assert [each["code"] for each in warnings] == ["emergency-unreviewed"]
    reviewed = ann.wait(urgent["id"])
    for owner in reviewed["missing"]:
        for each in company.approvers(owner):
            each.approve(reviewed)
    assert "warnings" not in company.server.ready().json()
