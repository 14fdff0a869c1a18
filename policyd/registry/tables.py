"""The registry's tables."""

from sqlmodel import Field, SQLModel


class KeyRow(SQLModel, table=True):
    """One key. Lists are space-separated names; times are RFC 3339 in UTC."""

    __tablename__ = "key"

    id: str = Field(primary_key=True)
    digest: str = Field(unique=True)  # hex HMAC-SHA-256 of the secret under the pepper
    holder: str
    kind: str
    owner: str | None = None
    roles: str
    units: str
    integrations: str
    supported_obligations: str
    created_at: str
    revoked_at: str | None = None


class TreeRow(SQLModel, table=True):
    """One whole policy tree, under its own digest and that of its snapshot."""

    __tablename__ = "tree"

    id: str = Field(primary_key=True)
    snapshot: str = Field(index=True)
    data: bytes  # as `policy.whole` packs it
    stored_at: str


class ChangeRow(SQLModel, table=True):
    """One change; `authors`, `demand`, `emergency` and `review` are JSON."""

    __tablename__ = "change"

    id: str = Field(primary_key=True)
    title: str
    reason: str
    authors: str
    base: str
    snapshot: str
    tree: str = Field(foreign_key="tree.id")
    state: str = Field(index=True)
    demand: str | None = None
    emergency: str | None = None
    ended: str | None = None
    review: str | None = None
    proposed_at: str


class ApprovalRow(SQLModel, table=True):
    """Somebody's yes to a change; only those that count are here, the log has all."""

    __tablename__ = "approval"

    id: int | None = Field(default=None, primary_key=True)
    change_id: str = Field(foreign_key="change.id", index=True)
    holder: str
    key: str
    owner: str | None = None
    decision: str
    at: str


class PublicationRow(SQLModel, table=True):
    """A tree was put in force: what the `policy_change` record of this id says, kept at hand."""

    __tablename__ = "publication"

    record: str = Field(primary_key=True)
    at: str = Field(index=True)
    snapshot: str
    previous: str | None = None
    tree: str = Field(foreign_key="tree.id")
    reason: str
    change_id: str | None = None
    by: str | None = None
    why: str | None = None
    until: str | None = None


class JobRow(SQLModel, table=True):
    """An order that is being carried out; gone once it is."""

    __tablename__ = "job"

    id: str = Field(primary_key=True)
    kind: str
    by: str
    about: str
    again: str
    why: str | None = None
    seconds: float | None = None
    calls: int | None = None


class NoticeRow(SQLModel, table=True):
    """One notice, and when the webhook's receiver took it; `lasting` is what happened."""

    __tablename__ = "notice"

    id: str = Field(primary_key=True)
    code: str
    about: str
    owner: str
    until: str
    message: str
    at: str
    lasting: bool
    sent_at: str | None = Field(default=None, index=True)
