#!/usr/bin/env bash
# Runs PostgreSQL and Valkey (or Redis) for development until Ctrl-C, as
# .env.example expects them: through compose where a container engine answers,
# else through programs that are installed. Data is kept: in a volume, or in
# data/dev.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && timeout 5 docker version >/dev/null 2>&1; then
  exec docker compose up postgres valkey
fi

find_program() { # NAME...: the first one in PATH or where Debian and Homebrew keep it
  local name found
  for name; do
    if command -v "$name"; then return; fi
    found=$(compgen -G "/usr/lib/postgresql/*/bin/$name" || compgen -G "/opt/homebrew/opt/postgresql*/bin/$name" || true)
    if [ -n "$found" ]; then
      sort -V <<<"$found" | tail -1
      return
    fi
  done
  echo "There is no container engine, and no $* on this machine: install one of the two." >&2
  return 1
}

postgres=$(find_program postgres) initdb=$(find_program initdb) redis=$(find_program valkey-server redis-server)
folder=$PWD/data/dev/postgres

# PostgreSQL refuses to run as root: in a container or on a test machine it is
# given a user of its own, and a folder which that user can reach.
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=postgres --regid=postgres --init-groups)
  folder=/var/tmp/devicegate-dev-postgres
  install -d -o postgres -g postgres -m 700 "$folder"
fi
mkdir -p data/dev "$folder"
if [ ! -e "$folder/PG_VERSION" ]; then
  ${as[@]+"${as[@]}"} "$initdb" -D "$folder" -U devicegate --auth=trust --encoding=UTF8 --no-instructions >/dev/null
  ${as[@]+"${as[@]}"} "$postgres" --single -D "$folder" postgres <<<'CREATE DATABASE devicegate' >/dev/null
fi

pids=()
stop() {
  trap - EXIT INT TERM
  [ ${#pids[@]} = 0 ] || kill -INT "${pids[@]}" 2>/dev/null || true
  wait
}
trap stop EXIT
trap 'exit 0' INT TERM
${as[@]+"${as[@]}"} "$postgres" -D "$folder" -p 5432 -k "$folder" -c listen_addresses=localhost &
pids+=($!)
"$redis" --port 6379 --bind 127.0.0.1 --save '' --appendonly no --loglevel warning &
pids+=($!)
echo 'PostgreSQL: localhost:5432, Redis: localhost:6379. Ctrl-C stops both.'
wait -n
