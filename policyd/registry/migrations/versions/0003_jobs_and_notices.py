"""Jobs that are under way, and notices with whether they were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of jobs and notices."""
    op.create_table(
        "job",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("again", sa.String, nullable=False),
        sa.Column("why", sa.String),
        sa.Column("seconds", sa.Float),
        sa.Column("calls", sa.Integer),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("until", sa.String, nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("lasting", sa.Boolean, nullable=False),
        sa.Column("sent_at", sa.String, index=True),
    )
