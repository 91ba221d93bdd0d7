"""What tells a photo on a disk again when its file has another name."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photos", sa.Column("known_by", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("photos", "known_by")
