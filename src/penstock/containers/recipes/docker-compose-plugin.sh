#!/bin/sh
# `docker compose`, by way of Compose v1: Debian 12 has no Compose v2.
if [ "${1:-}" = docker-cli-plugin-metadata ]; then
    printf '%s' '{"SchemaVersion":"0.1.0","Vendor":"Penstock","Version":"1.29.2","ShortDescription":"Compose v1 under its newer name"}'
    exit 0
fi
[ "${1:-}" != compose ] || shift
exec docker-compose "$@"
