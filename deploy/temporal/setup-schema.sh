#!/bin/sh
# Bring Temporal's two databases to the schema of this admin-tools image. Safe to repeat: finished steps are skipped.
set -eu

migrate() {
    database=$1
    versions=$2
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p 5432 -u "$POSTGRES_USER" --db "$database" \
        setup-schema -v 0.0
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p 5432 -u "$POSTGRES_USER" --db "$database" \
        update-schema -d "/etc/temporal/schema/postgresql/v12/$versions/versioned"
}

migrate temporal temporal
migrate temporal_visibility visibility
