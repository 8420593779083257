# Sourced by the other scripts: messages, and Debian packages when we may install them.

say() { printf 'penstock: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() { # install Debian packages, or end with what a user has to install
    may_install || fail "missing: $*. Install them (on Debian or Ubuntu: apt-get install $*)," \
        "or run this as root"
    say "installing with apt-get: $*"
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install --yes --no-install-recommends "$@"; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: $*"
    fi
    rm -f "$log"
}
