#!/usr/bin/env bash
# Have a container engine.
#
#   engine.sh up      use the one that runs; else, as root, start Debian's in a data directory of
#                     its own. Prints "started" when it started one, nothing otherwise.
#   engine.sh down    stop the one that `up` started, and only that one.
#
# PENSTOCK_ENGINE_DIR is the started engine's directory. Its images stay there for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

engine_dir=${PENSTOCK_ENGINE_DIR:-/var/lib/penstock-engine}
pid_file=/run/penstock-engine.pid

answers() { docker version --format "{{.Server.Version}}" >/dev/null 2>&1; }

ours() { # is the process that our pid file names still the engine that we started?
    [ -r $pid_file ] && tr '\0' ' ' <"/proc/$(cat $pid_file)/cmdline" 2>/dev/null |
        grep -q "dockerd .*--pidfile $pid_file"
}

on_overlay() { # an engine cannot put its layers on a file system that is itself layered
    [ "$(stat --file-system --format %T "$1")" = overlayfs ]
}

install_engine() {
    local packages="docker.io iptables ca-certificates" deny=/usr/sbin/policy-rc.d
    # From Debian 13 on, the command-line client is a package of its own.
    if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then
        packages="$packages docker-cli"
    fi
    # The package must not start an engine on its default data directory.
    if [ -e $deny ]; then
        deny=
    else
        printf '#!/bin/sh\nexit 101\n' >$deny
        chmod 755 $deny
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    # shellcheck disable=SC2086
    install_packages $packages
    if [ -n "$deny" ]; then
        rm -f "$deny"
        trap - EXIT
    fi
}

mount_cgroups() { # a machine without an init system may lack them
    if ! mountpoint --quiet /sys/fs/cgroup; then
        command -v mount >/dev/null || install_packages mount
        mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "no control groups are mounted at" \
            "/sys/fs/cgroup, and mounting them failed: a container engine cannot run here"
    fi
}

up() {
    if answers; then
        return
    fi
    if [ -n "${DOCKER_HOST:-}" ]; then
        fail "no container engine answers at DOCKER_HOST=$DOCKER_HOST; start it, or unset DOCKER_HOST"
    fi
    if [ "$(id -u)" != 0 ]; then
        fail "no container engine answers. Start one that you may use (on Debian or Ubuntu:" \
            "apt-get install docker.io, and join the group docker), or set DOCKER_HOST, or run" \
            "this as root to have one installed and started"
    fi
    if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
        install_engine
    fi
    mount_cgroups
    mkdir -p "$engine_dir"
    local options=()
    if on_overlay "$engine_dir"; then
        say "$engine_dir is on an overlay file system: images take more room and time (vfs);" \
            "set PENSTOCK_ENGINE_DIR to a directory elsewhere to avoid this"
        options=(--storage-driver vfs)
    fi
    say "no container engine runs: starting Debian's, with its data in $engine_dir"
    rm -f $pid_file
    setsid dockerd --data-root "$engine_dir/data" --pidfile $pid_file "${options[@]}" \
        </dev/null >"$engine_dir/dockerd.log" 2>&1 &
    local process=$!
    for _ in $(seq 120); do
        if answers; then
            echo started
            return
        fi
        kill -0 $process 2>/dev/null || break
        sleep 0.5
    done
    tail -n 15 "$engine_dir/dockerd.log" >&2
    fail "the container engine did not start; its log is $engine_dir/dockerd.log"
}

down() {
    if ! ours; then
        say "no container engine of ours runs"
        return
    fi
    local process
    process=$(cat $pid_file)
    say "stopping the container engine that was started in $engine_dir"
    kill "$process"
    for _ in $(seq 60); do
        kill -0 "$process" 2>/dev/null || return 0
        sleep 0.5
    done
    fail "the container engine (process $process) did not stop within 30 seconds"
}

case "${1:-}" in
    up) up ;;
    down) down ;;
    *) fail "usage: scripts/engine.sh up|down" ;;
esac
