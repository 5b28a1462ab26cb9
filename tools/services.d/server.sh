# shellcheck shell=bash disable=SC2154
# What ./tools/services does alike for every server. Sourced, never run.
#
# A server is a file NAME.sh beside this one, which defines:
#   packages         Debian packages (array)
#   program          a pattern for the name of its executable, as the kernel sees it
#   run_as           the user it runs as when we are root; empty: root
#   url              prints its URL, from $port
#   prepare          makes configuration and data from nothing; on every start
#   command_line     sets the array `command`
#   answers          succeeds when the server serves
#   stop_signal      what makes it end in order
# and may define:
#   fetch            gets what no Debian package has; prints the reason and fails when it cannot
#   populate         what is done once the server answers; on every start
#   more_env         further lines for `env`
#   main_process     the pid to signal, where it is not the one that was started
# They see: $folder (this service's), $data (the server's own, its working folder), $port, and
# ${as[@]}, which before a command makes it run as the server's user.

services=${GANDER_SERVICES:-$build/services}
start_limit=60 # seconds
stop_limit=30

fetch() { :; }
populate() { :; }
more_env() { :; }
main_process() { main_pid; }
run_as='' stop_signal=TERM packages=()

# place NAME: sets folder, data and port of a service.
place() {
  name=$1
  folder=$(realpath -m "$services/$name")
  [[ ! -e $folder/elsewhere ]] || folder=$(<"$folder/elsewhere")
  data=$folder/data
  port=$(cat "$folder/port" 2>/dev/null || true)
  as=()
  [[ -z $run_as || $(id -u) != 0 ]] ||
    as=(setpriv --reuid="$run_as" --regid="$run_as" --init-groups --)
}

