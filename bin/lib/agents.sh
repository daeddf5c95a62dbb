# shellcheck shell=bash
# Starts agents and, with systemd, the simulated machines that they run on.

# Each machine has an address of its own on the loopback network.
machine_ip() {
  local number=$((10 + $1))
  echo "127.0.$((number / 250)).$((number % 250))"
}

# Machines belong to the cluster, not to the agents: units outlive an agent, as on a real machine.
start_machine() {
  mkdir -p "$DIR/$1"
  (
    [[ -z ${LOCK-} ]] || exec {LOCK}>&-
    exec setsid "$ROOT/bin/systemd-machine" run "$DIR/$1/machine"
  ) </dev/null >"$DIR/$1/machine.out" 2>>"$DIR/$1/machine.log" &
  write_pid $! "$DIR/$1/machine.pid"
}

machine_said_ready() { grep -qsx ready "$DIR/$1/machine.out"; }

# Prints value $2 of machine $1's environment.
machine_env() { sed -n "s/^$2=//p" "$DIR/$1/machine/env"; }

start_agent() {
  local unit_manager identity java_options=${RAFTFLEET_AGENT_JAVA_OPTS-}
  mapfile -t unit_manager < <("${UNIT_MANAGER}_options" "$1")
  mapfile -t identity < <(identity_options agent %m)
  if [[ $UNIT_MANAGER == hollow ]] && ((AGENTS > 100)); then java_options="-Xmx1g $java_options"; fi
  RAFTFLEET_AGENT_JAVA_OPTS=$java_options start_daemon agent "$1" "${identity[@]}" --config "$DIR/fleet.conf" \
    --engines "$(grpc_endpoints)" --data-dir "$DIR/$1/data" --unit-manager "$UNIT_MANAGER" "${unit_manager[@]}"
}

hollow_options() {
  printf '%s\n' --hollow "$AGENTS" --machine-id "$CLUSTER_ID" --public-ip 127.0.0.1 --metadata role=worker
}

systemd_options() {
  printf '%s\n' --machine-id "$(machine_env "$1" MACHINE_ID)" --public-ip "$(machine_ip "${1#a}")" \
    --metadata "host=h${1#a},role=worker" --systemd-bus "$(machine_env "$1" SYSTEMD_PRIVATE_ADDRESS)" \
    --boot-id-file "$DIR/$1/machine/run/boot-id" --journal-command "$(journal_command "$1")"
}

# The agent splits this at blanks, which our folder or the cluster's may have in their names.
journal_command() {
  local dir
  dir=$(socket_dir)
  ln -sfn "$ROOT/bin/systemd-machine" "$dir/machine"
  ln -sfn "$DIR/$1/machine" "$dir/$1"
  echo "$dir/machine exec $dir/$1"
}

agent_said_ready() { grep -qs '^ready' "$DIR/$1/out"; }

# --- machine ids -----------------------------------------------------------------------------------------------------

# Sets MACHINE_IDS[i], empty for a machine that has never run.
find_machine_ids() {
  local i
  MACHINE_IDS=('')
  if [[ $UNIT_MANAGER == hollow ]]; then
    hollow_machine_ids
    return
  fi
  for ((i = 1; i <= AGENTS; i++)); do
    MACHINE_IDS[i]=''
    [[ ! -s $DIR/a$i/machine/machine-id ]] || read -r MACHINE_IDS[i] <"$DIR/a$i/machine/machine-id"
  done
}

# As the agent derives them: a version 3 UUID of its seed and the machine's number. One md5sum for all of them.
hollow_machine_ids() {
  local scratch i sum variant digits=0123456789abcdef
  scratch=$(mktemp -d)
  for ((i = 1; i <= AGENTS; i++)); do printf 'hollow %s %d' "$CLUSTER_ID" "$i" >"$scratch/$i"; done
  while read -r sum i; do
    variant=$((0x${sum:16:1} & 3 | 8))
    MACHINE_IDS[${i##*/}]=${sum:0:12}3${sum:13:3}${digits:variant:1}${sum:17}
  done < <(find "$scratch" -type f -exec md5sum {} +)
  rm -rf "$scratch"
}
