#!/bin/bash
# Starts a cluster and prints the path of its admin kubeconfig.
# usage: up.sh            control plane on 127.0.0.1; needs no privileges
#        up.sh --node     control plane and one node that runs pods; needs root
# CHAPERONE_KUBERNETES_APISERVER_FLAGS adds flags to the API server.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$HERE/pki.sh"

node=false tools=(openssl setsid)
[[ ${1:-} != --node ]] || node=true
(($# == 0)) || $node || die "usage: up.sh [--node]"
if $node; then
  tools+=(ip nsenter unshare)
  [[ $(id -u) == 0 ]] || die "a node needs root"
  ! ip link show $VETH >/dev/null 2>&1 || die "a cluster with a node runs already on this machine"
  for dir in "$HERE" "$CACHE" "$STATE"; do
    [[ ! $(realpath "$dir") =~ ^/(run|var/lib|var/log)/ ]] || die "the node does not see $dir; it hides /run, /var/lib and /var/log"
  done
fi
for tool in "${tools[@]}"; do command -v "$tool" >/dev/null || die "$tool is not on the PATH"; done
[[ -x $BIN/kubectl ]] && { ! $node || [[ -x $BIN/nft ]]; } || die "not everything is built in $BIN; run build.sh"
! alive kube-apiserver || die "a cluster already runs in $STATE; run down.sh or set another CHAPERONE_KUBERNETES_STATE"
mkdir -p "$LOG" "$NODE"
cd "$STATE"
trap 'code=$?; ((code == 0)) || "$HERE/down.sh"; exit $code' EXIT

# Three free ports in a row, below the range that the kernel hands out itself.
free_ports() {
  local base port
  while :; do
    base=$((20000 + RANDOM % 12000))
    for port in $base $((base + 1)) $((base + 2)); do
      (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue 2
    done
    echo $base && return
  done
}
port=$(free_ports)
address=127.0.0.1 apiserver_port=$((port + 2))
if $node; then
  address=$HOST_IP apiserver_port=6443
  # The node's namespaces first: the API server binds to the host's end of the veth pair.
  start node unshare --net --mount --pid --fork --kill-child --propagation private "$HERE/node.sh" "$STATE"
  wait_for 10 "the node's namespace" test -s "$STATE/node-init.pid"
  ip link add $VETH type veth peer name eth0 netns "$(cat "$STATE/node-init.pid")"
  ip addr add $HOST_IP/24 dev $VETH
  ip link set $VETH up
  ip route add $POD_CIDR via $NODE_IP
  ip route add $SERVICE_CIDR via $NODE_IP
fi
SERVER=https://$address:$apiserver_port
make_pki

etcd=https://127.0.0.1:$port peer=https://127.0.0.1:$((port + 1))
start etcd "$BIN/etcd" --name=etcd --data-dir="$STATE/etcd" --unsafe-no-fsync --log-level=warn \
  --listen-client-urls=$etcd --advertise-client-urls=$etcd \
  --cert-file="$PKI/etcd.crt" --key-file="$PKI/etcd.key" --trusted-ca-file="$PKI/ca.crt" --client-cert-auth \
  --listen-peer-urls=$peer --initial-advertise-peer-urls=$peer --initial-cluster=etcd=$peer \
  --peer-cert-file="$PKI/etcd.crt" --peer-key-file="$PKI/etcd.key" --peer-trusted-ca-file="$PKI/ca.crt" --peer-client-cert-auth

start kube-apiserver "$BIN/kube-apiserver" --bind-address=$address --secure-port=$apiserver_port --advertise-address=$address \
  --etcd-servers=$etcd --etcd-cafile="$PKI/ca.crt" --etcd-certfile="$PKI/etcd.crt" --etcd-keyfile="$PKI/etcd.key" \
  --tls-cert-file="$PKI/kube-apiserver.crt" --tls-private-key-file="$PKI/kube-apiserver.key" --client-ca-file="$PKI/ca.crt" \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file="$PKI/service-account.pub" --service-account-signing-key-file="$PKI/service-account.key" \
  --service-cluster-ip-range=$SERVICE_CIDR --allow-privileged \
  --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" --kubelet-certificate-authority="$PKI/ca.crt" \
  --kubelet-preferred-address-types=InternalIP \
  --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key" \
  $($node || echo --endpoint-reconciler-type=none) ${CHAPERONE_KUBERNETES_APISERVER_FLAGS:-}
export KUBECONFIG=$PKI/admin.kubeconfig KUBECACHEDIR=$STATE/kubectl
wait_for 60 "the API server" kubectl get --raw /readyz

start kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig="$PKI/kube-controller-manager.kubeconfig" \
  --use-service-account-credentials --service-account-private-key-file="$PKI/service-account.key" --root-ca-file="$PKI/ca.crt" \
  --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" --leader-elect=false --secure-port=0 \
  --kube-api-qps=200 --kube-api-burst=400   # the defaults make the first start 5 s slower
if $node; then
  start kube-scheduler "$BIN/kube-scheduler" --kubeconfig="$PKI/kube-scheduler.kubeconfig" --leader-elect=false --secure-port=0
  kubectl apply -f - >/dev/null <<EOF
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: coredns},
  rules: [{apiGroups: ["", discovery.k8s.io], resources: [services, namespaces, endpointslices], verbs: [list, watch]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: coredns},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: coredns},
  subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "system:coredns"}]}
EOF
fi
wait_for 60 "the default service account" kubectl get serviceaccount default
if $node; then
  wait_for 30 containerd "$HERE/in-node.sh" ctr version
  "$HERE/image.sh" $PAUSE "$BIN/pause" /pause 2>"$LOG/image.log"
  # kubelet's own answer first: after a restart the stored condition is an old one.
  wait_for 60 "kubelet" kubectl get --raw /api/v1/nodes/$NODE_NAME/proxy/healthz
  wait_for 60 "the node" kubectl wait node/$NODE_NAME --for=condition=Ready --timeout=1s
fi
echo "$KUBECONFIG"
