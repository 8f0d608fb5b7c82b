# shellcheck shell=bash
# Source this. start_docker makes a Docker engine answer: the one that is there,
# or Debian's, started by hand because no init system can be counted on. It
# needs root. stop_docker ends only an engine that start_docker started.

docker_pid=

docker_answers() { timeout 5 docker version >/dev/null 2>&1; }

start_docker() {
  docker_answers && return
  # Another engine was asked for: starting one here would not be it.
  [ -z "${DOCKER_HOST:-}" ] || { echo "no engine answers at DOCKER_HOST" >&2; return 1; }
  [ "$(id -u)" = 0 ] || { echo 'starting a Docker engine needs root' >&2; return 1; }
  command -v dockerd >/dev/null || { echo 'dockerd is not installed' >&2; return 1; }
  if [ ! -e /sys/fs/cgroup/cgroup.controllers ] && ! mountpoint -q /sys/fs/cgroup; then
    mount -t cgroup2 none /sys/fs/cgroup || return 1
  fi
  # After a kill these name processes that are gone, or by now others; dockerd
  # would refuse to start, or wait long for them.
  local file
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    [ -s "$file" ] || continue
    case $(readlink "/proc/$(cat "$file")/exe") in
      */dockerd | */containerd) ;;
      *) rm -f "$file" ;;
    esac
  done
  # Its own session: a ^C must not end it before the containers are removed.
  local log=${TMPDIR:-/tmp}/dockerd.log deadline=$((SECONDS + 60))
  setsid dockerd --log-level warn </dev/null >"$log" 2>&1 &
  docker_pid=$!
  until docker_answers; do
    if ! kill -0 "$docker_pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
      tail -5 "$log" >&2
      stop_docker
      return 1
    fi
    sleep 0.2
  done
}

stop_docker() {
  [ -n "$docker_pid" ] || return 0
  kill "$docker_pid" 2>/dev/null || true
  local i
  for ((i = 0; i < 100; i++)); do
    kill -0 "$docker_pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$docker_pid" 2>/dev/null || true
  wait "$docker_pid" 2>/dev/null || true
  docker_pid=
}
