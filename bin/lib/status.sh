# shellcheck shell=bash
# bin/fleet status

status_usage() {
  cat <<'USAGE'
Usage: bin/fleet status [--json] [--dir DIR]

Shows each engine and agent of the cluster in DIR (default .fleet in the project's folder). With --json, an
array of {"name","role","pid","leader","http","grpc","dir","machineId","socket"}: "role" is "engine" or
"agent", "pid" is null when the process does not run, "leader" is true for the engine that leads, and what
does not apply is null. "dir" holds the process's log and, of an agent with a real systemd, machine/, for
bin/systemd-machine.
USAGE
}

fleet_status() {
  local json='' dir=''
  while (($# > 0)); do
    case $1 in
      --json) json=yes; shift ;;
      --dir | --dir=*) take_value "$@"; dir=$reply; shift "$taken" ;;
      --help | -h) status_usage; return ;;
      *) usage_error "status: unknown argument '$1'; see bin/fleet status --help" ;;
    esac
  done
  use_dir "$dir"
  require_cluster
  if [[ -n $json ]]; then print_json; else print_table; fi
}

# Sets LEADING[name] to true or false and HEALTH[name] to a word, for each engine. All are asked at once, so that one
# that hangs costs its two seconds only once.
ask_engines() {
  local name answer
  declare -gA LEADING=() HEALTH=()
  local -A answers=()
  for name in "${ENGINE_NAMES[@]}"; do
    if process_pid "$name"; then
      exec {answer}< <(ask_health "$name" 2>/dev/null)
      answers[$name]=$answer
    fi
  done
  for name in "${ENGINE_NAMES[@]}"; do
    LEADING[$name]=false
    HEALTH[$name]=stopped
    if lacks_memory "$name"; then HEALTH[$name]="no memory"; fi
    [[ -n ${answers[$name]-} ]] || continue
    answer=${answers[$name]}
    local health
    health=$(cat <&"$answer")
    exec {answer}<&-
    if [[ -z $health ]]; then
      HEALTH[$name]="no answer"
    elif [[ $(json_field "$health" leading) == true ]]; then
      LEADING[$name]=true
      HEALTH[$name]=leader
    elif catches_up "$health"; then
      HEALTH[$name]="catching up"
    elif [[ -n $(json_field "$health" leaderId) ]]; then
      HEALTH[$name]=follower
    else
      HEALTH[$name]="no leader"
    fi
  done
}

# Whether the process, which does not run, said at its end that it has too little memory; sets `reply` to what it said.
lacks_memory() {
  reply=$(tail -q -n 3 "$DIR/$1/log" "$DIR/$1/out" 2>/dev/null | grep -E ' MiB of memory, |into garbage collections|OutOfMemoryError' | tail -n 1)
  [[ -n $reply ]]
}

# Prints one line for each engine and each agent: name, role, pid, leader, http, grpc, dir, machine id, socket and
# state, separated by a character that none of them holds.
rows() {
  local name pid i
  ask_engines
  find_machine_ids
  for name in "${ENGINE_NAMES[@]}"; do
    i=${name#e}
    pid=''
    if process_pid "$name"; then pid=$reply; fi
    row "$name" engine "$pid" "${LEADING[$name]}" "127.0.0.1:$(http_port "$i")" "127.0.0.1:$(grpc_port "$i")" \
      "$DIR/$name" '' "$(engine_socket "$i")" "${HEALTH[$name]}"
  done
  for ((i = 1; i <= AGENTS; i++)); do
    name=a$i
    # Hollow machines share one process.
    [[ $UNIT_MANAGER == systemd ]] || name=a1
    pid=''
    if process_pid "$name"; then pid=$reply; fi
    row "a$i" agent "$pid" false '' '' "$DIR/$name" "${MACHINE_IDS[i]}" '' "${pid:+running}"
  done
}

row() {
  local IFS=$'\x1f'
  printf '%s\n' "$*"
}

print_json() {
  local name role pid leader http grpc dir machine socket state separator='['
  while IFS=$'\x1f' read -r name role pid leader http grpc dir machine socket state; do
    printf '%s\n  {"name":"%s","role":"%s","pid":%s,"leader":%s' "$separator" "$name" "$role" "${pid:-null}" "$leader"
    printf ',"http":%s,"grpc":%s,"dir":%s,"machineId":%s,"socket":%s}' "$(json_string "$http")" \
      "$(json_string "$grpc")" "$(json_string "$dir")" "$(json_string "$machine")" "$(json_string "$socket")"
    separator=','
  done < <(rows)
  printf '\n]\n'
}

print_table() {
  local name role pid leader http grpc dir machine socket state format='%-5s %-7s %-8s %-10s %-21s %-21s %s\n'
  # shellcheck disable=SC2059 # the one format of all lines
  printf "$format" NAME ROLE PID STATE HTTP GRPC "SOCKET OR MACHINE"
  while IFS=$'\x1f' read -r name role pid leader http grpc dir machine socket state; do
    # shellcheck disable=SC2059
    printf "$format" "$name" "$role" "${pid:--}" "${state:-stopped}" "${http:--}" "${grpc:--}" "$socket$machine"
  done < <(rows)
  echo "Logs: $DIR/NAME/log"
  for name in "${ENGINE_NAMES[@]}"; do
    if ! process_pid "$name" && lacks_memory "$name"; then echo "$name: $reply"; fi
  done
}
