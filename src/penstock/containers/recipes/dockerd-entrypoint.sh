#!/bin/sh
# Starts this build's own Docker daemon, waits until it answers, then runs the arguments.
# Its containers stay inside this container's limits: the cgroup hierarchies are mounted
# again, so that the daemon sees this container's cgroup as the root of each.
set -u

LOG=/var/log/docker.log
WAIT_SECONDS=${DOCKERD_WAIT_SECONDS:-60}

mount_cgroups_v1() {
    for directory in /sys/fs/cgroup/*/; do
        hierarchy=$(basename "$directory")
        case "$hierarchy" in
            unified) continue ;;
            systemd) options=none,name=systemd ;;
            *) options=$hierarchy ;;
        esac
        mountpoint -q "$directory" || continue
        umount "$directory" && mount -t cgroup -o "$options" cgroup "$directory" || return 1
    done
}

# A v2 cgroup that has processes cannot hand controllers on: they move into a child first.
delegate_cgroup_v2() {
    mount -o remount,rw /sys/fs/cgroup || return 1
    mkdir -p /sys/fs/cgroup/init || return 1
    while read -r process; do
        echo "$process" > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null || :
    done < /sys/fs/cgroup/cgroup.procs
    for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control || return 1
    done
}

prepare_cgroups() {
    if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
        delegate_cgroup_v2
    else
        mount_cgroups_v1
    fi
}

# The layer cache outlives a build; what a former build left running in it must not.
clear_leftovers() {
    containers=$(docker ps --all --quiet)
    [ -z "$containers" ] || docker rm --force --volumes $containers
    volumes=$(docker volume ls --quiet)
    [ -z "$volumes" ] || docker volume rm --force $volumes
    docker network prune --force
}

start_dockerd() {
    if ! prepare_cgroups >> "$LOG" 2>&1; then
        echo "dockerd-entrypoint: the cgroups could not be mounted; is the build privileged?" >&2
        return 1
    fi
    # The wrapper of runc in /usr/local/sbin must be found before the real one.
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        dockerd --host=unix:///var/run/docker.sock \
        >> "$LOG" 2>&1 &
    daemon=$!
    deadline=$(($(date +%s) + WAIT_SECONDS))
    until docker version > /dev/null 2>&1; do
        if ! kill -0 "$daemon" 2> /dev/null; then
            echo "dockerd-entrypoint: dockerd ended before it was ready:" >&2
            tail -n 20 "$LOG" >&2
            return 1
        fi
        if [ "$(date +%s)" -ge "$deadline" ]; then
            echo "dockerd-entrypoint: dockerd was not ready within $WAIT_SECONDS s:" >&2
            tail -n 20 "$LOG" >&2
            return 1
        fi
        sleep 0.1
    done
    clear_leftovers >> "$LOG" 2>&1
}

if [ ! -S /var/run/docker.sock ]; then
    start_dockerd || exit 1
fi
[ "$#" -eq 0 ] || exec "$@"
