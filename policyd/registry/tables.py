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
