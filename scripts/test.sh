#!/usr/bin/env bash
# Everything that CI checks: style, types, imports, base images, every test.
# Stops the container engine at the end if, and only if, it started it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
export PATH="$PWD/.venv/bin:$PATH"

scripts/bootstrap.sh
# What tests compare with, or drive.
for tool in ps:procps busybox:busybox chromium:chromium sshd:openssh-server ssh:openssh-client; do
    if ! command -v "${tool%:*}" >/dev/null && may_install; then
        install_packages "${tool#*:}"
    fi
done

failed=()
check() { # run a check by name; the others run even if it fails
    local name=$1 started=$SECONDS
    shift
    if "$@"; then
        say "$name: ok, $((SECONDS - started)) s"
    else
        failed+=("$name")
        say "$name: FAILED, $((SECONDS - started)) s"
    fi
}

check "ruff check" ruff check --quiet
check "ruff format" ruff format --check --quiet
check "mypy" mypy --no-error-summary
check "import-linter" lint-imports --no-logo

started=$(scripts/engine.sh up)
finish() {
    if [ "$started" = started ]; then
        scripts/engine.sh down
    fi
}
trap finish EXIT

check "base images" python -m penstock.containers.images

tests=0
# A file stays in one worker: its server is started once, and no browser's event loop meets a test
# that runs one. (xdist's loadgroup does nothing with this pytest.) Half of the time is waiting for
# containers: three workers keep two cores busy.
pytest -n 3 --dist loadfile --durations 20 -p no:cacheprovider "$@" || tests=$?

if [ ${#failed[@]} -gt 0 ]; then
    say "before the tests, these failed: ${failed[*]}"
    exit 1
fi
exit $tests
