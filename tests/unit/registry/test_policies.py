"""Policies in the registry: trees whole, changes as they were kept, publications in order."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyd.model.change import Approval, Change, Demand, Emergency, State
from policyd.model.errors import DataFolderError, NotFound
from policyd.policy.whole import tree_digest
from policyd.registry.policies import PolicyStore, Publication

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILES = {"policyd.yaml": b"name: x\n", "units/hr/tests/a_test.yaml": "ä: 1\r\n".encode()}
DEMAND = Demand("d1", "slow", frozenset({"hr", "it"}), 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the registry is."""
    return tmp_path / "registry.db"


@pytest.fixture
def store(path: Path) -> Iterator[PolicyStore]:
    """An empty registry."""
    with closing(PolicyStore.open(path)) as opened:
        yield opened


def change(store: PolicyStore, change_id: str = "c1") -> Change:
    """A change whose tree is kept."""
    tree = store.add_tree(FILES, "s1", at="2026-03-01")
    return Change(change_id, "t", "r", ("Ann", "Bea"), "s0", "s1", tree)


def test_a_tree_comes_back_byte_by_byte(store: PolicyStore) -> None:
    """Under the digest of all its files; kept twice it is kept once."""
    tree = store.add_tree(FILES, "s1", at="2026-03-01")
    assert tree == tree_digest(FILES) == store.add_tree(FILES, "s1", at="2026-03-02")
    assert store.tree(tree) == FILES
    assert store.tree_of("s1") == tree
    assert store.tree_of("s2") is None
    with pytest.raises(NotFound):
        store.tree("sha256:0")


def test_a_damaged_tree_is_told(store: PolicyStore, path: Path) -> None:
    """What is not the tree of its name is never handed out."""
    tree = store.add_tree(FILES, "s1", at="2026-03-01")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update tree set data = x'00'")
    with pytest.raises(DataFolderError) as caught:
        store.tree(tree)
    assert caught.value.code == "registry-damaged"


def test_of_trees_that_decide_the_same_the_last_published_counts(store: PolicyStore) -> None:
    """Until one is published, the last one that came."""
    trees = [
        store.add_tree(FILES | {"README.md": text}, "s1", at=f"2026-03-0{day}")
        for day, text in enumerate((b"one", b"two"), start=1)
    ]
    assert store.tree_of("s1") == trees[1]
    store.publish(Publication("r1", "2026-03-03", "s1", None, trees[0], "init"))
    assert store.tree_of("s1") == trees[0]


def test_a_change_comes_back_as_it_was_kept(store: PolicyStore) -> None:
    """With all that its life depends on, whatever state it is in."""
    new = change(store)
    store.save(new, at="2026-03-01")
    assert store.change("c1") == (new, None, "2026-03-01")
    reviewed = new.reviewed(DEMAND).approved(Approval("Kim", "k1", "hr", "d1", NOW))
    store.save(reviewed, review={"verdict": "proved"})
    assert store.change("c1") == (reviewed, {"verdict": "proved"}, "2026-03-01")
    store.save(reviewed)
    assert store.change("c1").review == {"verdict": "proved"}
    urgent = reviewed.published_in_emergency(
        Emergency("Kim", "leak", NOW + timedelta(hours=1)), NOW
    )
    store.save(urgent)
    assert store.change("c1").change == urgent
    assert [each.change for each in store.unreviewed()] == [urgent]
    with pytest.raises(NotFound):
        store.change("c2")


def test_a_review_is_of_its_content(store: PolicyStore) -> None:
    """With new content the old review is gone."""
    new = change(store)
    store.save(new, at="2026-03-01", review={"verdict": "proved"})
    store.save(new.revised("Ann", "s2", "s1", new.tree))
    assert store.change("c1").review is None


def test_open_changes_and_all(store: PolicyStore) -> None:
    """Newest first, and those at their end only where all are asked for."""
    store.save(change(store, "c1"), at="2026-03-01")
    store.save(change(store, "c2"), at="2026-03-02")
    store.save(change(store, "c3").withdrawn("no"), at="2026-03-03")
    assert [each.change.id for each in store.changes(limit=5)] == ["c3", "c2", "c1"]
    assert [each.change.id for each in store.changes(limit=1, only_open=True)] == ["c2"]
    assert store.unreviewed() == []


def test_a_publication_and_its_change_are_kept_together(store: PolicyStore) -> None:
    """Neither without the other; the last comes first; kept again it is kept once."""
    new = replace(change(store).reviewed(DEMAND), state=State.APPROVED)
    store.save(new, at="2026-03-01")
    first = Publication("r1", "2026-03-01", "s0", None, new.tree, "init")
    second = Publication("r2", "2026-03-02", "s1", "s0", new.tree, "publish", "c1", "k1", "why")
    store.publish(first)
    store.publish(second, new.published())
    store.publish(second, new.published())
    assert store.publications(limit=9) == [second, first]
    assert store.change("c1").change.state is State.PUBLISHED
    missing = replace(second, record="r3")
    with pytest.raises(Exception, match="No row was found"):
        store.publish(missing, replace(new, id="c9"))
    assert store.publications(limit=9) == [second, first]
