#!/bin/sh
# PID 1 of a Task's sandbox: the addresses that AWS gives a task, a resolver that answers for
# AWS's names, and a proxy to the server. Says "ready" once all three stand.
set -eu

ip address add 169.254.170.2/32 dev lo
ip address add 169.254.170.3/32 dev lo
ip route add blackhole 169.254.169.254/32

# Written in place: the Task's other containers have this very file mounted.
echo "nameserver 169.254.170.3" > /etc/resolv.conf

dnsmasq --conf-file=/etc/penstock/dnsmasq.conf
haproxy -D -f /etc/penstock/haproxy.cfg -p /run/haproxy.pid
echo ready
exec sleep infinity