# Makes folder and data. The server's user may not be able to reach a checkout in the home of root:
# then the folder is elsewhere, and the place itself remembers where.
make_place() {
  mkdir -p "$folder"
  if ! "${as[@]}" test -x "$folder"; then
    local elsewhere
    elsewhere=$(mktemp -d "/var/tmp/gander-$name-XXXXXX")
    chmod 755 "$elsewhere"
    printf '%s\n' "$elsewhere" >"$folder/elsewhere"
    place "$name"
  fi
  mkdir -p "$data"
  chmod 700 "$data"
  ((${#as[@]} == 0)) || chown "$run_as:" "$data"
}

# When a process began, in ticks since boot: with its id it names one process for ever.
birth_of() {
  local stat
  stat=$(cat "/proc/${1:-none}/stat" 2>/dev/null) || return 1
  read -r -a stat <<<"${stat##*) }"
  [[ ${stat[0]} != Z ]] && printf '%s\n' "${stat[19]}"
}

# Prints the pid that start left, if it is that process still.
main_pid() {
  local pid birth
  read -r pid birth 2>/dev/null <"$folder/pid" || return 1
  [[ $(birth_of "$pid") == "$birth" ]] && printf '%s\n' "$pid"
}

# Every process of this service, whoever remembers it: the program, at home in our data folder.
our_processes() {
  local pid at exe
  find /proc -maxdepth 2 -name cwd -printf '%h %l\n' 2>/dev/null | while read -r pid at; do
    [[ $at == "$data" || $at == "$data (deleted)" ]] || continue
    exe=$(readlink "$pid/exe" 2>/dev/null) || continue
    exe=${exe% (deleted)}
    # shellcheck disable=SC2053  # it is a pattern
    [[ ${exe##*/} != $program ]] || printf '%s\n' "${pid#/proc/}"
  done
}
gone() { [[ -z $(our_processes) ]]; }

signal_all() {
  local pid
  for pid in $(our_processes); do kill "-$1" "$pid" 2>/dev/null || true; done
}

# wait_until SECONDS COMMAND...
wait_until() {
  local limit=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < limit)) || return 1
    sleep 0.05
  done
}

is_free() { ! taken "$1"; }
taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the kernel takes the ports of clients.
free_port() {
  local candidate
  while :; do
    candidate=$((20000 + RANDOM % 12000))
    taken "$candidate" || break
  done
  printf '%s\n' "$candidate"
}

# port_for WHAT: another port that the server needs, the same at each start.
port_for() {
  local file=$folder/port.$1
  [[ -e $file ]] || free_port >"$file"
  cat "$file"
}

remember() { printf '%s %s\n' "$1" "$(birth_of "$1")" >"$folder/pid"; }

# Two starts at once would make two servers of one data folder.
lock() {
  mkdir -p "$services"
  exec {lock_fd}>"$services/$name.lock"
  flock "$lock_fd"
}

# A package must not start a server of its own, on the port that everybody knows.
install_quietly() {
  [[ -n $(missing_packages "$@" 2>/dev/null) ]] || return 0
  local policy=/usr/sbin/policy-rc.d status=0
  [[ -e $policy ]] || as_root sh -c \
    "printf '#!/bin/sh\n# of tools/services, while it installs\nexit 101\n' >$policy && chmod 755 $policy"
  (need_packages "$@") || status=$?
  ! grep -q '^# of tools/services' "$policy" || as_root rm -f "$policy"
  return "$status"
}

# What the server is made of; 77 and a reason, kept for `env`, when it cannot be had.
get() {
  local reason=''
  if ! install_quietly "${packages[@]}"; then
    reason="these Debian packages cannot be installed: ${packages[*]}"
  else
    reason=$(fetch) && reason=''
  fi
  if [[ -n $reason ]]; then
    say "$name: cannot be had: $reason"
    printf '%s\n' "$reason" >"$services/$name.unavailable"
    return 77
  fi
  rm -f "$services/$name.unavailable"
}

clean_leftovers() {
  if ! gone; then
    say "$name: ending what a crash left: $(our_processes | xargs)"
    signal_all KILL
    wait_until "$stop_limit" gone || die "$name: it cannot be ended: $(our_processes | xargs)"
  fi
  rm -f "$folder/pid"
  local file
  for file in "$folder"/port*; do
    [[ -e $file ]] || continue
    # Who was killed is gone by name before the last of its threads closes its ports.
    ! wait_until 3 is_free "$(<"$file")" || continue
    say "$name: port $(<"$file") is another program's now"
    rm -f "$file"
    [[ $file != "$folder/port" ]] || port=''
  done
  [[ -n $port ]] || port=$(free_port)
  printf '%s\n' "$port" >"$folder/port"
}

launch() {
  local command=()
  command_line
  (
    # The server must not hold the lock, nor end with the terminal.
    exec {lock_fd}>&- </dev/null >>"$folder/log" 2>&1
    cd "$data" || exit
    LC_ALL=C.UTF-8 "${as[@]}" setsid "${command[@]}" &
    remember $!
  )
}

answers_or_died() { answers || ! main_pid >/dev/null; }

server_start() {
  place "$1"
  lock
  get || return
  make_place
  if ! main_pid >/dev/null; then
    clean_leftovers
    prepare
    launch
  fi
  wait_until "$start_limit" answers_or_died || die "$name: no answer within $start_limit s, see $folder/log"
  # A busy server may let the next question wait: it need not answer twice.
  main_pid >/dev/null || answers || { tail -n 10 "$folder/log" >&2 && die "$name: it ended by itself, see $folder/log"; }
  remember "$(main_process)"
  populate
  url
}

server_stop() {
  place "$1"
  lock
  gone && return
  # The main process ends its own; then whoever is beside it.
  local pid
  if pid=$(main_pid); then
    kill "-$stop_signal" "$pid"
    wait_until "$stop_limit" eval '! main_pid >/dev/null' || true
  fi
  signal_all TERM
  if ! wait_until "$stop_limit" gone; then
    say "$name: still there after $stop_limit s, so killed: $(our_processes | xargs)"
    server_end_now
  fi
  rm -f "$folder/pid"
}

server_end_now() {
  signal_all KILL
  wait_until "$stop_limit" gone || die "$name: it cannot be ended: $(our_processes | xargs)"
}

server_kill() {
  place "$1"
  lock
  server_end_now
  # Its last thread may not have ended yet, and is none that the next start should wait for.
  rm -f "$folder/pid"
}

server_status() {
  local pid
  place "$1"
  if pid=$(main_pid) && answers; then
    printf '%-10s running      pid %-8s %s\n' "$name" "$pid" "$(url)"
  elif [[ -n $pid ]]; then
    printf '%-10s no answer    pid %-8s %s\n' "$name" "$pid" "$folder/log"
    return 1
  else
    printf '%-10s not running\n' "$name"
    return 1
  fi
}

server_env() {
  place "$1"
  local variable=GANDER_TEST_${name^^}
  if main_pid >/dev/null && answers; then
    printf "export %s_URL='%s'\n" "$variable" "$(url)"
    more_env
  elif [[ -e $services/$name.unavailable ]]; then
    printf "export %s_SKIP='%s'\n" "$variable" "$(tr -d "'" <"$services/$name.unavailable")"
  else
    printf '# %s is not running: ./tools/services start %s\n' "$name" "$name"
  fi
}
