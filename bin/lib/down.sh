# shellcheck shell=bash
# bin/fleet down

down_usage() {
  cat <<'USAGE'
Usage: bin/fleet down [--purge] [--dir DIR]

Stops the cluster in DIR (default .fleet in the project's folder): its agents, its simulated machines with
the units that run on them, and its engines. The data stays, and `bin/fleet up` continues with it; --purge
removes it.
USAGE
}

fleet_down() {
  local purge='' dir=''
  while (($# > 0)); do
    case $1 in
      --purge) purge=yes; shift ;;
      --dir | --dir=*) take_value "$@"; dir=$reply; shift "$taken" ;;
      --help | -h) down_usage; return ;;
      *) usage_error "down: unknown argument '$1'; see bin/fleet down --help" ;;
    esac
  done
  use_dir "$dir"
  if ! cluster_exists; then
    say "There is no cluster in $DIR: nothing to stop."
    return
  fi
  lock_cluster
  load_cluster
  stop_all
  if [[ -n $purge ]]; then
    purge_dir
    if [[ -e $DIR ]]; then
      say "Stopped, and its data removed. $DIR holds other files and stays."
    else
      say "Stopped, and $DIR removed."
    fi
  else
    say "Stopped. Its data is in $DIR; bin/fleet up$(dir_option) continues with it."
  fi
}

# Removes what we made, and the directory unless it holds more.
purge_dir() {
  local entry
  for entry in "$DIR"/[ae][1-9]*; do
    if [[ ${entry##*/} =~ ^[ae][0-9]+$ ]]; then rm -rf "$entry"; fi
  done
  remove_context
  rm -rf "$(certificates_dir)"
  rm -f "$DIR/cluster.conf" "$DIR/cluster.conf.new" "$DIR/fleet.conf" "$DIR/formed" "$DIR/restoring" \
    "$DIR/lock"
  rmdir "$DIR" 2>/dev/null || true
}
