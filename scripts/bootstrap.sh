#!/usr/bin/env bash
# Make .venv from the lock file (hashes checked) and install the package into it.
# As root on Debian or Ubuntu, install what is missing; elsewhere say what to install.
# Does nothing when .venv is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

suitable() { # is $1 a Python of at least 3.11 that can make virtual environments?
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if suitable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

python=$(find_python) || {
    install_packages python3 python3-venv
    python=$(find_python) || fail "expected Python 3.11 or later with its venv module, found" \
        "$(python3 --version 2>&1 || true); install one and name it: make PYTHON=/path/to/python3"
}
command -v git >/dev/null || install_packages git
if ! command -v mmdebstrap >/dev/null && may_install; then
    install_packages mmdebstrap # base images, where no public registry can be reached
fi

stamp=.venv/.installed
wanted=$(cat requirements-dev.lock pyproject.toml | sha256sum | cut -c 1-64)
if [ "$(cat $stamp 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
say "installing the locked packages into .venv with $("$python" --version)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --requirement requirements-dev.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
    --no-deps --no-build-isolation --editable .
echo "$wanted" >$stamp
