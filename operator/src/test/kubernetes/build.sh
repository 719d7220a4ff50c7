#!/bin/bash
# Builds Kubernetes, helm and an S3 server from source into $CHAPERONE_KUBERNETES_HOME/bin, only what is missing or out of date.
# usage: build.sh [storage|control-plane|node]     each includes the ones before it; node is the default
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

what=${1:-node}
[[ $what == storage || $what == control-plane || $what == node ]] || die "usage: build.sh [storage|control-plane|node]"
for tool in go flock; do command -v $tool >/dev/null || die "$tool is not on the PATH"; done
mkdir -p "$BIN/cni" "$BIN/pause" "$CACHE/go/tmp" "$CACHE/built"

# Two builds into the same place: the second one waits, and then finds everything built.
exec 9>"$CACHE/lock"
flock --nonblock 9 || { log "another build is running; waiting for it"; flock 9; }

# Go's caches stay below $CACHE. They may be deleted once the binaries are built.
export GOMODCACHE=$CACHE/go/mod GOCACHE=$CACHE/go/build GOTMPDIR=$CACHE/go/tmp
export CGO_ENABLED=0 GOFLAGS="-modcacherw -trimpath -buildvcs=false" GOWORK=off

# build MODULE LDFLAGS NAME=PACKAGE...: a binary is current if it was built from the module's present files.
build() {
  local module=$HERE/tools/$1 ldflags=$2 item name from stamp
  shift 2
  stamp=$(cd "$module" && sha256sum -- *)
  for item; do
    name=${item%%=*}
    from=$CACHE/built/${name##*/}
    [[ -x $BIN/$name && $(cat "$from" 2>/dev/null) == "$stamp" ]] && continue
    log "building $name"
    (cd "$module" && go build -ldflags "-s -w $ldflags" -o "$BIN/$name.new" "${item#*=}") >"$CACHE/build.log" 2>&1 9>&- ||
      { cat "$CACHE/build.log" >&2; die "$name was not built"; }
    mv "$BIN/$name.new" "$BIN/$name"
    echo "$stamp" >"$from"
  done
}

# module_version MODULE PATH: the version of a module that another one requires.
module_version() { sed -n "s|^\(require \)\?\t\?$2 \(v[0-9.]*\).*|\2|p" "$HERE/tools/$1/go.mod"; }

build versitygw "" versitygw=github.com/versity/versitygw/cmd/versitygw
[[ $what == storage ]] && exit 0

# Without these values the binaries take themselves for v0.0.0 and version checks fail.
version=$(module_version kubernetes k8s.io/kubernetes)
minor=${version#v1.} minor=${minor%%.*}
x="-X k8s.io/component-base/version"
ldflags="$x.gitVersion=$version $x.gitMajor=1 $x.gitMinor=$minor $x.gitTreeState=clean"
k=k8s.io/kubernetes/cmd
build kubernetes "$ldflags" etcd=go.etcd.io/etcd/server/v3 \
  kube-apiserver=$k/kube-apiserver kube-controller-manager=$k/kube-controller-manager kubectl=$k/kubectl
build helm "-X helm.sh/helm/v3/internal/version.version=$(module_version helm helm.sh/helm/v3)" helm=helm.sh/helm/v3/cmd/helm
[[ $what == node ]] || exit 0

build kubernetes "$ldflags" kubelet=$k/kubelet kube-scheduler=$k/kube-scheduler kube-proxy=$k/kube-proxy
c=github.com/containerd/containerd/v2/cmd
build containerd "" containerd=$c/containerd containerd-shim-runc-v2=$c/containerd-shim-runc-v2 ctr=$c/ctr
p=github.com/containernetworking/plugins/plugins
build cni "" cni/bridge=$p/main/bridge cni/loopback=$p/main/loopback cni/host-local=$p/ipam/host-local cni/portmap=$p/meta/portmap
build coredns "" coredns=.
build pause "" pause/pause=.

# runc and nft come from Debian: unpacked, not installed, so the system stays as it is. The cache may be moved later.
debs=$CACHE/debs
if [[ ! -x $debs/root/usr/sbin/runc || ! -x $BIN/nft ]]; then
  log "fetching runc and nft"
  rm -rf "$debs" && mkdir -p "$debs/root" && cd "$debs"
  packages=(runc libseccomp2 nftables libnftables1 libnftnl11 libmnl0 libjansson4 libedit2 libbsd0 libmd0 libxtables12)
  { apt-get download "${packages[@]}" || { apt-get update && apt-get download "${packages[@]}"; }; } >"$CACHE/build.log" 2>&1 ||
    { cat "$CACHE/build.log" >&2; die "runc and nft were not fetched"; }
  for deb in *.deb; do dpkg -x "$deb" root; done
  for tool in runc nft; do
    printf '#!/bin/sh\nroot=$(dirname "$(readlink -f "$0")")/../debs/root\nLD_LIBRARY_PATH=$root/usr/lib/%s-linux-gnu exec "$root/usr/sbin/%s" "$@"\n' \
      "$(uname -m)" $tool >"$BIN/$tool"
    chmod +x "$BIN/$tool"
  done
fi
