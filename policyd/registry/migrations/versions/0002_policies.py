"""Policy trees, proposed changes with their approvals, and what was put in force when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of policies."""
    _trees()
    _changes()
    _publications()


def _trees() -> None:
    op.create_table(
        "tree",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("snapshot", sa.String, nullable=False, index=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("stored_at", sa.String, nullable=False),
    )


def _changes() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("authors", sa.String, nullable=False),
        sa.Column("base", sa.String, nullable=False),
        sa.Column("snapshot", sa.String, nullable=False),
        sa.Column("tree", sa.String, sa.ForeignKey("tree.id"), nullable=False),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("demand", sa.String),
        sa.Column("emergency", sa.String),
        sa.Column("ended", sa.String),
        sa.Column("review", sa.String),
        sa.Column("proposed_at", sa.String, nullable=False),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("change_id", sa.String, sa.ForeignKey("change.id"), nullable=False, index=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
    )


def _publications() -> None:
    op.create_table(
        "publication",
        sa.Column("record", sa.String, primary_key=True),
        sa.Column("at", sa.String, nullable=False, index=True),
        sa.Column("snapshot", sa.String, nullable=False),
        sa.Column("previous", sa.String),
        sa.Column("tree", sa.String, sa.ForeignKey("tree.id"), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("change_id", sa.String),
        sa.Column("by", sa.String),
        sa.Column("why", sa.String),
        sa.Column("until", sa.String),
    )
