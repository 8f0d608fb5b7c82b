# shellcheck shell=bash
# Source this. Both functions need root and a folder $work; what apt-get says is
# shown where it fails. The tests start servers of their own: those of the
# packages would take ports, and are not started.

policy=/usr/sbin/policy-rc.d
forbids_servers= # whether that file is ours

install_packages() { # ARGUMENT OF APT-GET INSTALL...
  if [ ! -e "$policy" ]; then
    forbids_servers=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  fi
  local status=0
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 quietly apt-get install -y -qq \
    --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" || status=1
  allow_servers
  return "$status"
}

allow_servers() {
  [ -z "$forbids_servers" ] || rm -f "$policy"
  forbids_servers=
}

# install_backported takes packages, and none but these, from the backports of this
# release of Debian, by the mirror that the machine itself uses. The source is
# named in these calls alone: apt's own configuration stays as it is.
install_backported() { # PACKAGE...
  local suite mirror file key=/usr/share/keyrings/debian-archive-keyring.gpg
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' "Codename: $suite" 'Component: main' | head -1)
  [ -n "$mirror" ] || { echo "no source of apt's is a mirror of Debian's \"$suite\"" >&2; return 1; }
  suite+=-backports
  [ -e "$key" ] && key="[signed-by=$key] " || key=
  echo "deb $key$mirror $suite main" >"$work/backports.list"
  file=$(apt-config shell file Dir::Etc::SourceList/f)
  eval "$file"
  cat "$file" "$work/backports.list" >"$work/sources.list" 2>/dev/null
  quietly apt-get update -qq -o Dir::Etc::SourceList="$work/backports.list" -o Dir::Etc::SourceParts=- \
    -o APT::Get::List-Cleanup=false -o APT::Update::Error-Mode=any \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 &&
    install_packages -o Dir::Etc::SourceList="$work/sources.list" "${@/%//$suite}"
  local status=$?
  rm -f /var/lib/apt/lists/*_dists_"$suite"_*
  return "$status"
}

quietly() { # COMMAND...
  local log=$work/quietly.log
  "$@" >"$log" 2>&1 || { tail -20 "$log" >&2; return 1; }
}
