#!/bin/bash
# The node: first process of its own process, mount and network namespaces. Started by up.sh --node, never by hand.
# What it mounts, sets and starts ends with it; the machine's own files, settings and firewall are not touched.
export CHAPERONE_KUBERNETES_STATE=$1
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

read -r outer_pid _ </proc/self/stat   # still the machine's /proc: the process id as others see it
mount -t proc proc /proc

# Private /run, /var/lib and /var/log: some paths below them are fixed in kubelet, containerd and the CNI plugins.
for dir in var/lib var/log; do
  mkdir -p "$NODE/$dir"
  mount --bind "$NODE/$dir" "/$dir"
done
mount -t tmpfs -o mode=755 tmpfs /run
# kubelet writes these settings for the whole machine; here it writes to plain files instead.
for setting in vm/overcommit_memory kernel/panic kernel/panic_on_oops; do
  copy=$NODE/$(basename $setting)
  cat /proc/sys/$setting >"$copy"
  mount --bind "$copy" /proc/sys/$setting
done
mount --make-rshared /   # volumes mounted by kubelet must reach containers

echo "$outer_pid" >"$STATE/node-init.pid"
wait_for 10 "the link to the host" ip link show eth0
ip link set lo up
ip addr add $NODE_IP/24 dev eth0
ip link set eth0 up
echo 1 >/proc/sys/net/ipv4/ip_forward                   # these two belong to the network namespace
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables    # a Service whose pod is on the same bridge needs it

# kubelet wants its root cgroup to exist: in each controller's tree of cgroup v1, in the one tree of v2.
trees=(/sys/fs/cgroup/*/)
[[ ! -e /sys/fs/cgroup/cgroup.procs ]] || trees=(/sys/fs/cgroup/)
for tree in "${trees[@]}"; do
  mkdir -p "$tree$CGROUP"
  for setting in cpuset.cpus cpuset.mems; do   # v1 starts them empty
    [[ ! -e $tree$setting ]] || cat "$tree$setting" >"$tree$CGROUP/$setting"
  done
done

export PATH=$BIN:$PATH
echo >"$NODE/resolv.conf"
cat >"$NODE/containerd.toml" <<EOF
version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '$PAUSE'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true   # lowering the score needs CAP_SYS_RESOURCE, which containers and some VMs lack
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['$BIN/cni']
    conf_dir = '$NODE/cni'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = '$BIN/runc'
EOF
mkdir -p "$NODE/cni"
cat >"$NODE/cni/pods.conflist" <<EOF
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "$POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "backend": "nftables"}]}
EOF
cat >"$NODE/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$PKI/ca.crt"}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
makeIPTablesUtilChains: false
clusterDNS: [$NODE_IP]
clusterDomain: cluster.local
resolvConf: $NODE/resolv.conf
evictionHard: {memory.available: 200Mi}   # a full disk of the machine is not the cluster's business
imageGCHighThresholdPercent: 100
syncFrequency: 10s   # how soon a changed Secret is in a pod; the default is a minute
EOF
cat >"$NODE/kube-proxy.yaml" <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
hostnameOverride: $NODE_NAME
clusterCIDR: $POD_CIDR
detectLocalMode: ClusterCIDR
clientConnection: {kubeconfig: "$PKI/kube-proxy.kubeconfig"}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}   # machine-wide settings
EOF
cat >"$NODE/Corefile" <<EOF
.:53 {
  bind $NODE_IP
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $PKI/coredns.kubeconfig
  }
}
EOF

start containerd containerd --config "$NODE/containerd.toml"
wait_for 60 "the API server" kubectl --kubeconfig="$PKI/kubelet.kubeconfig" get --raw /readyz
wait_for 30 containerd ctr version
start kubelet kubelet --config="$NODE/kubelet.yaml" --kubeconfig="$PKI/kubelet.kubeconfig" --hostname-override=$NODE_NAME --node-ip=$NODE_IP
start kube-proxy kube-proxy --config="$NODE/kube-proxy.yaml"
start coredns coredns -conf "$NODE/Corefile"
wait -n || true   # a node that lost one of its daemons is no node: end all, so that the failure is seen
check_started
