"""The history of Creator's schema, as Alembic reads it; `creator/migrating.py` runs it."""
