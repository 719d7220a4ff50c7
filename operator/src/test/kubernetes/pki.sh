# Keys, certificates and kubeconfigs of one cluster, by openssl alone. Sourced by up.sh.

# certificate NAME SUBJECT [SAN]: a key pair signed by the cluster's CA, for client and server use.
certificate() {
  local name=$1 subject=$2 san=${3:-} key=(ec -pkeyopt ec_paramgen_curve:prime256v1)
  [[ $name != admin ]] || key=(rsa:2048)   # some Java clients take every PKCS#8 key for an RSA key
  openssl req -new -newkey "${key[@]}" -nodes -keyout "$PKI/$name.key" -subj "$subject" 2>/dev/null |
    openssl x509 -req -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -days 365 -out "$PKI/$name.crt" \
      -extfile <(echo "extendedKeyUsage=clientAuth,serverAuth"; [[ -z $san ]] || echo "subjectAltName=$san") 2>/dev/null
}

# front_proxy: what the API server proves itself with where it asks other API servers, under an authority of its own.
front_proxy() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req -x509 "${key[@]}" -days 365 -subj /CN=test-front-proxy-ca \
    -keyout "$PKI/front-proxy-ca.key" -out "$PKI/front-proxy-ca.crt" 2>/dev/null
  openssl req -new "${key[@]}" -keyout "$PKI/front-proxy-client.key" -subj /CN=front-proxy-client 2>/dev/null |
    openssl x509 -req -CA "$PKI/front-proxy-ca.crt" -CAkey "$PKI/front-proxy-ca.key" -days 365 \
      -out "$PKI/front-proxy-client.crt" -extfile <(echo "extendedKeyUsage=clientAuth") 2>/dev/null
}

# kubeconfig NAME: written beside the key pair of that name.
kubeconfig() {
  cat >"$PKI/$1.kubeconfig" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: chaperone-test, cluster: {server: "$SERVER", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
contexts: [{name: chaperone-test, context: {cluster: chaperone-test, user: $1}}]
current-context: chaperone-test
EOF
}

make_pki() {
  (umask 077; mkdir -p "$PKI")
  if [[ ! -e $PKI/complete ]]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=test-ca \
      -keyout "$PKI/ca.key" -out "$PKI/ca.crt" 2>/dev/null
    openssl genrsa -out "$PKI/service-account.key" 2048 2>/dev/null
    openssl rsa -in "$PKI/service-account.key" -pubout -out "$PKI/service-account.pub" 2>/dev/null
    certificate kube-apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$HOST_IP,IP:$SERVICE_IP"
    certificate etcd /CN=etcd DNS:localhost,IP:127.0.0.1
    certificate admin /O=system:masters/CN=admin
    certificate kube-controller-manager /CN=system:kube-controller-manager
    certificate kube-scheduler /CN=system:kube-scheduler
    certificate kube-proxy /CN=system:kube-proxy
    certificate coredns /CN=system:coredns
    certificate kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" "DNS:$NODE_NAME,IP:$NODE_IP"
    touch "$PKI/complete"
  fi
  [[ -e $PKI/front-proxy-client.crt ]] || front_proxy
  local user
  for user in admin kube-controller-manager kube-scheduler kube-proxy coredns kubelet; do kubeconfig "$user"; done
}
