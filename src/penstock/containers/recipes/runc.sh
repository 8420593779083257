#!/bin/sh
# Stands before runc in a build's own Docker daemon: gives each inner container the build's
# CA bundle and network settings, as this host's owner set them. The bundle is mounted below
# /dev, which is not part of any image layer, and a variable that is set already is kept.
REAL=/usr/sbin/runc
BUNDLE_FILE=/etc/penstock/ca-bundle.crt
ENVIRONMENT_FILE=/etc/penstock/inner-environment.json

creates=
bundle=
previous=
for argument; do
    case "$argument" in create | run) creates=yes ;; esac
    case "$previous" in --bundle | -b) bundle=$argument ;; esac
    previous=$argument
done

if [ -n "$creates" ] && [ -f "$bundle/config.json" ] && [ -f "$ENVIRONMENT_FILE" ] && [ -f "$BUNDLE_FILE" ]; then
    if jq --slurpfile extra "$ENVIRONMENT_FILE" --arg source "$BUNDLE_FILE" '
        (.process.env | map(split("=")[0])) as $set
        | .process.env += ($extra[0] | to_entries
            | map(select(.key as $key | $set | index([$key]) | not) | "\(.key)=\(.value)"))
        | .mounts += [{destination: "/dev/penstock-ca-bundle.crt", type: "bind",
            source: $source, options: ["bind", "ro"]}]
        ' "$bundle/config.json" > "$bundle/config.json.penstock"; then
        cat "$bundle/config.json.penstock" > "$bundle/config.json"
    fi
    rm -f "$bundle/config.json.penstock"
fi
exec "$REAL" "$@"
