# shellcheck shell=bash disable=SC2034,SC2154
# Redis, for ./tools/services; see server.sh for what each of these is.
packages=(redis-server redis-tools)
program='redis-*' # Debian's redis-server is a link to redis-check-rdb

url() { printf 'redis://127.0.0.1:%s\n' "$port"; }
answers() { [[ $(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null) == PONG ]]; }
command_line() { command=(redis-server "$folder/redis.conf"); }

prepare() {
  local aof=${GANDER_REDIS_AOF:-everysec}
  case $aof in
    everysec | always) ;;
    # An old log would come back with the next start that keeps one.
    off) rm -rf "$data/appendonlydir" ;;
    *) die "GANDER_REDIS_AOF is everysec, always or off, not '$aof'" ;;
  esac
  cat >"$folder/redis.conf" <<END
bind 127.0.0.1
port $port
dir $data
daemonize no
maxmemory-policy noeviction
save ""
appendonly $([[ $aof == off ]] && echo no || echo yes)
appendfsync $([[ $aof == off ]] && echo everysec || echo "$aof")
END
}
