#!/bin/bash
# Kills a daemon of the control plane, as a crash would, and starts it again as it was started.
# usage: restart.sh kube-apiserver|etcd|kube-controller-manager|kube-scheduler
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
name=${1:-}
[[ -n $name && $name != node ]] || die "usage: restart.sh kube-apiserver|etcd|kube-controller-manager|kube-scheduler"
alive "$name" || die "$name does not run in $STATE"
pid=$(cat "$STATE/$name.pid")
mapfile -d '' command <"/proc/$pid/cmdline"
kill -9 "$pid"
mv "$LOG/$name.log" "$LOG/$name.before.log"
cd "$STATE"
# Its threads may have its port for a moment more.
for _ in {1..20}; do
  start "$name" "${command[@]}"
  sleep 1
  ! alive "$name" || exit 0
done
die "$name does not start again; see $LOG/$name.log"
