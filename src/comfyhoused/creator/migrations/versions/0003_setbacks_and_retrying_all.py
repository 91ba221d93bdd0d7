"""What went wrong on our side with an edit or a delivery, counted; and who has all tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("edits", "deliveries"):
        count = sa.Column("setbacks", sa.Integer(), server_default="0", nullable=False)
        op.add_column(table, count)
    op.add_column("users", sa.Column("retry_before", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "users_retrying",
        "users",
        ["id"],
        unique=False,
        postgresql_where=sa.text("retry_before IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "users_retrying",
        table_name="users",
        postgresql_where=sa.text("retry_before IS NOT NULL"),
    )
    op.drop_column("users", "retry_before")
    for table in ("edits", "deliveries"):
        op.drop_column(table, "setbacks")
