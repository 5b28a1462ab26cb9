#!/usr/bin/env bash
# services_test.sh SOURCE: a Redis of ./tools/services, in a folder of its own, through a day of its
# life, two RabbitMQs beside each other, and a Kafka that cannot be had. Ends at the first thing that
# is not as it should be, and says which.
set -u
services=$1/tools/services
command -v redis-server >/dev/null || { echo 'skipped: redis-server is not installed' && exit 77; }
GANDER_SERVICES=$(mktemp -d "${TMPDIR:-/tmp}/gander-services-XXXXXX")
export GANDER_SERVICES
chmod 711 "$GANDER_SERVICES" # they may run as another user
clean_up() {
  "$services" stop redis
  for each in one two; do
    [[ ! -d $GANDER_SERVICES/$each ]] || at "$each" stop rabbitmq
  done
  rm -rf "$GANDER_SERVICES"
}
trap clean_up EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
# at PLACE ARGUMENT...: of the servers there.
at() { GANDER_SERVICES=$GANDER_SERVICES/$1 "$services" "${@:2}"; }
start() { url=$("$services" start redis) || fail "it does not start"; }
pid() { "$services" status redis | sed -n 's/.*pid \([0-9]*\).*/\1/p'; }
ask() { redis-cli -u "$url" "$@"; }

! "$services" status redis >/dev/null || fail 'it runs before it was started'
"$services" env redis | grep -q '^# redis is not running' || fail 'env claims a URL'
start
first_url=$url first_pid=$(pid)
[[ $(ask ping) == PONG ]] || fail "it does not answer at $url"
[[ $("$services" env redis) == "export GANDER_TEST_REDIS_URL='$url'" ]] || fail 'env names another URL'
[[ $(ask config get appendfsync | tail -n 1) == everysec ]] || fail 'it is not durable'
ask set kept yes >/dev/null

start
[[ $url == "$first_url" && $(pid) == "$first_pid" ]] || fail 'a second start was not harmless'

"$services" kill redis
! "$services" status redis >/dev/null || fail 'it outlived a kill'
start
[[ $url == "$first_url" && $(ask get kept) == yes ]] || fail 'it lost its port or its data in a crash'

# Its pid file is gone, or is about another process that got the same number.
rm "$GANDER_SERVICES/redis/pid"
start
[[ $(ask ping) == PONG ]] || fail 'it does not start over an orphan'
"$services" kill redis
echo "$$ 1" >"$GANDER_SERVICES/redis/pid"
start
[[ $(ask ping) == PONG && $(pid) != "$$" ]] || fail 'it took a stranger for itself'

# Somebody else has its port.
"$services" stop redis
redis-server --port "${url##*:}" --bind 127.0.0.1 --save '' --dir "$GANDER_SERVICES" >/dev/null &
stranger=$!
until [[ $(ask ping 2>/dev/null) == PONG ]]; do sleep 0.01; done
start 2>/dev/null
[[ $url != "$first_url" && $(ask get kept) == yes ]] || fail 'it did not evade a taken port'
"$services" stop redis
kill -0 "$stranger" || fail 'it stopped what it had not started'
kill "$stranger"
! "$services" status redis >/dev/null || fail 'it runs after it was stopped'

# RabbitMQs of two places share nothing, so neither hears of the other's end.
two_rabbits() {
  local each url=() node=() seen=()
  for each in one two; do
    mkdir "$GANDER_SERVICES/$each"
    chmod 711 "$GANDER_SERVICES/$each"
    at "$each" start rabbitmq >"$GANDER_SERVICES/$each.url" &
  done
  wait
  for each in one two; do
    seen+=("$(at "$each" status rabbitmq)") || fail "the RabbitMQ of place $each does not run"
    url+=("$(<"$GANDER_SERVICES/$each.url")")
    [[ ${seen[-1]} == *" ${url[-1]}" ]] || fail "it runs elsewhere than its start said: ${seen[-1]}"
    node+=("$("$GANDER_SERVICES/$each/rabbitmq/rabbitmqctl" -q eval '{node(), nodes()}.')")
    [[ ${node[-1]} == *',[]}' ]] || fail "it hears of other nodes: ${node[-1]}"
    [[ ${seen[-1]} =~ pid\ ([0-9]+) && $(readlink "/proc/${BASH_REMATCH[1]}/cwd") == "$GANDER_SERVICES/$each/"* ]] ||
      fail "it is at home elsewhere: ${seen[-1]}"
  done
  [[ ${url[0]} != "${url[1]}" ]] || fail "both are at ${url[0]}"
  [[ ${node[0]} != "${node[1]}" ]] || fail "both are ${node[0]}"
  at one stop rabbitmq
  ! at one status rabbitmq >/dev/null || fail 'it runs after it was stopped'
  [[ $(at two status rabbitmq) == "${seen[1]}" ]] || fail 'to stop one RabbitMQ did something to another'
}
[[ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || two_rabbits

# Maven reaches nobody. (Without Java that would be installed first, which is not for a test to do.)
command -v java >/dev/null || exit 0
mkdir "$GANDER_SERVICES/bin"
cat >"$GANDER_SERVICES/bin/mvn" <<'END'
#!/bin/sh
echo "[ERROR] no route to the 'central' repository"
exit 1
END
chmod 755 "$GANDER_SERVICES/bin/mvn"
# As where it was never fetched.
far_away() { PATH=$GANDER_SERVICES/bin:$PATH XDG_CACHE_HOME=$GANDER_SERVICES/cache "$services" "$@"; }
said=$(far_away start kafka redis 2>&1)
status=$?
((status == 77)) || fail "a Kafka that cannot be had: exit status $status, not 77"
reason="Maven could not fetch org.apache.kafka:kafka_2.13:$(sed -n 's/^version=//p' "$1/tools/services.d/kafka.sh"):"
reason+=" [ERROR] no route to the 'central' repository"
[[ $said == *"kafka: cannot be had: $reason"* ]] || fail "it does not say why: $said"
[[ $(far_away env kafka) == "export GANDER_TEST_KAFKA_SKIP='${reason//\'/}'" ]] || fail 'env lacks the reason'
[[ -z $(find "$GANDER_SERVICES/cache" -type f) ]] || fail 'it left half of a fetch'
"$services" status redis >/dev/null || fail 'the other that was asked for does not run'
