#!/bin/bash
# Runs once, on an empty data folder: roles and databases. Later changes of a password are made by
# ALTER ROLE, as this script is not run again.
set -euo pipefail

# The passwords come by `getenv`, not as arguments that every process list would show.
psql --username postgres --set ON_ERROR_STOP=1 <<'SQL'
\getenv temporal_password TEMPORAL_DB_PASSWORD
\getenv owner_password LEDGER_OWNER_PASSWORD
\getenv app_password LEDGER_APP_PASSWORD

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

CREATE ROLE drawdown_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE drawdown_app LOGIN PASSWORD :'app_password';
CREATE DATABASE drawdown OWNER drawdown_owner;

REVOKE CONNECT ON DATABASE temporal, temporal_visibility, drawdown FROM PUBLIC;
GRANT CONNECT ON DATABASE drawdown TO drawdown_app;
SQL
