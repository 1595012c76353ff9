"""Renders migrations as SQL; adapters/postgres/migrations.py runs it."""

from alembic import context

# The "named" style leaves percent signs alone: the SQL is run as it stands, without parameters.
context.configure(
    dialect_name="postgresql",
    dialect_opts={"paramstyle": "named"},
    output_buffer=context.config.output_buffer,
    as_sql=True,
)
context.run_migrations()
