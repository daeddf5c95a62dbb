# shellcheck shell=bash
# bin/fleet up

up_usage() {
  cat <<'USAGE'
Usage: bin/fleet up [--engines N] [--agents N] [--unit-manager systemd|hollow] [--dir DIR] [--port-base P] [--detach]
                    [--etcd URL,...] [--restore-from-etcd CLUSTER-ID] [--no-plain-http]

Builds what is missing, starts a cluster on this machine and waits until it takes writes and all agents are
connected. In the foreground, Ctrl-C stops the cluster; with --detach, `bin/fleet down` does. Either way the
cluster's data is kept, and the next `up` continues with it.

--engines N        how many engines replicate the registry, 1 to 9 (default 3); fixed once the cluster exists
--agents N         how many machines the cluster has (default 4): up to 64 with systemd, 5000 hollow ones
--unit-manager M   systemd: each machine is a real `systemd --user` of its own. hollow: machines in memory,
                   which only pretend to run units, all in one process. Default: systemd where it can run,
                   else hollow
--dir DIR          where the cluster's data and logs are (default .fleet in the project's folder)
--port-base P      engine i listens on 127.0.0.1, at port P+i for HTTP, P+100+i for gRPC and P+200+i for Raft
                   (default 14100); fixed once the cluster exists
--detach           return when the cluster is ready
--etcd URL,...     mirror units and schedule to this etcd, as in http://127.0.0.1:2379; kept for later starts
--restore-from-etcd CLUSTER-ID
                   begin a new cluster's directory, or one whose engines lost their data, with what etcd holds of
                   the cluster of this id (its key below the prefix, watermark, names it)
--no-plain-http    speak TLS over HTTP, too. Else HTTP v1, for old clients, curl and browsers, is in plaintext on loopback,
                   and whoever has an account here may do everything by it; plain_http in DIR/fleet.conf keeps which

Engines, agents and bin/fleetctl know each other by certificates, which are made in DIR/certificates; fleetctl finds
yours by the endpoints, from a file in ~/.config/raftfleet/contexts. More than 64 hollow machines speak plaintext.

RAFTFLEET_ENGINE_JAVA_OPTS and RAFTFLEET_AGENT_JAVA_OPTS are added to the options of the daemons' Java machines.
USAGE
}

fleet_up() {
  local engines='' agents='' unit_manager='' dir='' port_base='' detach='' etcd='' restore='' no_plain_http='' begin
  while (($# > 0)); do
    case $1 in
      --engines | --engines=*) take_value "$@"; engines=$reply; shift "$taken" ;;
      --agents | --agents=*) take_value "$@"; agents=$reply; shift "$taken" ;;
      --unit-manager | --unit-manager=*) take_value "$@"; unit_manager=$reply; shift "$taken" ;;
      --dir | --dir=*) take_value "$@"; dir=$reply; shift "$taken" ;;
      --port-base | --port-base=*) take_value "$@"; port_base=$reply; shift "$taken" ;;
      --detach) detach=yes; shift ;;
      --etcd | --etcd=*) take_value "$@"; etcd=$reply; shift "$taken" ;;
      --restore-from-etcd | --restore-from-etcd=*) take_value "$@"; restore=$reply; shift "$taken" ;;
      --no-plain-http) no_plain_http=yes; shift ;;
      --help | -h) up_usage; return ;;
      *) usage_error "up: unknown argument '$1'; see bin/fleet up --help" ;;
    esac
  done
  use_dir "$dir"
  check_shape_options
  require_java
  build
  train
  begin=$(milliseconds)
  prepare_cluster
  trap 'stop_after_failure' EXIT
  trap 'exit 130' INT TERM HUP
  start_cluster
  write_context
  trap - EXIT
  echo "Ready after $(seconds_since "$begin") s: $ENGINES engines, $AGENTS machines ($UNIT_MANAGER), in $DIR"
  print_table
  print_security
  print_hints
  if [[ -n $detach ]]; then
    unlock_cluster
  else
    stay
  fi
}

