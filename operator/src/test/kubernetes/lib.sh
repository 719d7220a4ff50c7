# Settings and helpers shared by the scripts.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# CACHE holds binaries and build caches, worth keeping between runs. STATE holds one cluster's keys, data and logs;
# several control planes can run side by side with different ones. Exported, because scripts call each other.
CACHE=$(realpath -m "${CHAPERONE_KUBERNETES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/chaperone/kubernetes}")
STATE=$(realpath -m "${CHAPERONE_KUBERNETES_STATE:-$CACHE/state}")
export CHAPERONE_KUBERNETES_HOME=$CACHE CHAPERONE_KUBERNETES_STATE=$STATE
BIN=$CACHE/bin PKI=$STATE/pki LOG=$STATE/log NODE=$STATE/node

# A cluster with a node: host and node share one veth pair; pods and Services are reached by routes over it.
HOST_IP=10.77.0.1 NODE_IP=10.77.0.2 POD_CIDR=10.88.0.0/24 SERVICE_CIDR=10.96.0.0/16 SERVICE_IP=10.96.0.1
NODE_NAME=node1 VETH=chaperone-node CGROUP=chaperone-test PAUSE=chaperone.test/pause:1

log() { echo "$(date +%T) $*" >&2; }
die() { echo "error: $*" >&2; exit 1; }
kubectl() { "$BIN/kubectl" --request-timeout=5s "$@"; }

# start NAME COMMAND...: runs a detached daemon; its output goes to log/NAME.log, its process id to NAME.pid
# (but not for the node's daemons, whose ids mean nothing outside their namespace).
declare -A started
start() {
  local name=$1
  shift
  setsid "$@" >"$LOG/$name.log" 2>&1 </dev/null &
  started[$name]=$!
  [[ $$ == 1 ]] || echo $! >"$STATE/$name.pid"
}

# check_started: ends the script if a daemon that it started has ended.
check_started() {
  local name
  for name in "${!started[@]}"; do
    kill -0 "${started[$name]}" 2>/dev/null || die "$name ended: $(tail -n 3 "$LOG/$name.log")"
  done
}

# alive NAME: whether that daemon runs. A process id taken over by a stranger does not count.
alive() {
  local pid
  pid=$(cat "$STATE/$1.pid" 2>/dev/null) && [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") == *"$STATE"* ]]
}

# wait_for SECONDS WHAT COMMAND...: repeats the command until it succeeds; gives up at once if a started daemon has ended.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    check_started
    ((SECONDS < deadline)) || die "$what is not ready in time; see $LOG"
    sleep 0.1
  done
}
