"""Prices that are agreed with each unit; whose a sealed token is; and indexes for who leaves.

Until here tokens were sealed for a connection only. They do not open any more, so that their
users are asked to connect once again: photos and finished pictures wait for that.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SUMS = ("included", "beyond", "owed_cents", "held", "held_cents")
_INDEXES = (
    ("users_leaving", "users", "deleting_at", "deleting_at IS NOT NULL"),
    ("channels_of_connection", "channels", "connection_id", None),
    ("sources_of_connection", "sources", "connection_id", None),
    ("deliveries_of_source", "deliveries", "source_id", None),
    ("uploads_of_source", "uploads", "source_id", None),
    ("uploads_due", "uploads", "next_try_at", "state = 'received'"),
)
_RECONNECT = """
UPDATE sources SET state = 'reconnect', problem = jsonb_build_object(
  'code', 'reconnect_needed', 'detail', 'Google Drive has to be connected once again.')
WHERE connection_id IS NOT NULL AND state IN ('active', 'broken')
"""


def upgrade() -> None:
    for name in _SUMS:
        op.add_column("books", _make_count(name))
    op.add_column("entries", _make_count("cents"))
    op.create_check_constraint("owed_range", "books", "beyond >= 0 AND owed_cents >= 0")
    op.create_check_constraint("held_range", "books", "held >= 0 AND held_cents >= 0")
    for name, table, column, condition in _INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, [column], unique=False, postgresql_where=where)
    op.execute("UPDATE connections SET state = 'reconnect', sealed_tokens = ''")
    op.execute(_RECONNECT)


def downgrade() -> None:
    op.execute("UPDATE connections SET state = 'reconnect', sealed_tokens = ''")
    op.execute(_RECONNECT)
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_constraint("held_range", "books")
    op.drop_constraint("owed_range", "books")
    op.drop_column("entries", "cents")
    for name in _SUMS:
        op.drop_column("books", name)


def _make_count(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)
