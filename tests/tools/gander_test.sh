#!/usr/bin/env bash
# gander_test.sh SECTION GANDER JOBS SOURCE [PREFIX]: runs the real command in an empty folder over
# the SQLite broker. Ends at the first thing that is not as it should be, and says which.
set -u
section=$1 gander=$2 jobs=$3 source=$4 prefix=${5:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/gander-cli-XXXXXX")
workers=()
clean_up() {
  for pid in "${workers[@]}"; do kill -9 "$pid"; done 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit 1
unset "${!GANDER_@}"
export GANDER_BROKER=sqlite:jobs.db

fail() {
  printf 'FAILED: %s\n--- out\n%s\n--- err\n%s\n' "$1" "$(cat out)" "$(cat err)" >&2
  exit 1
}
# expect CODE WORDS...: runs gander; its output is in out and err, and in $out without line ends.
expect() {
  local code=$1 got
  shift
  "$gander" "$@" >out 2>err
  got=$?
  out=$(cat out)
  ((got == code)) || fail "gander $*: exit code $got, not $code"
}
says() { grep -qF -e "$1" out || fail "standard output lacks: $1"; }
complains() { grep -qF -e "$1" err || fail "standard error lacks: $1"; }
# gander's own reader is the JSON parser: what is no JSON it does not enqueue.
is_json() {
  local text
  text=$(cat out)
  "$gander" enqueue json "[$text]" --broker sqlite:parser.db >/dev/null 2>err || fail "not JSON"
}
# The value of a field that is a string or a number, of the first object that has it.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" out | head -n 1; }
# wait_for TEXT FILE: until it is there; 20 s at most, so that a hang is a failure.
wait_for() {
  local deadline=$((SECONDS + 20))
  until grep -qsF -e "$1" "$2"; do
    ((SECONDS < deadline)) || fail "$2 never said: $1"
    sleep 0.02
  done
}
start_worker() {
  "$gander" worker --jobs "$jobs" "$@" >worker.out 2>worker.err &
  workers+=($!)
  wait_for ready worker.out
}
commands() { "$gander" man | sed -n 's/^\.SS gander \([a-z ]*[a-z]\).*/\1/p'; }

# Every command explains itself on one screen, and knows what it does not know.
test_help() {
  local name line
  while read -r name; do
    # shellcheck disable=SC2086  # a command is one word or several
    expect 0 $name --help
    says "usage: gander $name"
    (($(wc -l <out) <= 24)) || fail "$name --help has more than 24 lines"
    while IFS= read -r line; do ((${#line} <= 80)) || fail "too wide: $line"; done <out
    # shellcheck disable=SC2086
    expect 2 $name --no-such-option
    complains "there is no option --no-such-option"
  done < <(commands)
  (($(commands | wc -l) >= 28)) || fail "commands are missing from the manual"
  expect 0 help
  (($(wc -l <out) <= 24)) || fail 'gander help has more than 24 lines'
  expect 2
  expect 2 nosuch
  complains "there is no command 'nosuch'"
  expect 2 jobs
  complains 'gander jobs list'
  expect 0 version --json
  is_json
}

test_enqueue() {
  expect 0 enqueue mail '["ada", 42]' --json
  is_json
  expect 0 jobs show "$(field id)" --json
  is_json
  says '"args":["ada",42]'
  says '"state":"ready"'
  expect 0 enqueue mail --in 1h30m --queue later --priority high
  expect 0 jobs list --state scheduled --queue later
  says mail
  expect 0 enqueue mail --at 2031-01-31T12:00:00.5+01:00
  expect 0 jobs list --state scheduled --json
  says '"run_at":"2031-01-31T11:00:00.500Z"'
  expect 0 enqueue once --key invoice-7
  local first=$out
  expect 0 enqueue once --key invoice-7
  [[ $out == "$first" ]] || fail 'one key made two ids'
  expect 0 jobs list --pattern once --json
  (($(grep -o '"job":"once"' out | wc -l) == 1)) || fail 'one key is stored twice'
  seq 1 1203 | sed 's/.*/[&]/' | "$gander" enqueue bulk - --queue bulk >out || fail 'bulk'
  (($(sort -u out | wc -l) == 1203)) || fail 'not 1203 different ids'
  printf '[1]\n\n[2]\n{"a":1}\n[3]\n' | "$gander" enqueue bulk - >out 2>err && fail 'took an object'
  complains 'line 4: args: expected an array, found an object (the 2 before it are enqueued)'
  (($(wc -l <out) == 2)) || fail 'the two lines before the wrong one are not enqueued'
  head -c 1100000 /dev/zero | tr '\0' x | sed 's/.*/["&"]/' | "$gander" enqueue bulk - >out 2>err
  ((PIPESTATUS[3] == 2)) || fail 'a message that is too large'
  complains 'lines 1 to 1: '
  expect 2 enqueue
  expect 2 enqueue mail '{"a":1}'
  expect 2 enqueue mail '[1' --json
  is_json
  says '"code":"invalid_argument"'
  expect 2 enqueue mail --in tomorrow
  complains '--in must be a duration'
  expect 2 enqueue mail --at 2031-02-30T12:00:00Z
  expect 2 enqueue mail --in 1h --at 2031-01-31T12:00:00Z
  expect 2 enqueue mail --id 12
  expect 2 enqueue mail --priority urgent
  expect 2 enqueue mail --queue ''
  expect 3 enqueue mail --broker sqlite:/nonexistent/jobs.db
  complains '/nonexistent'
  expect 3 enqueue mail --broker nosuch://host
  complains 'found are:'
  expect 3 enqueue mail --broker nosuch --json
  is_json
  says '"code":"config"'
}

test_queues() {
  expect 0 queues
  expect 0 enqueue a --queue one
  expect 0 enqueue a --queue two
  expect 0 queues --json
  is_json
  says '{"name":"one","paused":false,"ready":1,'
  expect 0 queues pause one
  expect 0 queues
  says paused
  expect 0 queues resume one --json
  is_json
  expect 1 queues purge one
  complains 'there are 1 ready messages of queue one; repeat the command with --yes'
  expect 0 queues purge one --yes
  says 'deleted 1'
  expect 0 queues --json
  says '"name":"two","paused":false,"ready":1'
  expect 5 queues --broker memory: --json
  is_json
  says '"code":"unsupported"'
  expect 2 queues purge two --state leased --yes
  expect 2 queues purge two --state nosuch --yes
}

test_jobs() {
  local id i after=''
  for i in $(seq 0 24); do printf '[%d]\n' "$i"; done | "$gander" enqueue mail.send - >ids
  "$gander" enqueue report.make --in 1h >>ids
  # Every message once, page by page, over the states.
  : >seen
  for ((i = 0; i < 30; ++i)); do
    # shellcheck disable=SC2086
    expect 0 jobs list --limit 4 --json ${after:+--after $after}
    is_json
    grep -o '"id":"[^"]*"' out | cut -d '"' -f 4 >>seen
    after=$(field next)
    [[ $after != null ]] || break
  done
  diff <(sort ids) <(sort seen) >out || fail 'paging lost or repeated a message'
  id=$(tail -n 1 ids)
  expect 0 jobs retry "$id"
  expect 0 jobs show "$id" --json
  says '"state":"ready"'
  expect 0 jobs move "$id" --to elsewhere
  expect 0 jobs list --queue elsewhere
  says report.make
  expect 1 jobs delete --pattern 'mail.*'
  complains '25 messages fit; repeat the command with --yes'
  expect 0 jobs delete --pattern 'mail.*' --yes --json
  is_json
  says '"deleted":25'
  expect 1 jobs delete --pattern 'mail.*' --yes
  expect 0 jobs delete "$id"
  expect 1 jobs delete "$id"
  complains 'there is no such message'
  expect 1 jobs show "$id" --json
  is_json
  expect 2 jobs show nonsense
  expect 2 jobs delete
  expect 2 jobs delete "$id" --pattern x
  expect 2 jobs move "$id"
  expect 2 jobs list --after nonsense
  expect 2 jobs list --limit 0
  expect 0 jobs list
}

# Runs, dies, drains, and what cannot be stopped ends with 1.
test_worker() {
  expect 0 enqueue test.note "[\"$work/notes\", \"hello\"]"
  expect 0 enqueue test.doomed
  start_worker --threads 2 --queue default:3 --json --shutdown-timeout 5
  cp worker.out out && is_json
  wait_for hello notes
  local pid=${workers[-1]} deadline=$((SECONDS + 20))
  until "$gander" dead list | grep -qF 'no route to the moon'; do
    ((SECONDS < deadline)) || fail 'the discarded job is no dead letter'
    sleep 0.05
  done
  kill -INT "$pid"
  wait "$pid" || fail "a worker that drained ended with $?"
  expect 0 dead list --json
  is_json
  local id
  id=$(field id)
  expect 0 dead show "$id"
  says 'no route to the moon'
  expect 0 dead replay "$id"
  expect 1 dead show "$id"
  expect 0 jobs show "$id"
  start_worker
  until "$gander" dead list | grep -qF "$id"; do
    ((SECONDS < deadline + 20)) || fail 'the replayed job did not die again'
    sleep 0.05
  done
  kill -TERM "${workers[-1]}"
  wait "${workers[-1]}" || fail "SIGTERM: $?"
  expect 1 dead purge
  expect 0 dead purge --older-than 1h --yes
  says 'deleted 0'
  expect 0 dead delete --pattern 'test.*' --yes
  says 'deleted 1'
  expect 0 enqueue test.deaf "[\"$work/notes\"]"
  start_worker --shutdown-timeout 100ms
  wait_for begun notes
  kill -INT "${workers[-1]}"
  wait "${workers[-1]}"
  local code=$?
  ((code == 1)) || fail "a worker with a deaf handler ended with $code"
  expect 0 jobs list --pattern test.deaf --json
  says '"state":"ready"'
  # Twice stops now, whatever the timeout.
  rm notes
  start_worker --shutdown-timeout 60s
  wait_for begun notes
  kill -INT "${workers[-1]}"
  wait_for 'once more stops at once' worker.err
  sleep 0.3 # two within a quarter of a second are one wish
  kill -INT "${workers[-1]}"
  local before=$SECONDS
  wait "${workers[-1]}"
  ((SECONDS - before < 20)) || fail 'the second Ctrl-C did not stop it'
  expect 2 worker
  complains '--jobs FILE is missing'
  expect 3 worker --jobs ./nosuch.so
  expect 3 worker --jobs "$jobs" --threads 0
  expect 2 worker --jobs "$jobs" --queue default:0
}

test_plugin() {
  expect 0 plugin list
  says gander_sqlite.so
  # Every broker that was built; one whose client library is absent was not.
  local folder name url
  folder=$(sed -n 's/^sqlite .* \(\/.*\)gander_sqlite.so$/\1/p' out)
  while read -r name url; do
    [[ -e ${folder}gander_$name.so ]] || continue
    expect 0 plugin list
    grep -qE "^$name +broker +[0-9.]+ .*\b$url: .*${folder}gander_$name.so$" out || fail "$name is not listed"
    expect 0 plugin schema "$name"
    is_json
  done <<'END'
sqlite sqlite
redis redis
postgres postgresql
rabbitmq amqp
kafka kafka
END
  expect 0 plugin list --json
  is_json
  expect 0 plugin info sqlite --url sqlite:jobs.db
  says instant_reclaim
  says gander.broker.inspect/1
  expect 0 plugin info sqlite --json
  is_json
  [[ ! -e gander.db ]] || fail 'plugin info made a database'
  expect 0 plugin schema sqlite
  is_json
  expect 0 plugin info "$jobs"
  says test.doomed
  expect 1 plugin info nosuch
  complains 'found are:'
  expect 0 plugin doctor --json
  is_json
  mkdir bad && echo text >bad/gander_bad.so
  expect 1 plugin doctor --plugin-path bad
  says 'gander_bad.so: refused:'
  expect 0 plugin list --plugin-path bad
  says 'is not an ELF shared object'
  expect 3 plugin info bad/gander_bad.so
  local file
  file=$("$gander" plugin list | sed -n 's/^sqlite .* \(\/.*\)/\1/p')
  expect 0 plugin check "$file" --url 'sqlite:{tmp}/jobs.db' --only load --json
  is_json
  expect 1 plugin check bad/gander_bad.so --only load
  expect 2 plugin check "$file" --only no-such-check
  expect 2 plugin check
  expect 0 plugin check --list --json
  is_json
  expect 2 plugin new broker 'Bad-Name'
  expect 0 plugin new broker mine
  expect 1 plugin new broker mine
}

test_config() {
  printf '%s\n' 'broker = "main"' '[brokers.main]' 'url = "sqlite:main.db"' >gander.toml
  unset GANDER_BROKER
  expect 0 config check
  says main
  expect 0 config show
  says 'url = "sqlite:main.db"'
  expect 0 config show --json
  is_json
  expect 0 enqueue a
  [[ -e main.db ]] || fail 'the broker of gander.toml was not used'
  printf '%s\n' 'brokr = "main"' >wrong.toml
  expect 3 config check wrong.toml
  complains "broker"
  expect 3 queues --config wrong.toml --json
  is_json
  printf '%s\n' '[brokers.main]' 'url = "sqlite:main.db"' 'busy_timeout_ms = "soon"' >wrong.toml
  expect 3 config check wrong.toml
  complains 'must be a whole number'
  printf '%s\n' '[brokers.main]' 'url = "redis://user:hush@host"' >secret.toml
  expect 0 config show secret.toml
  ! grep -q hush out || fail 'a password was shown'
}

test_bench() {
  expect 0 bench --jobs 1000 --pickups 20 --idle-seconds 1 --json
  while read -r line; do
    echo "$line" >out
    is_json
  done < <(cat out)
  expect 0 bench --jobs 1000 enqueue drain single
  says 'drain  rate'
  expect 0 queues --json
  ! grep -qE '"name":"gander-bench","paused":false,"ready":[1-9]' out || fail 'bench left messages'
  expect 0 bench --jobs 1000 scheduled --json
  says '"bytes_a_job":'
  expect 0 queues --json
  ! grep -qE '"name":"gander-bench".*"scheduled":[1-9]' out || fail 'bench left scheduled messages'
  expect 0 bench --broker memory: pickup --json
  says '"skipped":'
  expect 2 bench nosuch
}

# Man page, completion and docs/cli.md say what the table says.
test_texts() {
  expect 0 man
  says '.TH GANDER 1'
  says '.SH EXIT STATUS'
  if command -v groff >/dev/null; then
    groff -man -Tascii -ww out >/dev/null 2>err || fail 'groff'
    [[ ! -s err ]] || fail 'groff warns'
  fi
  expect 0 completion bash
  bash -n out 2>err || fail 'the completion is not bash'
  # shellcheck disable=SC1091
  source ./out
  COMP_WORDS=(gander plugin new '') COMP_CWORD=3 && _gander
  [[ ${COMPREPLY[*]} == broker ]] || fail "completion of 'plugin new': ${COMPREPLY[*]}"
  COMP_WORDS=(gander jobs list --st) COMP_CWORD=3 && _gander
  [[ ${COMPREPLY[*]} == --state ]] || fail "completion of 'jobs list --st': ${COMPREPLY[*]}"
  COMP_WORDS=(gander '') COMP_CWORD=1 && _gander
  [[ " ${COMPREPLY[*]} " == *' worker '* ]] || fail "completion of nothing: ${COMPREPLY[*]}"
  expect 2 completion fish
  expect 0 man --markdown
  diff "$source/docs/cli.md" out >err || fail 'docs/cli.md differs: gander man --markdown > docs/cli.md'
}

# What a stranger does: the scaffold builds against what is installed, and passes.
test_scaffold() {
  local language flag
  for language in cpp c; do
    flag=$([[ $language == c ]] && echo --c)
    # shellcheck disable=SC2086
    expect 0 plugin new broker "my_$language" $flag
    {
      cmake -S "my_$language" -B "my_$language/build" -DCMAKE_PREFIX_PATH="$prefix" \
        -DGANDER="$gander" && cmake --build "my_$language/build"
    } >out 2>err || fail "the $language scaffold does not build"
    expect 0 plugin check "my_$language/build/lib/gander/plugins/gander_my_$language.so" \
      --only load --only config --only enqueue --only take --only settle
    expect 0 plugin list --plugin-path "my_$language/build/lib/gander/plugins"
    says "my-$language:"
  done
}

"test_$section"
