"""Policies: whole trees, proposed changes, and what was put in force; in the registry's file.

What is in force is the log's to say. What is kept here of publications is a copy of its records,
so that they need not be looked for.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
from sqlalchemy import Engine, desc
from sqlmodel import Session, col, delete, select

from policyd.model.change import OPEN, Approval, Change, Demand, Emergency, State
from policyd.model.errors import DataFolderError, NotFound
from policyd.policy.whole import packed, tree_digest, unpacked
from policyd.registry.database import open_database, told
from policyd.registry.jobs import JobStore
from policyd.registry.notices import NoticeStore
from policyd.registry.tables import ApprovalRow, ChangeRow, PublicationRow, TreeRow

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"  # base32, RFC 4648, in lower case
_ID_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Publication:
    """A tree was put in force; `record` is the id of the record that says so."""

    record: str
    at: str
    snapshot: str
    previous: str | None
    tree: str
    reason: str
    change_id: str | None = None
    by: str | None = None
    why: str | None = None
    until: str | None = None


class Kept(NamedTuple):
    """A change as it is kept: with its review, and when it was proposed."""

    change: Change
    review: dict[str, Any] | None
    proposed_at: str


class PolicyStore:
    """Trees, changes and publications; every write is on disk when it returns.

    Every method raises DataFolderError if the file cannot be used.

    Attributes:
        jobs: Beside them, what is under way.
        notices: And what somebody should know.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self.jobs = JobStore(path, engine)
        self.notices = NoticeStore(path, engine)
        self._path = path
        self._engine = engine

    @classmethod
    def open(cls, path: Path) -> Self:
        """The policies of the registry at *path*, which is made if it is not there."""
        return cls(path, open_database(path))

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    @staticmethod
    def draw_id() -> str:
        """An id for a change or a job: short enough to be typed, and never drawn twice."""
        return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))

    def add_tree(self, files: Mapping[str, bytes], snapshot: str, *, at: str) -> str:
        """The digest of the whole tree, which is kept from now on."""
        name = tree_digest(files)
        with told(self._path), Session(self._engine) as session:
            if session.get(TreeRow, name) is None:
                row = TreeRow(id=name, snapshot=snapshot, data=packed(files), stored_at=at)
                session.add(row)
                session.commit()
        return name

    def tree(self, name: str) -> dict[str, bytes]:
        """The files of a whole tree.

        Raises:
            NotFound: it is not kept.
        """
        with told(self._path), Session(self._engine) as session:
            row = session.get(TreeRow, name)
        if row is None:
            raise NotFound(f"there is no tree `{name[:80]}`", code="tree-missing")
        try:
            files = unpacked(row.data)
        except ValueError:
            files = {}
        if tree_digest(files) != name:
            raise DataFolderError(
                f"the registry `{self._path}` is damaged: it has something else as the tree"
                f" `{name}`; restore it from a backup",
                code="registry-damaged",
            )
        return files

    def tree_of(self, snapshot: str) -> str | None:
        """The whole tree of a snapshot: the one that was published last, or else stored last."""
        published = (
            select(PublicationRow.tree)
            .where(PublicationRow.snapshot == snapshot)
            .order_by(desc(col(PublicationRow.at)), desc(col(PublicationRow.record)))
        )
        stored = (
            select(TreeRow.id)
            .where(TreeRow.snapshot == snapshot)
            .order_by(desc(col(TreeRow.stored_at)), col(TreeRow.id))
        )
        with told(self._path), Session(self._engine) as session:
            return session.exec(published).first() or session.exec(stored).first()

    def snapshots(self) -> frozenset[str]:
        """The digests of all snapshots whose trees are kept."""
        with told(self._path), Session(self._engine) as session:
            return frozenset(session.exec(select(TreeRow.snapshot).distinct()))

    def save(
        self, change: Change, *, at: str | None = None, review: Mapping[str, Any] | None = None
    ) -> None:
        """Keep *change* as it is now; its review is written with it, or kept as it was.

        Args:
            change: The change.
            at: When it was proposed, for one that is new.
            review: What the review found.
        """
        with told(self._path), Session(self._engine) as session:
            old = session.get(ChangeRow, change.id)
            row = _row(change, at or (old.proposed_at if old else ""))
            kept = (
                old.review if old and change.tree == old.tree and change.base == old.base else None
            )
            row.review = kept if review is None else msgspec.json.encode(review).decode()
            session.merge(row)
            session.exec(delete(ApprovalRow).where(col(ApprovalRow.change_id) == change.id))
            session.add_all(_approval_row(change.id, each) for each in change.approvals)
            session.commit()

    def change(self, change_id: str) -> Kept:
        """A change.

        Raises:
            NotFound: there is none of this id.
        """
        with told(self._path), Session(self._engine) as session:
            row = session.get(ChangeRow, change_id)
            if row is None:
                raise NotFound(f"there is no change `{change_id[:64]}`; see `policyd changes list`")
            return self._kept(session, row)

    def changes(self, *, limit: int, only_open: bool = False) -> list[Kept]:
        """The newest changes, newest first."""
        newest = (desc(col(ChangeRow.proposed_at)), desc(col(ChangeRow.id)))
        wanted = select(ChangeRow).order_by(*newest).limit(limit)
        if only_open:
            wanted = wanted.where(col(ChangeRow.state).in_([each.value for each in OPEN]))
        with told(self._path), Session(self._engine) as session:
            return [self._kept(session, row) for row in session.exec(wanted).all()]

    def unreviewed(self) -> list[Kept]:
        """Emergency publications that nobody has agreed to yet."""
        wanted = select(ChangeRow).where(
            col(ChangeRow.emergency).is_not(None), ChangeRow.state == State.PUBLISHED.value
        )
        with told(self._path), Session(self._engine) as session:
            found = [self._kept(session, row) for row in session.exec(wanted).all()]
        return [each for each in found if each.change.is_unreviewed]

    def publish(self, publication: Publication, *changes: Change) -> None:
        """Keep what was put in force, and the changes as that leaves them, together."""
        with told(self._path), Session(self._engine) as session:
            session.merge(PublicationRow(**asdict(publication)))
            for each in changes:
                row = session.get_one(ChangeRow, each.id)
                row.state, row.ended = each.state.value, each.ended
                row.emergency = _json(each.emergency)
                session.add(row)
            session.commit()

    def unpublish(self, records: Iterable[str], *changes: Change) -> None:
        """Forget publications that the log does not have, and keep their changes as they are."""
        with told(self._path), Session(self._engine) as session:
            gone = col(PublicationRow.record).in_([*records])
            session.exec(delete(PublicationRow).where(gone))
            for each in changes:
                row = session.get_one(ChangeRow, each.id)
                row.state, row.ended = each.state.value, each.ended
                session.add(row)
            session.commit()

    def publications(self, *, limit: int) -> list[Publication]:
        """What was put in force, the last first."""
        last = (desc(col(PublicationRow.at)), desc(col(PublicationRow.record)))
        wanted = select(PublicationRow).order_by(*last).limit(limit)
        with told(self._path), Session(self._engine) as session:
            return [_publication(row) for row in session.exec(wanted).all()]

    @staticmethod
    def _kept(session: Session, row: ChangeRow) -> Kept:
        wanted = select(ApprovalRow).where(ApprovalRow.change_id == row.id)
        approvals = session.exec(wanted.order_by(col(ApprovalRow.id))).all()
        review = msgspec.json.decode(row.review) if row.review else None
        return Kept(_change(row, tuple(map(_approval, approvals))), review, row.proposed_at)


