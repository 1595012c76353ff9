"""PostgreSQL: pool, transactions, migrations, the embedded server."""
