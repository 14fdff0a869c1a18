"""Jobs under way, in the registry's file: what the next server has to know of them."""

from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, select

from policyd.registry.database import told
from policyd.registry.tables import JobRow


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done that takes longer than a request.

    Attributes:
        id: Of the job that does it.
        kind: `publication`, `rollback`, `comparison` or `review`.
        by: Id of the key that ordered it.
        about: Id of a change, digest to go back to or to review against, or two to compare.
        again: The command that orders it again.
        why: As it was said.
        seconds: Of a shadow before it: for how long.
        calls: Of a shadow before it: for how many calls.
    """

    id: str
    kind: str
    by: str
    about: str
    again: str
    why: str | None = None
    seconds: float | None = None
    calls: int | None = None

    @property
    def has_shadow(self) -> bool:
        """Whether a shadow is to run before it."""
        return self.seconds is not None or self.calls is not None


class JobStore:
    """The orders that are being carried out; every write is on disk when it returns.

    Every method raises DataFolderError if the file cannot be used.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._engine = engine

    def add(self, order: Order) -> None:
        """Keep an order until it is removed; one that is kept already stays."""
        with told(self._path), Session(self._engine) as session:
            session.merge(JobRow(**asdict(order)))
            session.commit()

    def remove(self, order_id: str) -> None:
        """Keep it no longer."""
        with told(self._path), Session(self._engine) as session:
            session.exec(delete(JobRow).where(col(JobRow.id) == order_id))
            session.commit()

    def list(self) -> list[Order]:
        """All that are kept, in the order of their ids."""
        with told(self._path), Session(self._engine) as session:
            rows = session.exec(select(JobRow).order_by(col(JobRow.id))).all()
        return [Order(**{name: getattr(row, name) for name in Order.__slots__}) for row in rows]
