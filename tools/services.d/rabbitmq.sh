# shellcheck shell=bash disable=SC2034,SC2154
# RabbitMQ, for ./tools/services; see server.sh for what each of these is. A node of its own name,
# with an epmd of its own, so that no other node on the machine hears of it. The user is gander, with
# the password gander. FOLDER/rabbitmqctl talks to it.
packages=(rabbitmq-server)
program='@(beam.smp|epmd)'
run_as=rabbitmq
bin=/usr/lib/rabbitmq/bin # not the wrappers in /usr/sbin, which insist on a user

url() { printf 'amqp://gander:gander@127.0.0.1:%s/%%2f\n' "$port"; }
# What was started is a shell that waits for it.
main_process() {
  local pid
  for pid in $(our_processes); do
    [[ $(readlink "/proc/$pid/exe") != */beam.smp ]] || printf '%s\n' "$pid"
  done
}

# It greets whoever greets it, once it serves.
answers() {
  local byte
  exec {amqp_fd}<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'AMQP\0\0\011\01' >&"$amqp_fd"
  LC_ALL=C read -r -t 2 -N 1 -u "$amqp_fd" byte
  exec {amqp_fd}>&-
  [[ $byte == $'\001' ]]
} 2>/dev/null

environment() {
  printf '%s\n' "HOME=$data" RABBITMQ_CONF_ENV_FILE=/dev/null \
    "RABBITMQ_NODENAME=gander-$port@localhost" "RABBITMQ_CONFIG_FILE=$data/rabbitmq.conf" \
    "RABBITMQ_ADVANCED_CONFIG_FILE=$data/advanced.config" \
    "RABBITMQ_DIST_PORT=$(port_for dist)" "ERL_EPMD_PORT=$(port_for epmd)" ERL_EPMD_ADDRESS=127.0.0.1 \
    "RABBITMQ_MNESIA_BASE=$data/mnesia" "RABBITMQ_LOG_BASE=$data/log" RABBITMQ_LOGS=- \
    "RABBITMQ_GENERATED_CONFIG_DIR=$data/config" "RABBITMQ_SCHEMA_DIR=$data/schema" \
    "RABBITMQ_ENABLED_PLUGINS_FILE=$data/enabled_plugins" \
    'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}'
}

prepare() {
  local variables
  mapfile -t variables < <(environment)
  cat >"$data/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$port
default_user = gander
default_pass = gander
END
  echo '[].' >"$data/enabled_plugins"
  {
    printf '#!/bin/bash\n# Erlang reports an error for each file that it seeks in a folder which its user may not read.\n'
    printf 'cd %s || exit\n' "${data@Q}"
    printf 'exec %s env %s\n' "${as[*]@Q}" "${variables[*]@Q} $bin/rabbitmqctl \"\$@\""
  } >"$folder/rabbitmqctl"
  chmod 755 "$folder/rabbitmqctl"
}

command_line() {
  local variables
  mapfile -t variables < <(environment)
  command=(env "${variables[@]}" sh -c "epmd & exec $bin/rabbitmq-server")
}

more_env() { printf "export GANDER_TEST_RABBITMQ_CTL='%s'\n" "$folder/rabbitmqctl"; }
