#!/usr/bin/env bash
#
# Makes the container images that the chart runs, without a container engine: an archive that is both an OCI layout and
# what `docker load` takes.
#
#   charts/image.sh sidecar|operator FILE.tar [NAME:TAG]
#
# An image has one layer and nothing of a distribution: a Java runtime made by jlink, the program, the shared libraries
# of this machine that ldd names for them, and for the launcher a shell and sleep. The same input gives the same digest.
#
#   CHAPERONE_IMAGE_JDK   the JDK to make the runtime from; else a JDK 25 of /usr/lib/jvm, else that of javac
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export LC_ALL=C TZ=UTC

die() {
  printf 'image.sh: %s\n' "$1" >&2
  exit 2
}

usage="usage: image.sh sidecar|operator FILE.tar [NAME:TAG]"
(($# == 2 || $# == 3)) || die "$usage"
program=$1 archive=$2
version=$(sed -n 's|^  <version>\(.*\)</version>$|\1|p' "$home/pom.xml" | head -n 1)
name=${3:-chaperone-$program:$version}
[[ $name =~ ^[a-z0-9][-a-z0-9._:/]*:[A-Za-z0-9_][-A-Za-z0-9._]*$ ]] || die "$name is not NAME:TAG"
for tool in tar sha256sum ldd; do command -v "$tool" >/dev/null || die "$tool is not on the PATH"; done

# What a program needs of Java besides what its own code names is found by name when it runs: TLS, DNS, zip files.
case $program in
  sidecar)
    user=64532
    modules=java.base,java.logging,java.management,java.naming,java.security.sasl,java.sql,java.xml,jdk.httpserver,jdk.management,jdk.net,jdk.unsupported
    ;;
  operator)
    user=65532
    modules=java.base,java.compiler,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,java.rmi,java.security.jgss,java.security.sasl,java.sql,java.transaction.xa,java.xml,jdk.httpserver,jdk.jfr,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs
    ;;
  *) die "$usage" ;;
esac

find_jdk() {
  local candidate
  for candidate in "${CHAPERONE_IMAGE_JDK:-}" /usr/lib/jvm/*25* "${JAVA_HOME:-}" \
    "$(dirname "$(dirname "$(readlink -f "$(command -v javac || true)")")")"; do
    if [ -n "$candidate" ] && [ -x "$candidate/bin/jlink" ]; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  die "no JDK with jlink was found: set CHAPERONE_IMAGE_JDK"
}
jdk=$(find_jdk)
release=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$jdk/release")
# From 22 on this is part of java.base.
((release >= 22)) || modules+=,jdk.crypto.ec

work=$(mktemp -d)
place=
trap 'rm -rf "$work" ${place:+"$place"}' EXIT
root=$work/root opt=$work/root/opt/chaperone
mkdir -p "$opt" "$root"/{bin,etc,tmp,usr/local/bin}

make_runtime() {
  local options=(--strip-debug --no-header-files --no-man-pages)
  # Classes that are loaded at each start are kept as they are in memory: half of the start is saved.
  ((release < 21)) || options+=(--generate-cds-archive)
  "$jdk/bin/jlink" --add-modules "$modules" "${options[@]}" --output "$opt/java" >"$work/jlink.log" 2>&1 ||
    { cat "$work/jlink.log" >&2; die "jlink failed"; }
  # Debian's JDK has a link to the machine's authorities there.
  rm -f "$opt/java/lib/security/cacerts"
  cp -L "$jdk/lib/security/cacerts" "$opt/java/lib/security/cacerts"
  rm -rf "$opt/java/legal"
  # Archives for heaps of more than 32 GiB, and for another layout of objects.
  rm -f "$opt"/java/lib/server/classes_*.jsa
}

copy_program() {
  local source=$home/$program/src/main/image jar
  cp "$source/chaperone-$program" "$root/usr/local/bin/"
  cp "$source/java.options" "$opt/java.options"
  if ((release >= 23)); then
    # Netty uses what these releases warn of.
    echo '--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED' >>"$opt/java.options"
  fi
  if [ "$program" = operator ]; then
    [ -f "$home/operator/target/quarkus-app/quarkus-run.jar" ] || die "operator is not built: run 'mvn -DskipTests package'"
    cp -R "$home/operator/target/quarkus-app" "$opt/app"
    rm -f "$opt/app/quarkus-app-dependencies.txt"
    return
  fi
  jar=$home/sidecar/target/chaperone-sidecar-$version.jar
  [ -f "$jar" ] && [ -d "$home/sidecar/target/lib" ] || die "sidecar is not built: run 'mvn -DskipTests package'"
  mkdir "$opt/lib"
  cp "$jar" "$home/sidecar/target/lib/"*.jar "$opt/lib/"
}

# The archive tells where it was made: always at the same place, by one at a time. Who was killed there is gone.
take_place() {
  local here=/tmp/chaperone-image patience=300 owner
  until mkdir -m 700 "$here" 2>/dev/null; do
    if [ -O "$here" ] && read -r owner 2>/dev/null <"$here/owner" && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$here"
      continue
    fi
    ((patience-- > 0)) || die "$here is there: remove it, if no other image is being made"
    sleep 1
  done
  place=$here
  echo $$ >"$place/owner"
}

# The gateway's classes as they are in memory: half of what a start takes is to read them. They are found again only
# where the class path is the same, in the same order, with the same times. sidecar/src/main/image/classes.lst says which.
archive_classes() {
  [ "$program" = sidecar ] || return 0
  local jar path=
  for jar in "$opt/lib/"*.jar; do path+=:/opt/chaperone/lib/${jar##*/}; done
  path=${path#:}
  echo "-cp $path" >>"$opt/java.options"
  # Before, jars had to be where they were when the archive was made.
  ((release >= 21)) || return 0
  take_place
  mv "$opt" "$place/opt"
  find "$place" -type f -exec touch -d @0 {} +
  "$place/opt/java/bin/java" @"$place/opt/java.options" -Xmx512m -Xshare:dump -Xlog:disable -Xlog:all=error:stderr \
    -XX:SharedClassListFile="$home/sidecar/src/main/image/classes.lst" \
    -XX:SharedArchiveFile="$place/opt/classes.jsa" -cp "${path//\/opt\/chaperone/$place/opt}" >"$work/archive.log" 2>&1 ||
    { cat "$work/archive.log" >&2; die "the classes cannot be archived"; }
  mv "$place/opt" "$opt"
  rm -rf "$place"
  place=
  echo '-XX:SharedArchiveFile=/opt/chaperone/classes.jsa' >>"$opt/java.options"
  # It has those of Java itself too.
  rm -f "$opt"/java/lib/server/classes*.jsa
}

