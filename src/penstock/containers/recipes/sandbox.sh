#!/bin/sh
# PID 1 of a Task's sandbox: the addresses that AWS gives a task, a resolver that answers for
# AWS's names, and a proxy to the server. Says "ready" once all three stand.
set -eu

ip -batch - <<'END'
address add 169.254.170.2/32 dev lo
address add 169.254.170.3/32 dev lo
route add blackhole 169.254.169.254/32
END
if ! nft -f /etc/penstock/rules.nft; then
    echo "the sandbox needs the kernel's nf_tables with NAT on the container engine's host" >&2
    echo "(modules nf_tables, nft_chain_nat and nft_nat); load them or boot a kernel that has them" >&2
    exit 1
fi

# Written in place: the Task's other containers have this very file mounted.
echo "nameserver 169.254.170.3" > /etc/resolv.conf

dnsmasq --conf-file=/etc/penstock/dnsmasq.conf
haproxy -D -f /etc/penstock/haproxy.cfg -p /run/haproxy.pid
echo ready
exec sleep infinity
