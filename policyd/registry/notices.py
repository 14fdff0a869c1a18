"""Notices in the registry's file: which were sent to the webhook's receiver, and what happened."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from policyd.model.notice import Notice
from policyd.registry.database import told
from policyd.registry.tables import NoticeRow


class Noted(NamedTuple):
    """A notice, and since when it is one: RFC 3339 in UTC."""

    at: str
    notice: Notice


class NoticeStore:
    """Notices; every write is on disk when it returns.

    Every method raises DataFolderError if the file cannot be used.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._engine = engine

    def add(self, notice: Notice, *, at: str) -> None:
        """Keep a notice of what has happened, which nothing else would tell."""
        with told(self._path), Session(self._engine) as session:
            session.merge(_row(notice, at, lasting=True))
            session.commit()

    def happened(self, since: str) -> list[Notice]:
        """Notices of what has happened since then."""
        wanted = select(NoticeRow).where(col(NoticeRow.lasting), col(NoticeRow.at) >= since)
        with told(self._path), Session(self._engine) as session:
            return [_noted(row).notice for row in session.exec(wanted).all()]

    def unsent(self, current: Iterable[Notice], *, at: str) -> list[Noted]:
        """Of the *current* notices those that were not sent, the oldest first.

        A notice that is new is so *at* that time. What is no notice any more is forgotten, but for
        what has happened: should it be one again, it is another one.
        """
        by_id = {each.id: each for each in current}
        with told(self._path), Session(self._engine) as session:
            known = {row.id: row for row in session.exec(select(NoticeRow)).all()}
            session.add_all(_row(by_id[each], at) for each in by_id.keys() - known.keys())
            for gone in known.keys() - by_id.keys():
                if not known[gone].lasting:  # that one may be asked for again, further back
                    session.delete(known[gone])
            session.commit()
            wanted = select(NoticeRow).where(col(NoticeRow.sent_at).is_(None))
            oldest = wanted.order_by(col(NoticeRow.at), col(NoticeRow.id))
            return [_noted(row) for row in session.exec(oldest).all()]

    def sent(self, notices: Iterable[Noted], *, at: str) -> None:
        """Keep that the receiver has taken them."""
        with told(self._path), Session(self._engine) as session:
            for each in notices:
                row = session.get_one(NoticeRow, each.notice.id)
                row.sent_at = at
                session.add(row)
            session.commit()


def _row(notice: Notice, at: str, *, lasting: bool = False) -> NoticeRow:
    return NoticeRow(id=notice.id, at=at, lasting=lasting, **asdict(notice))


def _noted(row: NoticeRow) -> Noted:
    return Noted(row.at, Notice(row.until, row.code, row.about, row.owner, row.message))