# Shared libraries at the very place where ldd finds them, the loader included.
copy_libraries() {
  local library
  # dash: it is all shell, and brings no other program along.
  if command -v dash >/dev/null; then
    cp -L "$(command -v dash)" "$root/bin/sh"
  else
    cp -L /bin/sh "$root/bin/sh"
  fi
  cp -L "$(command -v sleep)" "$root/bin/sleep"
  # What the program brings along in its jars needs libraries too; ldd says nothing of another machine's kind.
  mkdir "$work/native"
  for library in "$opt/lib/"*-native-*.jar; do
    [ ! -f "$library" ] || (cd "$work/native" && "$jdk/bin/jar" xf "$library")
  done
  find "$opt/java" "$root/bin" "$work/native" -type f \( -name '*.so' -o -perm -u+x \) -print0 |
    { xargs -0 -n 1 ldd 2>/dev/null || :; } |
    sed -n -e 's/.*=> \(\/[^ ]*\) (.*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' |
    sort -u >"$work/libraries"
  sed -i -e "\\|^$root/|d" -e "\\|^$work/|d" "$work/libraries"
  while IFS= read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done <"$work/libraries"
  [ -s "$work/libraries" ] || die "ldd names no libraries; is this a Linux with glibc?"
}

# package_of FILE: the Debian package that a file of this machine is of, as NAME VERSION ARCHITECTURE; nothing elsewhere.
package_of() {
  local owner place
  command -v dpkg-query >/dev/null || return 0
  # What is below /lib may be known as below /usr/lib, and the other way round.
  for place in "$1" "$(readlink -f "$1")" "/usr$1" "${1#/usr}"; do
    if owner=$(dpkg-query -S "$place" 2>/dev/null); then
      # shellcheck disable=SC2016 # the format is dpkg's
      dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' "${owner%%: *}" | head -n 1
      return
    fi
  done
}

sha256_of() {
  sha256sum "$1" | cut -c1-64
}

# jar_of GROUP ARTIFACT CLASSIFIER VERSION: where the image has it; nothing where it has not.
jar_of() {
  local name=$2-$4${3:+-$3}.jar place
  for place in "$opt/lib/$name" "$opt/app/lib/main/$1.$name" "$opt/app/lib/boot/$1.$name"; do
    if [ -f "$place" ]; then printf '%s\n' "$place"; fi
  done
}

