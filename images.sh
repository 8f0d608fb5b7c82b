#!/usr/bin/env bash
# Builds the images of the end-to-end tests out of the Debian packages that are
# installed on this machine (postgresql, redis-server, busybox-static, tzdata):
# the programs, the libraries they load and a shell. No registry, no base image.
#
#   e2e/images/build.sh postgres|redis NAME
#
# An image that is already there and made of the same packages is kept.
set -euo pipefail
[ $# = 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
what=$1 name=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# add copies a file to the same path, and what its links point to.
add() {
  local file
  for file; do
    [ ! -e "$root$file" ] || continue
    mkdir -p "$root$(dirname "$file")"
    cp -aL "$file" "$root$file"
  done
}

# add_program also copies the libraries that the dynamic linker would load.
add_program() {
  local program libraries
  for program; do
    add "$program"
    mapfile -t libraries < <(ldd "$program" | grep -o '/[^ )]*')
    add "${libraries[@]}"
  done
}

user() { # NAME HOME: the one that the image runs as
  echo "$1:x:999:999::$2:/bin/sh" >"$root/etc/passwd"
  echo "$1:x:999:" >"$root/etc/group"
  install -d -o 999 -g 999 "$root$2"
}

common() {
  local applet
  mkdir -p "$root"/{bin,etc,proc,sys,dev,usr/bin} "$root/tmp"
  chmod 1777 "$root/tmp"
  add /bin/busybox
  for applet in sh cat mkdir printf; do ln -s busybox "$root/bin/$applet"; done
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
}

postgres() {
  local bin lib
  bin=$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -1)
  bin=${bin%/postgres} lib=${bin%/bin}/lib
  user postgres /var/lib/postgresql
  add_program "$bin/postgres" "$bin/initdb" "$bin/pg_isready"
  # All of its modules but the compiler, which would bring LLVM.
  for module in "$lib"/*.so; do
    case $module in */llvmjit*) ;; *) add_program "$module" ;; esac
  done
  tar -cC / "usr/share/postgresql/$(basename "${bin%/bin}")" usr/share/zoneinfo usr/lib/locale/C.utf8 | tar -xC "$root"
  install -m 755 /dev/stdin "$root/entrypoint" <<'SH'
#!/bin/sh
# Makes the cluster on the first start, then runs what it is told to.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  initdb -U "$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
[ -e /tmp/made ] || { printf 'CREATE DATABASE devicegate;\n' | postgres --single -D "$PGDATA" postgres >/dev/null 2>&1 || true; touch /tmp/made; }
exec "$@" -c 'listen_addresses=*' -c unix_socket_directories=/tmp
SH
  # A folder of its own below the mount point: it must belong to the user.
  changes=("USER postgres" "ENV PATH=$bin:/bin LC_ALL=C.UTF-8 PGDATA=/var/lib/postgresql/data/cluster"
    'ENTRYPOINT ["/entrypoint"]' 'CMD ["postgres"]' 'EXPOSE 5432')
}

redis() {
  user redis /data
  add_program /usr/bin/redis-server /usr/bin/redis-cli; ln -s redis-server "$root/usr/bin/valkey-server"; ln -s redis-cli "$root/usr/bin/valkey-cli"
  changes=('USER redis' 'ENV PATH=/usr/bin:/bin' 'WORKDIR /data'
    'CMD ["redis-server","--protected-mode","no","--save","","--appendonly","no"]' 'EXPOSE 6379')
}

case $what in
  postgres) packages='postgresql-[0-9]*' ;;
  redis) packages='redis-server redis-tools' ;;
  *) echo "$0: no image called $what" >&2; exit 2 ;;
esac
# shellcheck disable=SC2086 # several patterns
key=$({ dpkg-query -W $packages busybox-static libc6 tzdata; cat "$0"; } | sha256sum | cut -c1-16)
label=devicegate.e2e.made-of
if [ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$name" 2>/dev/null)" = "$key" ]; then
  exit 0
fi
changes=()
common
"$what"
flags=()
for change in "${changes[@]}" "LABEL $label=$key"; do flags+=(-c "$change"); done
tar -cC "$root" --numeric-owner . | docker import "${flags[@]}" - "$name" >/dev/null
