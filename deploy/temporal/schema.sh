#!/bin/sh
# Brings both databases of Temporal to the schema of this image. Run it again before each upgrade
# of the server; a schema that is new enough is left alone.
set -eu

migrate() {
    temporal-sql-tool --db "$1" setup-schema -v 0.0
    temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

migrate temporal temporal
migrate temporal_visibility visibility
