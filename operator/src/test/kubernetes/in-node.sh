#!/bin/bash
# Runs a command inside the node's namespaces, for example: in-node.sh ctr -n k8s.io containers ls
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
alive node || die "no node runs in $STATE"
PATH=$BIN:$PATH exec nsenter --target "$(cat "$STATE/node-init.pid")" --mount --net --pid -- "$@"