check_shape_options() {
  [[ -z $engines ]] || require_number --engines "$engines" 1 9
  [[ -z $agents ]] || require_number --agents "$agents" 0 5000
  [[ -z $port_base ]] || require_number --port-base "$port_base" 1 65000
  [[ -z $unit_manager || $unit_manager == systemd || $unit_manager == hollow ]] ||
    usage_error "option --unit-manager: '$unit_manager' is neither systemd nor hollow"
}

# Takes the cluster that the directory holds, or makes a new one; nothing of it may run.
prepare_cluster() {
  local running
  if cluster_exists; then
    lock_cluster
    load_cluster
    find_running
    ((${#running[@]} == 0)) || die "the cluster in $DIR is already running (${running[*]})." \
      "See bin/fleet status$(dir_option); stop it with bin/fleet down$(dir_option)"
    keep_shape engines "$ENGINES" "$engines"
    keep_shape port-base "$PORT_BASE" "$port_base"
    keep_shape unit-manager "$UNIT_MANAGER" "$unit_manager"
    AGENTS=$((10#${agents:-$AGENTS}))
    say "Continuing with the cluster in $DIR."
  else
    [[ ! -e $DIR || -d $DIR ]] || die "$DIR is not a folder"
    [[ ! -d $DIR || -z $(find "$DIR" -mindepth 1 -maxdepth 1 ! -name lock -print -quit) ]] ||
      die "$DIR holds other files and no cluster: choose another --dir"
    mkdir -p "$DIR" || die "cannot make $DIR"
    lock_cluster
    CLUSTER_ID=${restore:-$(</proc/sys/kernel/random/uuid)}
    ENGINES=$((10#${engines:-3})) AGENTS=$((10#${agents:-4})) PORT_BASE=$((10#${port_base:-$DEFAULT_PORT_BASE}))
    choose_unit_manager "$unit_manager"
  fi
  [[ $UNIT_MANAGER == hollow ]] || ((AGENTS <= 64)) ||
    die "$AGENTS machines are too many for real systemd managers on one host (at most 64): use --unit-manager hollow"
  name_processes
  require_free_ports "${ENGINE_NAMES[@]}"
  save_cluster
  [[ -z $etcd ]] || save_setting etcd_servers "$etcd"
  if [[ -n $no_plain_http ]]; then
    ! too_many_to_know || die "--no-plain-http with $AGENTS hollow machines, which have no certificates beyond $MOST_KNOWN_HOLLOW"
    save_setting plain_http false
  elif ! grep -qs '^[[:space:]]*plain_http[[:space:]]*=' "$DIR/fleet.conf"; then
    save_setting plain_http true
  fi
  [[ -z $restore || -n ${FLEET_ETCD_SERVERS-} ]] || grep -qs '^[[:space:]]*etcd_servers[[:space:]]*=' "$DIR/fleet.conf" ||
    die "--restore-from-etcd needs --etcd, since $DIR/fleet.conf names no etcd_servers"
  [[ -z $restore ]] || prepare_restore
}

# Engines that hold data are no empty cluster: what they know is newer than any mirror.
prepare_restore() {
  [[ $restore == "$CLUSTER_ID" ]] || die "$DIR is of cluster $CLUSTER_ID, not $restore: choose another --dir"
  cluster_is_restoring || require_empty_engines
  : >"$DIR/restoring"
}

require_empty_engines() {
  local name
  for name in "${ENGINE_NAMES[@]}"; do
    [[ ! -e $DIR/$name/data ]] || die "engine $name has data in $DIR/$name/data: nothing is restored over it." \
      "Start without --restore-from-etcd, or remove the data of all engines first"
  done
}

# These belong to what is stored, so they can't be another now.
keep_shape() {
  [[ -z $3 || $2 == "$3" ]] ||
    die "the cluster in $DIR has --$1 $2, which cannot become $3: choose another --dir, or remove this one with" \
      "bin/fleet down --purge$(dir_option)"
}

choose_unit_manager() {
  local reason
  UNIT_MANAGER=$1
  if [[ $UNIT_MANAGER == hollow ]]; then return; fi
  if reason=$("$ROOT/bin/systemd-machine" check); then
    UNIT_MANAGER=systemd
  elif [[ $UNIT_MANAGER == systemd ]]; then
    die "no systemd manager can run here: $reason"
  else
    UNIT_MANAGER=hollow
    say "No systemd manager can run here ($reason): the machines are hollow, they only pretend to run units."
  fi
}

start_cluster() {
  local name
  say "Starting $ENGINES engines and $AGENTS machines ($UNIT_MANAGER) ..."
  make_socket_dir
  certify_engines
  for name in "${ENGINE_NAMES[@]}"; do start_engine "$name"; done
  for name in "${MACHINE_NAMES[@]}"; do start_machine "$name"; done
  await_machines "${MACHINE_NAMES[@]}"
  certify_agents
  for name in "${AGENT_NAMES[@]}"; do start_agent "$name"; done
  await_engines "${ENGINE_NAMES[@]}"
  mark_formed
  await_agents "${AGENT_NAMES[@]}"
}

# The cluster did not start, or we were told to stop.
stop_after_failure() {
  local status=$?
  trap '' INT TERM HUP
  say "Stopping ..."
  stop_all
  exit "$status"
}

# Waits in the foreground until we are told to stop, or until all processes have gone (by `down`, from elsewhere).
stay() {
  local name reported=' ' running
  unlock_cluster
  say ""
  say "Ctrl-C stops the cluster."
  trap stop_foreground EXIT
  while find_running && ((${#running[@]} > 0)); do
    for name in "${ENGINE_NAMES[@]}" "${AGENT_NAMES[@]}"; do
      # Without a pid file it was stopped on order.
      if process_pid "$name"; then
        reported=${reported/ $name / }
      # Nor is it news while somebody else is at the cluster: `down`, or `restart`.
      elif [[ $reported != *" $name "* && -e $DIR/$name/pid ]] && flock --nonblock "$DIR/lock" true; then
        reported+="$name "
        say "$name has exited; its log is $DIR/$name/log; bin/fleet restart$(dir_option) $name starts it again"
      fi
    done
    # A signal ends this wait at once, which it would not do to a foreground sleep.
    sleep 1 &
    wait $! || true
  done
  trap - EXIT
  say "The cluster has stopped."
}

stop_foreground() {
  trap '' INT TERM HUP
  say ""
  say "Stopping the cluster ..."
  lock_cluster
  stop_all
  say "Stopped. Its data is in $DIR; bin/fleet up$(dir_option) continues with it."
  exit 0
}

# Who may what, in one line.
print_security() {
  if is_plaintext; then
    echo "It speaks plaintext on loopback: whoever has an account here may do everything with it (docs/security.md)."
  elif http_is_plain; then
    echo "gRPC and Raft have mutual TLS; HTTP is plaintext on loopback, by which whoever has an account here may do" \
      "everything: --no-plain-http (docs/security.md)."
  else
    echo "gRPC, HTTP and Raft have mutual TLS; the certificates are in $(certificates_dir) (docs/security.md)."
  fi
}

# Two commands to try.
print_hints() {
  local client examples="$ROOT/examples"
  client=$(printf %q "$ROOT/bin/fleetctl")
  if [[ $PWD == "$ROOT" ]]; then client=bin/fleetctl examples=examples; fi
  if ((PORT_BASE != DEFAULT_PORT_BASE || ENGINES != 3)); then
    client+=" --endpoint $(grpc_endpoints)"
  fi
  echo ""
  echo "Try:"
  echo "  $client list-machines"
  echo "  $client start $(printf %q "$examples/ping.service")"
  if [[ $client == *' --endpoint '* ]]; then
    echo "From now on without --endpoint, in this shell: export FLEETCTL_ENDPOINT=$(grpc_endpoints)"
  fi
}
