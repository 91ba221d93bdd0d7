"""Edits by state, so that screens count one user's without reading everybody's."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("edits_by_state", "edits", ["user_id", "state", "finished_at"], unique=False)


def downgrade() -> None:
    op.drop_index("edits_by_state", table_name="edits")
