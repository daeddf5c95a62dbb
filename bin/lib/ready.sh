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

await_engines() {
  await_each engine_said_ready engine '' "$@"
  await_each knows_leader engine '' "$@"
}

knows_leader() {
  local health
  engine_health "$1" && [[ -n $(json_field "$health" leaderId) ]]
}

await_agents() { await_each agent_said_ready agent '' "$@"; }