def _json(value: object) -> str | None:
    return msgspec.json.encode(value, order="sorted").decode() if value is not None else None


def _row(change: Change, proposed_at: str) -> ChangeRow:
    return ChangeRow(
        id=change.id,
        title=change.title,
        reason=change.reason,
        authors=_json(change.authors) or "[]",
        base=change.base,
        snapshot=change.snapshot,
        tree=change.tree,
        state=change.state.value,
        demand=_json(change.demand),
        emergency=_json(change.emergency),
        ended=change.ended,
        proposed_at=proposed_at,
    )


def _change(row: ChangeRow, approvals: tuple[Approval, ...]) -> Change:
    return Change(
        id=row.id,
        title=row.title,
        reason=row.reason,
        authors=tuple(msgspec.json.decode(row.authors)),
        base=row.base,
        snapshot=row.snapshot,
        tree=row.tree,
        state=State(row.state),
        demand=msgspec.json.decode(row.demand, type=Demand) if row.demand else None,
        approvals=approvals,
        emergency=msgspec.json.decode(row.emergency, type=Emergency) if row.emergency else None,
        ended=row.ended,
    )


def _approval_row(change_id: str, given: Approval) -> ApprovalRow:
    return ApprovalRow(
        change_id=change_id,
        holder=given.holder,
        key=given.key,
        owner=given.owner,
        decision=given.decision,
        at=given.at.isoformat(),
    )


def _approval(row: ApprovalRow) -> Approval:
    at = datetime.fromisoformat(row.at)
    return Approval(row.holder, row.key, row.owner, row.decision, at)


def _publication(row: PublicationRow) -> Publication:
    return Publication(**{name: getattr(row, name) for name in Publication.__slots__})