program_components() {
  local group artifact type classifier version jar
  while IFS=: read -r group artifact type classifier version; do
    [ -n "$version" ] || version=$classifier classifier=
    jar=$(jar_of "$group" "$artifact" "$classifier" "$version")
    [ -n "$jar" ] || continue
    printf ',\n{"type":"library","group":"%s","name":"%s","version":"%s",' "$group" "$artifact" "$version"
    printf '"purl":"pkg:maven/%s/%s@%s?type=%s%s",' "$group" "$artifact" "$version" "$type" "${classifier:+&classifier=$classifier}"
    printf '"hashes":[{"alg":"SHA-256","content":"%s"}]}' "$(sha256_of "$jar")"
  done < <(sed -n 's/^ *\([^: ]*:[^: ]*:jar:[^ ]*\).*/\1/p' "$home/$program/target/dependencies.txt")
}

machine_components() {
  local file name version architecture
  printf ',\n{"type":"platform","name":"Java runtime","publisher":"%s","version":"%s"}' \
    "$(sed -n 's/^IMPLEMENTOR="\(.*\)"$/\1/p' "$jdk/release" | tr -d '"\\')" \
    "$(sed -n 's/^JAVA_RUNTIME_VERSION="\(.*\)"$/\1/p' "$jdk/release")"
  while IFS= read -r file; do
    package_of "$file" >>"$work/packages"
    printf ',\n{"type":"file","name":"%s","hashes":[{"alg":"SHA-256","content":"%s"}]}' "$file" "$(sha256_of "$file")"
  done <"$work/libraries"
  command -v dash >/dev/null && package_of "$(command -v dash)" >>"$work/packages"
  package_of "$(command -v sleep)" >>"$work/packages"
  sort -u "$work/packages" | while read -r name version architecture; do
    printf ',\n{"type":"library","name":"%s","version":"%s","purl":"pkg:deb/%s/%s@%s?arch=%s"}' \
      "$name" "$version" "$(. /etc/os-release && printf %s "$ID")" "$name" "${version//+/%2B}" "$architecture"
  done
}

# What is in the image, for scanners, as CycloneDX.
copy_inventory() {
  [ -f "$home/$program/target/dependencies.txt" ] || die "$program is not built: run 'mvn -DskipTests package'"
  mkdir -p "$root/usr/share/sbom"
  {
    printf '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[\n'
    printf '{"type":"application","name":"chaperone-%s","version":"%s"}' "$program" "$version"
    program_components
    machine_components
    printf '\n]}\n'
  } >"$root/usr/share/sbom/chaperone-$program.cdx.json"
}

copy_settings() {
  printf 'root:x:0:0::/:/nowhere\nchaperone:x:%d:%d::/tmp:/nowhere\n' $user $user >"$root/etc/passwd"
  printf 'root:x:0:\nchaperone:x:%d:\n' $user >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
}

# blob MEDIA_TYPE: stores standard input and prints its descriptor, as the OCI image specification calls it.
blob() {
  local digest
  cat >"$work/blob"
  digest=$(sha256sum "$work/blob" | cut -c1-64)
  printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d' "$1" "$digest" "$(stat -c %s "$work/blob")"
  mv "$work/blob" "$work/image/blobs/sha256/$digest"
}

digest_of() {
  [[ $1 =~ sha256:([0-9a-f]{64}) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# Fixed order, owner and time: the same content gives the same bytes.
pack() {
  tar -C "$1" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - "${@:2}"
}

make_image() {
  local arch layer config manifest full=$name
  case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
  chmod -R u=rwX,go=rX "$root"
  chmod 1777 "$root/tmp"
  mkdir -p "$work/image/blobs/sha256"
  layer=$(pack "$root" . | blob layer.v1.tar)
  config=$(printf '{"architecture":"%s","os":"linux","config":{"User":"%d:%d","Env":["PATH=/usr/local/bin:/bin","LANG=C.UTF-8"],"WorkingDir":"/tmp","Entrypoint":["chaperone-%s"],"Labels":{"org.opencontainers.image.title":"chaperone-%s","org.opencontainers.image.version":"%s"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$arch" $user $user "$program" "$program" "$version" "$(digest_of "$layer")" | blob config.v1+json)
  manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}]}' \
    "$config" "$layer" | blob manifest.v1+json)
  # Kubernetes and Docker read a name without a registry as one of docker.io.
  [[ $name == */* ]] || full=docker.io/library/$name
  printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}' \
    "$manifest" "$full" "${name##*:}" >"$work/image/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
  printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"],"Layers":["blobs/sha256/%s"]}]' \
    "$(digest_of "$config")" "$name" "$(digest_of "$layer")" >"$work/image/manifest.json"
  pack "$work/image" blobs index.json manifest.json oci-layout >"$archive.new"
  mv "$archive.new" "$archive"
  printf '%s sha256:%s\n' "$full" "$(digest_of "$manifest")"
}

make_runtime
copy_program
copy_libraries
archive_classes
copy_inventory
copy_settings
make_image
