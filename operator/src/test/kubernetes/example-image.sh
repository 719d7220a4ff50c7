#!/bin/bash
# Gives the running node an image with what the pods of an example run: this machine's PostgreSQL (server and psql), and
# a Java runtime with a class path of the caller's. No container engine: files are copied with the libraries that ldd
# names for them.
# usage: example-image.sh NAME:TAG CLASSPATH_ENTRY...     directories and jars; their content is below /opt/java-agent
# In it: `database` starts an empty PostgreSQL in /data, `psql`, `java -cp '/opt/java-agent:/opt/java-agent/*'`.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
(($# >= 2)) || die "usage: example-image.sh NAME:TAG CLASSPATH_ENTRY..."
name=$1
shift
servers=(/usr/lib/postgresql/*/bin/postgres)
server=${servers[-1]%/bin/postgres}
version=${server##*/}
[[ -x $server/bin/initdb && -d /usr/share/postgresql/$version ]] || die "no PostgreSQL server is installed: apt-get install postgresql"
jdk=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
[[ -x $jdk/bin/jlink ]] || die "no JDK with jlink is on the PATH"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,data,etc,opt,tmp,usr/local/bin,usr/share} "$root$server"/{bin,lib}

# PostgreSQL finds its files at the places it was built for.
cp -L "$server"/bin/{initdb,pg_isready,postgres,psql} "$root$server/bin/"
cp -L "$server"/lib/{dict_snowball,plpgsql}.so "$root$server/lib/"
mkdir -p "$root/usr/share/postgresql"
cp -RL "/usr/share/postgresql/$version" "$root/usr/share/postgresql/"
[[ ! -d /usr/share/zoneinfo ]] || cp -RL /usr/share/zoneinfo "$root/usr/share/"
"$jdk/bin/jlink" --add-modules java.base,java.logging,java.management,java.naming,java.security.sasl,java.sql,jdk.crypto.ec \
  --strip-debug --no-header-files --no-man-pages --output "$root/opt/java" >&2
mkdir "$root/opt/java-agent"
for entry; do
  if [[ -d $entry ]]; then cp -R "$entry/." "$root/opt/java-agent/"; else cp "$entry" "$root/opt/java-agent/"; fi
done
cp -L "$(command -v dash)" "$root/bin/sh"
for tool in cat mkdir sleep; do cp -L "$(command -v $tool)" "$root/bin/"; done
ln -s "$server"/bin/{initdb,pg_isready,postgres,psql} /opt/java/bin/java "$root/usr/local/bin/"

find "$root" -type f \( -name '*.so' -o -perm -u+x \) -print0 | xargs -0 -n 1 ldd 2>/dev/null |
  sed -n -e 's/.*=> \(\/[^ ]*\) (.*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u >"$work/libraries"
while IFS= read -r library; do
  [[ $library != "$root"/* ]] || continue
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done <"$work/libraries"

# Whoever runs it needs a name: PostgreSQL asks for one.
printf 'root:x:0:0::/:/bin/sh\nexample:x:1000:1000::/tmp:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nexample:x:1000:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
cat >"$root/usr/local/bin/database" <<'EOF'
#!/bin/sh
# A PostgreSQL, empty at first: the administrator without a password from within, everybody else with one.
set -eu
data=/data/cluster
if ! [ -s $data/pg_hba.conf ]; then
  initdb -D $data -U postgres --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C --no-sync --no-instructions
  echo 'host all all all scram-sha-256' >>$data/pg_hba.conf
fi
exec postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp -c password_encryption=scram-sha-256 \
  -c jit=off -c fsync=off -c shared_buffers=32MB
EOF
chmod 755 "$root/usr/local/bin/database"
chmod -R u=rwX,go=rX "$root"
chmod 1777 "$root/tmp" "$root/data"
IMAGE_USER=1000 "$HERE/image.sh" "$name" "$root"
