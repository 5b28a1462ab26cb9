# shellcheck shell=bash disable=SC2034,SC2154
# Kafka, for ./tools/services; see server.sh for what each of these is. One KRaft node, from Apache's
# own jars, which Maven fetches once. FOLDER/kafka-run CLASS ARGUMENT... runs a class of theirs, as
# org.apache.kafka.tools.TopicCommand.
version=4.0.0
jars=${XDG_CACHE_HOME:-$HOME/.cache}/gander/kafka-$version
packages=()
command -v java >/dev/null || packages+=(default-jre-headless)
[[ -d $jars ]] || command -v mvn >/dev/null || packages+=(maven)
program=java
url() { printf 'kafka://127.0.0.1:%s\n' "$port"; }

fetch() {
  [[ ! -d $jars ]] || return 0
  say "kafka: fetching org.apache.kafka:kafka_2.13:$version (50 MB)"
  local scratch
  mkdir -p "$(dirname "$jars")"
  scratch=$(mktemp -d "$jars.XXXXXX")
  cat >"$scratch/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>gander</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
END
  if ! mvn -B -q -f "$scratch/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$scratch/jars" >"$scratch/log" 2>&1; then
    echo "Maven could not fetch org.apache.kafka:kafka_2.13:$version: $(grep -m 1 ERROR "$scratch/log")"
    rm -rf "$scratch"
    return 1
  fi
  # Whole or not at all, also when two fetch at once.
  mv -T "$scratch/jars" "$jars" 2>/dev/null || true
  rm -rf "$scratch"
}

prepare() {
  local listeners=PLAINTEXT://127.0.0.1:$port advertised=PLAINTEXT://127.0.0.1:$port map=PLAINTEXT:PLAINTEXT
  local number=0 way
  for way in $(ways); do
    number=$((number + 1))
    listeners+=,WAY$number://127.0.0.1:${way%:*}
    advertised+=,WAY$number://127.0.0.1:${way#*:}
    map+=,WAY$number:PLAINTEXT
  done
  cat >"$data/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(port_for controller)
listeners=$listeners,CONTROLLER://127.0.0.1:$(port_for controller)
advertised.listeners=$advertised
listener.security.protocol.map=$map,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$data/logs
auto.create.topics.enable=false
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# A node that was killed may come back only when it was missed.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
END
  printf '#!/bin/sh\nexec java -cp %q/\\* "$@"\n' "$jars" >"$folder/kafka-run"
  chmod 755 "$folder/kafka-run"
  [[ -e $data/logs/meta.properties ]] ||
    "$folder/kafka-run" kafka.tools.StorageTool format -t "$(kafka_id)" -c "$data/server.properties" \
      >"$folder/format.log" 2>&1 || { tail -n 5 "$folder/format.log" >&2 && die 'kafka: its storage cannot be formatted'; }
}
# Never with '-' in front, which the tool would take for an option.
kafka_id() { printf g && head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22; }

# A client connects where the node tells it to, and not where it first found it. So for proxies there
# are $GANDER_KAFKA_WAYS more listeners, each of which names a port of its own where its proxy is to be:
# prints LISTENER:PROXY for each. (Not port_for: a port where the proxy is already is no other program's.)
ways() {
  local number file
  for ((number = 1; number <= ${GANDER_KAFKA_WAYS:-0}; ++number)); do
    file=$folder/way.$number
    [[ -e $file ]] || printf '%s:%s\n' "$(free_port)" "$(free_port)" >"$file"
    cat "$file"
  done
}

command_line() {
  command=(java -Xms256m -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*"
    kafka.Kafka "$data/server.properties")
}

# It names the versions of its calls to whoever asks, once it serves.
answers() {
  local reply
  exec {kafka_fd}<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf '\0\0\0\012\0\022\0\0\0\0\0\1\377\377' >&"$kafka_fd"
  reply=$(timeout 2 head -c 4 <&"$kafka_fd" | wc -c)
  exec {kafka_fd}>&-
  ((reply == 4))
} 2>/dev/null

more_env() {
  printf "export GANDER_TEST_KAFKA_RUN='%s'\n" "$folder/kafka-run"
  printf "export GANDER_TEST_KAFKA_WAYS='%s'\n" "$(ways | xargs)"
}
