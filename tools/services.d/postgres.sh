# shellcheck shell=bash disable=SC2034,SC2154
# PostgreSQL, for ./tools/services; see server.sh for what each of these is. Roles: gander owns the
# database gander; postgres is superuser. Both are trusted on loopback, any other role needs its
# password.
packages=(postgresql)
program=postgres
run_as=postgres
stop_signal=INT # ends sessions, loses nothing

url() { printf 'postgresql://gander@127.0.0.1:%s/gander\n' "$port"; }
answers() { sql 'select 1' >/dev/null 2>&1; }
# sql STATEMENT [DATABASE]
sql() {
  PGCONNECT_TIMEOUT=2 psql -h 127.0.0.1 -p "$port" -U postgres -d "${2:-postgres}" -XAtq \
    -v ON_ERROR_STOP=1 -c "$1"
}

# The programs of the version that made the data, or of the newest.
programs() {
  local version bin
  version=$(cat "$data/PG_VERSION" 2>/dev/null || true)
  # shellcheck disable=SC2086  # it may be *
  bin=$(printf '%s\n' /usr/lib/postgresql/${version:-*}/bin | sort -V | tail -n 1)
  [[ -x $bin/postgres ]] ||
    die "$name: the data in $folder is of PostgreSQL $version, which is not installed: remove it, or install postgresql-$version"
  printf '%s\n' "$bin"
}
command_line() { command=("$(programs)/postgres" -D "$data"); }

prepare() {
  local bin
  if [[ ! -e $folder/made ]]; then
    find "$data" -mindepth 1 -delete # an initdb that was interrupted
    bin=$(programs)
    (cd "$data" && "${as[@]}" "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8) \
      >"$folder/initdb.log" 2>&1 || { tail -n 5 "$folder/initdb.log" >&2 && die 'initdb failed'; }
    touch "$folder/made"
  fi
  # No process of ours is left, so it would only be mistaken for one that now has its pid.
  rm -f "$data/postmaster.pid"
  cat >"$data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
fsync = on
synchronous_commit = on
max_wal_size = 2GB
log_timezone = 'UTC'
timezone = 'UTC'
$(preload)
$(quick_recovery)
END
  cat >"$data/pg_hba.conf" <<END
host all postgres,gander 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
host replication postgres 127.0.0.1/32 trust
END
}

# With it: select query, calls, rows from pg_stat_statements;
has_statements() { ls "$(dirname "$(programs)")/lib/pg_stat_statements.so" >/dev/null 2>&1; }
preload() { ! has_statements || echo "shared_preload_libraries = 'pg_stat_statements'"; }

# After a kill it would fsync each file by itself, for seconds. From version 14 on.
quick_recovery() { (($(<"$data/PG_VERSION") < 14)) || echo "recovery_init_sync_method = syncfs"; }

populate() {
  [[ -z $(sql "select 1 from pg_database where datname = 'gander'") ]] || return 0
  sql 'create role gander login createdb createrole in role pg_monitor, pg_signal_backend'
  ! has_statements || sql 'create extension pg_stat_statements' template1
  sql 'create database gander owner gander'
}
