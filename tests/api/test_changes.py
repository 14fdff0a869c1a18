"""Changes of policy over HTTP: who may do what, and what is refused with which code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from policyd.policy.whole import tree_digest
from tests.published import ACCESS, CALL, CLOSED, PATH, Someone, edited, files_of, small_home
from tests.servers import Server, bearer

TREE = files_of()
COMMENT = TREE[ACCESS] + "# only words\n"
NOWHERE = "sha256:" + "0" * 64


class Company(NamedTuple):
    """A server, an author, the approver of each owner, and one more of the unit's."""

    server: Server
    ann: Someone
    it: Someone
    hr: Someone
    hr_too: Someone


def company(path: Path) -> Company:
    """A company of its own, on a server that the caller stops."""
    server = Server(small_home(path), None)
    return Company(
        server,
        Someone(server, "Ann", "author"),
        Someone(server, "Ida", "approver", owner="it"),
        Someone(server, "Hans", "approver", owner="hr-team"),
        Someone(server, "Hera", "approver", owner="hr-team"),
    )


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Company]:
    """A company, for a test that changes what is in force."""
    made = company(tmp_path / "data")
    with made.server:
        yield made


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company for tests that put nothing in force."""
    made = company(tmp_path_factory.mktemp("lasting") / "data")
    with made.server:
        yield made


def words(number: int) -> dict[str, str]:
    """A tree that decides the same, and is another one for each *number*."""
    return edited(TREE, text=f"{COMMENT}# {number}\n")


def agreed(by: Company, change: dict[str, Any]) -> dict[str, Any]:
    """The change, approved by whoever has to."""
    for each in (by.it, by.hr, by.hr_too):
        if by.ann.get(f"/changes/{change['id']}")["state"] == "reviewed":
            each.approve(change)
    approved: dict[str, Any] = by.ann.get(f"/changes/{change['id']}")
    assert approved["state"] == "approved", approved
    return approved


def test_a_change_travels_into_force_and_back(small: Company) -> None:
    """Each step is on record with who took it; checks are decided by what is in force."""
    ann, hr, server = small.ann, small.hr, small.server
    pep, first = server.pep("hr"), ann.in_force()
    assert server.check(CALL, pep).json() == {"decision": True}
    change = ann.reviewed(edited(TREE))
    assert (change["state"], change["lane"]) == ("reviewed", "fast")
    assert change["review"]["verdict"] == "proved"
    assert server.check(CALL, pep).json() == {"decision": True}
    agreed(small, change)
    job = ann.done(ann.publish(change, why="now"))
    assert job["result"]["snapshot"] == change["snapshot"] == ann.in_force()
    assert server.check(CALL, pep).json() == {"decision": False}
    found = hr.compare(change["snapshot"], first)
    assert hr.roll_back(first).code == "rollback-opens"
    assert hr.done(hr.roll_back(first, found["decision"]))["state"] == "done"
    assert server.check(CALL, pep).json() == {"decision": True}
    assert ann.get(f"/changes/{change['id']}")["state"] == "rolled-back"
    told = ann.get("/history")["publications"]
    assert [each["reason"] for each in told] == ["rollback", "publish", "init"]
    records = server.home.records()
    acts = [each for each in records if each.get("target") == change["id"]]
    assert (acts[0]["act"], acts[0]["by"]) == ("change-proposed", ann.key_id)
    assert {each["decision"] for each in acts[1:]} == {change["decision"]}
    put = [each for each in records if each["kind"] == "policy_change"][-2]
    assert (put["reason"], put["change"], put["by"], put["why"]) == (
        "publish",
        change["id"],
        ann.key_id,
        "now",
    )
    assert server.home.verify().returncode == 0


def test_two_publish_at_once(small: Company) -> None:
    """Of two approved changes of one base one comes into force, the other finds its base moved."""
    ann = small.ann
    changes = [agreed(small, ann.reviewed(words(number))) for number in (1, 2)]
    begun = [ann.publish(change) for change in changes]
    ended = [ann.done(each) if each.status == 202 else each.json() for each in begun]
    assert sorted(each["code"] or "" for each in ended) == ["", "base-moved"]
    in_force = ann.in_force()
    assert [change["snapshot"] == in_force for change in changes].count(True) == 1
    assert len(small.server.home.records("policy_change")) == 3  # the first, the start, and one


def test_who_proposed_it_does_not_approve_it(lasting: Company) -> None:
    """Not with a second key either, whatever the spelling of the name."""
    change = lasting.ann.reviewed(words(10))
    second = Someone(lasting.server, "ANN", "approver", owner="hr-team")
    assert second.approve(change).code == "own-change"
    assert lasting.ann.approve(change).code == "forbidden"


def test_an_admin_approves_nothing(lasting: Company) -> None:
    """Not with another key either: who makes keys could be everybody."""
    change = lasting.ann.reviewed(words(11))
    Someone(lasting.server, "Root", "admin")
    other = Someone(lasting.server, "root", "approver", owner="hr-team")
    assert other.approve(change).code == "admin-approves-nothing"
    assert other.roll_back(NOWHERE).code == "admin-approves-nothing"


def test_an_approver_who_left(lasting: Company) -> None:
    """An approval ends with the key that it was given with."""
    leaving = Someone(lasting.server, "Leo", "approver", owner="hr-team")
    change = lasting.ann.reviewed(words(12))
    assert change["missing"] == ["hr-team"]
    assert leaving.approve(change).json()["state"] == "approved"
    admin = bearer(lasting.server.home.admin)
    assert lasting.server.send("DELETE", f"/v1/keys/{leaving.key_id}", headers=admin).status == 200
    assert lasting.ann.get(f"/changes/{change['id']}")["state"] == "reviewed"
    assert lasting.ann.publish(change).code == "change-not-ready"


def test_approval_after_the_content_changed(lasting: Company) -> None:
    """What was looked at is not there any more; approvals of the same decisions stay good."""
    ann, hr = lasting.ann, lasting.hr
    change = ann.reviewed(words(13))
    asked = {"reason": "typo", "base": change["base"], "files": edited(TREE, text=CLOSED + "#\n")}
    assert ann.ask("PUT", f"/changes/{change['id']}/tree", asked).json()["state"] == "proposed"
    revised = ann.wait(change["id"])
    assert revised["decision"] != change["decision"]
    assert hr.approve(change).code == "content-changed"
    assert hr.approve(revised).json()["state"] == "approved"
    asked["files"] = edited(TREE, text=CLOSED + "# other words\n")
    ann.ask("PUT", f"/changes/{change['id']}/tree", asked)
    same = ann.wait(change["id"])
    assert (same["state"], same["decision"]) == ("approved", revised["decision"])


def test_a_tree_with_findings_is_refused(lasting: Company) -> None:
    """With its findings; a rule that names a unit that is gone is one of them."""
    owners = TREE["policyd.yaml"].replace("  hr: {", "  people: {")
    change = lasting.ann.reviewed(edited(TREE, "policyd.yaml", owners))
    assert change["state"] == "refused"
    assert change["review"]["blocked_by"] == ["lint"]
    assert any("`hr`" in each for each in change["review"]["findings"]), change["review"][
        "findings"
    ]
    assert lasting.ann.publish(change).code == "change-ended"
    assert lasting.hr.approve({**change, "decision": NOWHERE}).code == "change-ended"


def test_what_is_proposed_twice_is_one_change(lasting: Company) -> None:
    """The same tree by the same person is the change that is there; in force it is none."""
    first = lasting.ann.reviewed(words(14))
    assert lasting.ann.propose(words(14)).json()["id"] == first["id"]
    assert lasting.ann.propose(TREE).code == "already-in-force"
    assert lasting.ann.propose(words(15), base=NOWHERE).code == "base-moved"


def test_who_waits_for_whom(lasting: Company) -> None:
    """Notices name the owners whose approval is missing, and what waits to be published."""
    change = lasting.ann.reviewed(words(19))

    def noticed() -> list[tuple[str, str]]:
        told = lasting.server.get("/v1/notices", lasting.ann.key).json()["notices"]
        return [(each["code"], each["owner"]) for each in told if each["about"] == change["id"]]

    assert noticed() == [("approval-waiting", "hr-team")]
    lasting.hr.approve(change)
    assert noticed() == [("publication-waiting", "")]


def test_an_end_by_either_side(lasting: Company) -> None:
    """Who proposed it withdraws it, an approver refuses it, nobody else does; then it is over."""
    ann, hr = lasting.ann, lasting.hr
    bea = Someone(lasting.server, "Bea", "author")
    one, two = (ann.propose(words(number)).json()["id"] for number in (16, 17))
    assert bea.ask("POST", f"/changes/{one}/withdrawal", {"why": "x"}).code == "not-the-author"
    assert ann.ask("POST", f"/changes/{one}/withdrawal", {"why": "x"}).json()["ended"] == "x"
    assert hr.ask("POST", f"/changes/{two}/refusal", {"why": "y"}).json()["state"] == "refused"
    assert ann.ask("POST", f"/changes/{two}/refusal", {"why": "y"}).code == "forbidden"
    assert ann.ask("POST", f"/changes/{one}/withdrawal", {"why": "x"}).code == "change-ended"


def test_what_is_not_there(lasting: Company) -> None:
    """Changes, jobs, trees and publications that never were have codes of their own."""
    ann, hr = lasting.ann, lasting.hr
    assert ann.ask("GET", "/changes/nowhere").code == "not-found"
    assert ann.ask("GET", "/jobs/nowhere").code == "job-missing"
    assert ann.ask("GET", f"/trees/{NOWHERE}").code == "snapshot-missing"
    assert hr.roll_back(NOWHERE).code == "never-in-force"
    assert hr.roll_back(hr.in_force()).code == "already-in-force"


def test_the_tree_comes_back_as_it_was(lasting: Company) -> None:
    """Every byte of every file, also of those that decide nothing."""
    told = lasting.ann.get(f"/trees/{lasting.ann.in_force()}")
    assert told["files"] == TREE
    assert told["tree"] == tree_digest({path: text.encode() for path, text in TREE.items()})


@pytest.mark.parametrize("path", ["../etc/passwd", "/etc/passwd", ".git/config", "a//b", "a b", ""])
def test_a_path_that_leaves_the_tree(lasting: Company, path: str) -> None:
    """Whatever a proposal calls its files, nobody who pulls it writes elsewhere."""
    assert lasting.ann.propose(TREE | {path: "x"}).code == "request-malformed"


def test_a_tree_may_be_larger_than_other_bodies(lasting: Company) -> None:
    """A megabyte is the bound of other requests."""
    large = lasting.ann.propose(TREE | {"README.md": "x" * (1 << 21)})
    assert large.status == 201
    lasting.ann.ask("POST", f"/changes/{large.json()['id']}/withdrawal", {"why": "x"})
    assert lasting.ann.ask("POST", "/comparisons", {"base": "x" * (1 << 21)}).status == 413


def test_a_folder_is_not_published(server: Server) -> None:
    """A server that decides by a folder says so to whoever would change it."""
    key = server.make_key("author")["key"]
    answer = server.get(f"{PATH}/changes", key)
    assert (answer.status, answer.code) == (409, "folder-mode")
    assert server.get(PATH, key).json()["source"] == "folder"
    assert server.get(f"{PATH}/changes").status == 401


EMERGENCY = {"emergency": {"hours": 2}, "why": "the books leak"}


def test_an_emergency(small: Company) -> None:
    """In force at once, told of loudly, in the way of all else, and agreed to afterwards."""
    ann, hr = small.ann, small.hr
    urgent = ann.propose(edited(TREE)).json()
    assert ann.publish(urgent, **EMERGENCY).code == "forbidden"
    assert hr.done(hr.publish(urgent, **EMERGENCY))["state"] == "done"
    assert ann.in_force() == urgent["snapshot"]
    warned = [each["code"] for each in small.server.ready().json()["warnings"]]
    noticed = small.server.get("/v1/notices", ann.key).json()["notices"]
    assert warned == [each["code"] for each in noticed] == ["emergency-unreviewed"]
    put = small.server.home.records("policy_change")[-1]
    assert (put["reason"], put["why"], put["change"]) == (
        "emergency",
        "the books leak",
        urgent["id"],
    )
    assert put["until"] > put["ts"]
    other = agreed(small, ann.reviewed(words(18)))
    assert ann.publish(other).code == "emergency-unreviewed"
    reviewed = ann.wait(urgent["id"])
    assert small.hr_too.approve(reviewed).json()["state"] == "published"
    assert "warnings" not in small.server.ready().json()
    assert ann.done(ann.publish(other))["state"] == "done"
