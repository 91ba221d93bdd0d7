<%def name="tidy(lines)"><% kept = [line for line in (lines or "pass").split("\n") if "###" not in line] %>${"\n".join(kept).strip()}</%def>\
# ruff: noqa: E501  Alembic wrote it
"""${message}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${tidy(upgrades)}


def downgrade() -> None:
    ${tidy(downgrades)}
