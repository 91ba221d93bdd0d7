"""What Alembic runs: on the connection that it was handed, in its transaction."""

from alembic import context

from comfyhoused.creator.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transaction_per_migration=False,
)
context.run_migrations()
