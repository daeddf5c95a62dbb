# shellcheck shell=bash
# bin/fleet restart

restart_usage() {
  cat <<'USAGE'
Usage: bin/fleet restart [--dir DIR] [--restore-from-etcd] [NAME...]

Stops the named engines (e1 ...) and agents (a1 ...), in order, and starts them again on their data; without
names, all. What is dead is started. The simulated machines and the units on them go on. Returns when all
that was started is ready.

--restore-from-etcd  for engines that have all lost their data: they begin with what etcd holds of the cluster
USAGE
}

fleet_restart() {
  local dir='' names=() name files=() running restore=''
  while (($# > 0)); do
    case $1 in
      --dir | --dir=*) take_value "$@"; dir=$reply; shift "$taken" ;;
      --restore-from-etcd) restore=yes; shift ;;
      --help | -h) restart_usage; return ;;
      -*) usage_error "restart: unknown option '$1'; see bin/fleet restart --help" ;;
      *) names+=("$1"); shift ;;
    esac
  done
  use_dir "$dir"
  require_cluster
  lock_cluster
  restore=${restore:+$CLUSTER_ID}
  local all=("${ENGINE_NAMES[@]}" "${AGENT_NAMES[@]}")
  ((${#names[@]} > 0)) || names=("${all[@]}")
  for name in "${names[@]}"; do
    [[ " ${all[*]} " == *" $name "* ]] || usage_error "restart: there is no process '$name'; there are: ${all[*]}"
  done
  find_running
  ((${#running[@]} > 0)) || die "the cluster in $DIR does not run; start it with: bin/fleet up$(dir_option)"
  require_java
  [[ -z $restore ]] || check_restore "${names[@]}"
  # What can't be started again is not stopped.
  make_socket_dir
  for name in "${MACHINE_NAMES[@]}"; do journal_command "$name" >/dev/null; done
  for name in "${names[@]}"; do files+=("$DIR/$name/pid"); done
  stop_processes 15 "${files[@]}"
  [[ -z $restore ]] || prepare_restore
  start_again "${names[@]}"
  ! cluster_is_restoring || mark_formed
  print_table
}

# Before anything is stopped.
check_restore() {
  local name
  for name in "${ENGINE_NAMES[@]}"; do
    [[ " $* " == *" $name "* ]] ||
      usage_error "restart --restore-from-etcd is for all engines at once: ${ENGINE_NAMES[*]}"
  done
  cluster_is_restoring || require_empty_engines
}

start_again() {
  local name engines=() agents=()
  for name in "$@"; do
    if [[ $name == e* ]]; then engines+=("$name"); else agents+=("$name"); fi
  done
  ((${#engines[@]} == 0)) || require_free_ports "${engines[@]}"
  for name in "${engines[@]}"; do start_engine "$name"; done
  for name in "${agents[@]}"; do
    if [[ $UNIT_MANAGER == systemd ]] && ! machine_pid "$name"; then
      start_machine "$name"
      await_machines "$name"
    fi
    certify_agents
    start_agent "$name"
  done
  await_engines "${engines[@]}"
  await_agents "${agents[@]}"
}
