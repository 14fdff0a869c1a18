"""Keys and their holders."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table of keys."""
    op.create_table(
        "key",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False, unique=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("roles", sa.String, nullable=False),
        sa.Column("units", sa.String, nullable=False),
        sa.Column("integrations", sa.String, nullable=False),
        sa.Column("supported_obligations", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("revoked_at", sa.String),
    )
