#!/bin/bash
# Stops the cluster of $CHAPERONE_KUBERNETES_STATE and removes what it set up.
# usage: down.sh                  data and images stay for the next up.sh
#        down.sh --wipe           they are deleted
#        down.sh --follow         waits until its standard input ends, then as --wipe: for a program that holds the
#                                 other end, so that the cluster ends with it however it ends
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
case ${1:-} in
  "" | --wipe) ;;
  --follow)
    trap '' HUP INT TERM   # a terminal tells the whole process group; the cluster must be stopped all the same
    cat >/dev/null
    ;;
  *) die "usage: down.sh [--wipe|--follow]" ;;
esac

# The node's first process takes every process of its namespaces with it, and these take mounts, rules and links.
! alive node || kill -9 "$(cat "$STATE/node-init.pid")" 2>/dev/null || true
daemons=(kube-scheduler kube-controller-manager kube-apiserver etcd)
for name in "${daemons[@]}"; do
  ! alive "$name" || kill "$(cat "$STATE/$name.pid")" 2>/dev/null || true
done
# The API server's graceful stop takes long after its node was killed, and etcd needs none: two seconds are enough.
for name in "${daemons[@]}" node; do
  for _ in {1..20}; do alive "$name" || break; sleep 0.1; done
  ! alive "$name" || kill -9 "$(cat "$STATE/$name.pid")" 2>/dev/null || true
  rm -f "$STATE/$name.pid"
done
if [[ -e $STATE/node-init.pid ]]; then
  ip link delete $VETH 2>/dev/null || true
  # Only directories that the node made; the kernel refuses to remove one that still has a process.
  for _ in {1..50}; do
    find /sys/fs/cgroup -depth -type d \( -name "$CGROUP" -o -path "*/$CGROUP/*" \) -exec rmdir {} + 2>/dev/null || true
    [[ -n $(find /sys/fs/cgroup -maxdepth 2 -type d -name "$CGROUP" -print -quit) ]] || break
    sleep 0.1
  done
  rm "$STATE/node-init.pid"
fi
if [[ -n ${1:-} ]]; then
  rm -rf "$STATE"/{etcd,kubectl,log,node,pki}
  rmdir --ignore-fail-on-non-empty "$STATE" 2>/dev/null || true
fi
