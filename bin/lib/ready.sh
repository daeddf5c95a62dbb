# shellcheck shell=bash
# Waiting for what was started. Each wait has a deadline and ends at once when a process dies, showing its log.

readonly READY_TIMEOUT=60

# Waits until the command given first says yes to each of the names; what the names are is given second, the prefix of
# their pid and log files third.
await_each() {
  local said_ready=$1 what=$2 files=$3 name deadline
  shift 3
  deadline=$(($(milliseconds) + READY_TIMEOUT * 1000))
  for name in "$@"; do
    until "$said_ready" "$name"; do
      if is_gone "$DIR/$name/${files}pid"; then
        say "fleet: $what $name has exited while starting."
      elif (($(milliseconds) > deadline)); then
        say "fleet: $what $name was not ready within $READY_TIMEOUT s."
      else
        sleep 0.05
        continue
      fi
      show_log "$DIR/$name/${files}log"
      exit 1
    done
  done
}

await_machines() { await_each machine_said_ready "the machine of" machine. "$@"; }

# A leader that has begun its term with an entry of its own has proved that the cluster takes writes.
await_engines() {
  local name deadline
  await_each engine_said_ready engine '' "$@"
  deadline=$(($(milliseconds) + READY_TIMEOUT * 1000))
  await_until "$deadline" has_leader || no_leader "the cluster has no leader" "${1:-e1}"
  for name in "$@"; do
    await_until "$deadline" is_in_step "$name" || out_of_step "$name"
  done
}

no_leader() {
  say "fleet: $1 after $READY_TIMEOUT s: a majority of engines must run; see bin/fleet status$(dir_option)"
  show_log "$DIR/$2/log"
  if cluster_is_restoring; then
    say "  it is to be restored from etcd, which failed so far:"
    grep -hs "can't restore the cluster" "$DIR"/e*/log | tail -n 1 | sed 's/^/  | /' >&2 || true
  fi
  exit 1
}

# Whether the engine knows a leader, and what the cluster knew when it was started. Where HTTP asks for a certificate it does not say the latter.
is_in_step() {
  local health
  engine_health "$1" && [[ -n $(json_field "$health" leaderId) ]] && ! catches_up "$health"
}

out_of_step() {
  local health
  if engine_health "$1" && catches_up "$health"; then
    die "engine $1 is not ready after $READY_TIMEOUT s, and goes on: $(json_field "$health" reason)"
  fi
  no_leader "engine $1 hears no leader" "$1"
}

has_leader() {
  local name health
  for name in "${ENGINE_NAMES[@]}"; do
    if process_pid "$name" && engine_health "$name" && [[ $(json_field "$health" leading) == true ]]; then return; fi
  done
  return 1
}

await_agents() { await_each agent_said_ready agent '' "$@"; }
