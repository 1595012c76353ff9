#!/bin/bash
# Roles and databases of a fresh PostgreSQL cluster. The image runs this once, when its data directory is empty.
set -euo pipefail

psql --no-psqlrc --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
    --set owner_password="${POSTGRES_OWNER_PASSWORD:?}" \
    --set app_password="${POSTGRES_APP_PASSWORD:?}" \
    --set temporal_password="${TEMPORAL_DATABASE_PASSWORD:?}" <<'SQL'
-- Migrates, and creates each tenant's schema and role.
CREATE ROLE harborgrid_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE DATABASE harborgrid OWNER harborgrid_owner;
REVOKE ALL ON DATABASE harborgrid FROM PUBLIC;
GRANT CONNECT ON DATABASE harborgrid TO PUBLIC;

-- What the API and the workers log in as. pg_monitor: the age of the bus's fence is the age of other sessions' transactions.
CREATE ROLE harborgrid_app LOGIN PASSWORD :'app_password';
GRANT pg_monitor TO harborgrid_app;
GRANT harborgrid_app TO harborgrid_owner;

-- Temporal's own state. Nobody but Temporal connects to it.
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
