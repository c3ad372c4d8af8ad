#!/bin/sh
# Creates the namespace with its search attributes and the Nexus endpoint, and ends when the server shows all of them:
# workers that start earlier would fail. Running it again changes nothing.
set -eu

# Takes a number of tries, one second apart, and a command.
try() {
    left=$1
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "gave up on: $*" >&2
            "$@"
            exit 1
        fi
        sleep 1
    done
}

shows() {
    temporal operator search-attribute list | grep -qw "$1"
}

try 60 temporal operator cluster health
if ! temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi
try 60 temporal operator search-attribute list

for attribute in $SEARCH_ATTRIBUTES; do
    name=${attribute%%=*}
    if ! shows "$name"; then
        temporal operator search-attribute create --name "$name" --type "${attribute##*=}"
    fi
done
for attribute in $SEARCH_ATTRIBUTES; do
    try 90 shows "${attribute%%=*}"
done
if ! temporal operator nexus endpoint get --name "$NEXUS_ENDPOINT" >/dev/null 2>&1; then
    temporal operator nexus endpoint create --name "$NEXUS_ENDPOINT" \
        --target-namespace "$TEMPORAL_NAMESPACE" --target-task-queue billing >/dev/null
fi
echo "namespace $TEMPORAL_NAMESPACE is ready"
