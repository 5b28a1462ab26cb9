# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share: where the project is, which Debian packages a command
# needs, how it is built. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${GANDER_BUILD:-$root/build}
jobs=${GANDER_BUILD_JOBS:-$(nproc)}

build_packages=(g++ cmake ninja-build ccache pkg-config libboost-dev rapidjson-dev libspdlog-dev
  libtomlplusplus-dev libcli11-dev libsqlite3-dev libssl-dev libhiredis-dev libpqxx-dev libpq-dev
  librabbitmq-dev librdkafka-dev)
test_packages=(libgtest-dev libgmock-dev clang sqlite3 binutils git)
lint_packages=(clang-format clang-tidy)
# Tests that need these are skipped, by name, where the archive has none.
optional_packages=(collectd-core shellcheck)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$(basename "$0"): $*"
  exit 1
}
seconds() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(seconds)" 'BEGIN { printf "%.1f", to - from }'; }

# The first comment of the calling script is its help.
print_help() { sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$0"; }

missing_packages() {
  local installed package
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    [[ $installed == *" installed:$package "* ]] || printf '%s\n' "$package"
  done
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root or sudo to run: $*"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >"$apt_log" 2>&1
}

# need_packages PACKAGE... -- installs what is missing, saying so first; silent and off the network
# when nothing is.
need_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: these must be there already: $*"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  say "installing Debian packages: ${missing[*]}"
  local apt_log
  apt_log=$(mktemp)
  # Package lists of an old image name files that are gone, so a first failure is not the last word.
  if ! lists_know "${missing[@]}" || ! apt_install "${missing[@]}"; then
    as_root apt-get update -qq >>"$apt_log" 2>&1 || true
    apt_install "${missing[@]}" || {
      tail -n 5 "$apt_log" >&2
      rm -f "$apt_log"
      die "could not install: ${missing[*]}"
    }
  fi
  rm -f "$apt_log"
}

lists_know() {
  local package
  for package in "$@"; do
    [[ -n $(apt-cache show "$package" 2>/dev/null | head -n 1) ]] || return 1
  done
}

# Like need_packages, but what the archive does not have is left out.
want_packages() {
  command -v dpkg-query >/dev/null || return 0
  local package known=()
  for package in $(missing_packages "$@"); do
    if lists_know "$package"; then
      known+=("$package")
    else
      say "not in this archive, done without: $package"
    fi
  done
  ((${#known[@]} == 0)) || need_packages "${known[@]}"
}

# Keeps what a build prints; on a terminal shows where it is, in one line.
show_build() {
  [[ -t 2 ]] || { cat >"$1" && return; }
  local line
  tee "$1" | while IFS= read -r line; do
    [[ $line != \[* ]] || printf '\r\033[K%.79s' "$line" >&2
  done
  printf '\r\033[K' >&2
}

# build_gander FOLDER [CMAKE-ARGUMENT...] -- [TARGET...]: configures once (the build notices later
# changes by itself), then builds; quiet unless it fails.
build_gander() {
  local folder=$1 arguments=()
  shift
  while [[ $# -gt 0 && $1 != -- ]]; do arguments+=("$1") && shift; done
  [[ $# -gt 0 ]] && shift
  local log=$folder/build.log
  mkdir -p "$folder"
  # A configuration made before a package came would not see it.
  if [[ ! -f $folder/CMakeCache.txt || $folder/CMakeCache.txt -ot /var/lib/dpkg/status ]]; then
    local generator=()
    [[ -f $folder/CMakeCache.txt ]] || generator=(-G Ninja)
    cmake -S "$root" -B "$folder" "${generator[@]}" "${arguments[@]}" >"$log" 2>&1 || {
      tail -n 30 "$log" >&2
      die "cmake failed, all of it in $log"
    }
    touch "$folder/CMakeCache.txt"
  fi
  local targets=()
  [[ $# -gt 0 ]] && targets=(--target "$@")
  say "building ${folder#"$root"/}"
  cmake --build "$folder" -j "$jobs" "${targets[@]}" 2>&1 | show_build "$log" || {
    grep -E -A12 'FAILED|error:' "$log" | head -n 60 >&2
    die "the build failed, all of it in $log"
  }
}

# Whether the configured build makes this. (Not in a pipe: grep would leave, and cmake fail for it.)
has_target() {
  local targets
  targets=$(cmake --build "$build" --target help 2>/dev/null)
  grep -Eq "^(\.\.\. )?$1(:|$)" <<<"$targets"
}

is_service() { [[ $1 =~ ^[a-z]+$ && $1 != server && -e $root/tools/services.d/$1.sh ]]; }
service_names() { find "$root/tools/services.d" -name '*.sh' ! -name server.sh -printf '%f\n' | sed 's/\.sh$//' | sort; }

# use_services NAME...: starts those that do not run and says where they all are, in the environment.
# What cannot be had is no failure: GANDER_TEST_<NAME>_SKIP has the reason. The caller sees to it that
# stop_services is run at its end, and stops no other.
started_services=()
use_services() {
  local name status=0 one
  for name; do
    ! "$root/tools/services" status "$name" >/dev/null 2>&1 || continue
    one=0
    say "starting $name"
    "$root/tools/services" start "$name" >/dev/null || one=$?
    ((one != 0)) || started_services+=("$name")
    ((one == 0 || one == 77)) || status=1
  done
  eval "$("$root/tools/services" env "$@")"
  return "$status"
}
stop_services() {
  ((${#started_services[@]} == 0)) || "$root/tools/services" stop "${started_services[@]}"
  started_services=()
}

# service_url NAME: of one that use_services was asked for; dies with the reason when there is none.
service_url() {
  local url=GANDER_TEST_${1^^}_URL reason=GANDER_TEST_${1^^}_SKIP
  [[ -n ${!url:-} ]] || die "$1 cannot be had: ${!reason:-it did not start}"
  printf '%s\n' "${!url}"
}
