# shellcheck shell=bash
# A cluster's directory and its processes.
#
#   DIR/cluster.conf     the cluster's shape as KEY=VALUE lines, written once; marks DIR as ours
#   DIR/fleet.conf       settings of all its daemons, for the user to change
#   DIR/certificates/    the cluster's authority, and what it has issued
#   DIR/sockets          the directory of the engines' sockets
#   DIR/lock             held while a command changes the cluster
#   DIR/e<i>/            an engine: data/, log (standard error), out (standard output), pid
#   DIR/a<i>/            an agent: data/, log, out, pid; with systemd also machine/, its simulated machine
#
# A pid file holds "PID START", START being the process's start time in clock ticks since boot: pids are used again.

readonly DEFAULT_PORT_BASE=14100

# Takes a directory as the user wrote it, or nothing: then .fleet beside bin/, so that every command finds the same
# cluster from any folder.
use_dir() {
  DIR=$(realpath -m -- "${1:-$ROOT/.fleet}")
  [[ $DIR != / ]] || usage_error "--dir cannot be /"
  [[ $DIR != *$'\n'* ]] || usage_error "--dir has a line break in its name"
}

# The directory as messages show it, to be pasted: nothing when it is the default.
dir_option() { [[ $DIR == "$ROOT/.fleet" ]] || printf ' --dir %q' "$DIR"; }

cluster_exists() { [[ -s $DIR/cluster.conf ]]; }

# Sets CLUSTER_ID, ENGINES, AGENTS, UNIT_MANAGER and PORT_BASE.
load_cluster() {
  local key value
  CLUSTER_ID='' ENGINES='' AGENTS='' UNIT_MANAGER='' PORT_BASE=''
  while IFS='=' read -r key value; do
    case $key in
      cluster-id) CLUSTER_ID=$value ;;
      engines) ENGINES=$value ;;
      agents) AGENTS=$value ;;
      unit-manager) UNIT_MANAGER=$value ;;
      port-base) PORT_BASE=$value ;;
      *) die "$DIR/cluster.conf: unknown key '$key'; it was written by another version: remove $DIR" ;;
    esac
  done <"$DIR/cluster.conf"
  [[ -n $CLUSTER_ID && $ENGINES$AGENTS$PORT_BASE =~ ^[0-9]+$ && $UNIT_MANAGER =~ ^(systemd|hollow)$ ]] ||
    die "$DIR/cluster.conf is damaged: remove $DIR"
  name_processes
}

save_cluster() {
  mkdir -p "$DIR"
  {
    echo "cluster-id=$CLUSTER_ID"
    echo "engines=$ENGINES"
    echo "agents=$AGENTS"
    echo "unit-manager=$UNIT_MANAGER"
    echo "port-base=$PORT_BASE"
  } >"$DIR/cluster.conf.new"
  mv "$DIR/cluster.conf.new" "$DIR/cluster.conf"
  # In place of the host's /etc/fleet/fleet.conf, which is about the host.
  [[ -e $DIR/fleet.conf ]] ||
    echo "# Settings of this cluster's engines and agents, NAME=VALUE; see docs/configuration.md" >"$DIR/fleet.conf"
}

# Puts $1=$2 into the settings of the cluster's daemons.
save_setting() {
  sed -i "/^[[:space:]]*$1[[:space:]]*=/d" "$DIR/fleet.conf"
  printf '%s=%s\n' "$1" "$2" >>"$DIR/fleet.conf"
}

# All engines have taken part at least once.
cluster_is_formed() { [[ -e $DIR/formed ]]; }

# It is to begin with what etcd holds, and has not done so yet: whoever starts its engines goes on with that.
cluster_is_restoring() { [[ -e $DIR/restoring ]]; }

# All engines have taken part.
mark_formed() {
  : >"$DIR/formed"
  rm -f "$DIR/restoring"
}

require_cluster() {
  cluster_exists || die "there is no cluster in $DIR; start one with: bin/fleet up$(dir_option)"
  load_cluster
}

# One command at a time changes the cluster. Processes it starts must not inherit the lock.
lock_cluster() {
  exec {LOCK}>"$DIR/lock"
  flock --exclusive --wait 60 "$LOCK" || die "another bin/fleet is changing the cluster in $DIR; try again"
}

unlock_cluster() { exec {LOCK}>&-; }

# --- endpoints -------------------------------------------------------------------------------------------------------

http_port() { echo $((PORT_BASE + $1)); }
grpc_port() { echo $((PORT_BASE + 100 + $1)); }
raft_port() { echo $((PORT_BASE + 200 + $1)); }

# The gRPC endpoints of all engines, as bin/fleetctl and the agents take them.
grpc_endpoints() {
  local i list=''
  for ((i = 1; i <= ENGINES; i++)); do list+=,127.0.0.1:$(grpc_port "$i"); done
  echo "${list:1}"
}

# Sockets have a directory of their own with a short name: a unix socket's path has at most 107 bytes. DIR/sockets says where it was made,
# whatever the environment of a later command says; without that it is where it would be made.
socket_dir() {
  local dir=''
  if [[ -e $DIR/sockets ]]; then read -r dir <"$DIR/sockets" || true; fi
  # No other: all in it is removed when the cluster stops.
  if [[ ${dir##*/} == "$(socket_dir_name)" ]]; then echo "$dir"; else new_socket_dir; fi
}

socket_dir_name() {
  local name
  name=$(printf '%s' "$DIR" | sha256sum)
  echo "raftfleet-$EUID-${name:0:12}"
}

new_socket_dir() {
  local base=${XDG_RUNTIME_DIR:-/tmp}
  [[ -d $base && -w $base && ${#base} -lt 60 && $base != *[[:space:]]* ]] || base=/tmp
  echo "$base/$(socket_dir_name)"
}

engine_socket() { echo "$(socket_dir)/e$1.sock"; }

# Makes it where it was, or, where that is gone, as a log-out removes XDG_RUNTIME_DIR, where a new cluster would have it.
make_socket_dir() {
  local dir
  dir=$(socket_dir)
  if ! own_socket_dir "$dir"; then
    dir=$(new_socket_dir)
    own_socket_dir "$dir" ||
      die "$dir, for the engines' sockets, can't be made or belongs to somebody else: set XDG_RUNTIME_DIR to a folder of yours"
  fi
  echo "$dir" >"$DIR/sockets"
}

# Others who can write to the directory could put their own socket in place.
own_socket_dir() {
  { mkdir -m 700 "$1" 2>/dev/null || [[ -d $1 && ! -L $1 && -O $1 ]]; } && chmod 700 "$1"
}

# --- processes -------------------------------------------------------------------------------------------------------

# Sets ENGINE_NAMES, AGENT_NAMES (processes: hollow machines share one) and MACHINE_NAMES (agents with a systemd of
# their own) from the cluster's shape.
name_processes() {
  local i
  ENGINE_NAMES=() AGENT_NAMES=() MACHINE_NAMES=()
  for ((i = 1; i <= ENGINES; i++)); do ENGINE_NAMES+=("e$i"); done
  for ((i = 1; i <= AGENTS; i++)); do
    AGENT_NAMES+=("a$i")
    [[ $UNIT_MANAGER == systemd ]] || break
    MACHINE_NAMES+=("a$i")
  done
}

# Sets `reply` to when process $1 started, in clock ticks since boot; fails when it has ended. Starts no process
# itself, since it is asked often. The second field of stat may hold blanks and brackets.
start_time() {
  local stat fields
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1
  reply=${fields[19]}
}

# Sets `reply` to the pid of the process whose pid file is given; fails when it does not run.
live_pid() {
  local pid start
  { read -r pid start <"$1"; } 2>/dev/null || return 1
  start_time "$pid" && [[ $reply == "$start" ]] || return 1
  reply=$pid
}

process_pid() { live_pid "$DIR/$1/pid"; }

machine_pid() { live_pid "$DIR/$1/machine.pid"; }

# Writes pid file $2 of process $1, in a way that no process matches if that has ended already.
write_pid() {
  start_time "$1" || reply=ended
  echo "$1 $reply" >"$2"
}

# Starts a program as the process called $1, in a session of its own so that Ctrl-C in the terminal reaches this
# script alone. A large log of the run before is kept as log.1.
start_process() {
  local name=$1 home=$DIR/$1
  shift
  mkdir -p "$home"
  if [[ -e $home/log && $(stat --format=%s "$home/log") -gt 8388608 ]]; then mv "$home/log" "$home/log.1"; fi
  (
    [[ -z ${LOCK-} ]] || exec {LOCK}>&-
    cd "$home" && exec setsid "$@"
  ) </dev/null >"$home/out" 2>>"$home/log" &
  # Or else bash tells, in its own words, when somebody kills it.
  disown $!
  write_pid $! "$home/pid"
}

# Starts the daemon of a module as the process called $2.
start_daemon() {
  local module=$1 train=''
  shift
  if [[ " ${TRAINED-} " == *" $1 "* ]]; then train=$(cache_of "$module").new; fi
  JAVA_HOME=$JAVA_HOME RAFTFLEET_TRAIN=$train RAFTFLEET_ENGINE_SHARE=$((36 / ENGINES > 0 ? 36 / ENGINES : 1)) \
    start_process "$1" "$ROOT/bin/fleet-$module" "${@:2}"
}

# Prints the end of a process's log, to stand under an error message.
show_log() {
  say "  the last lines of $1:"
  tail -n "${2:-15}" "$1" 2>/dev/null | sed 's/^/  | /' >&2 || true
}

is_gone() { ! live_pid "$1"; }

# Asks the processes behind the given pid files to stop, all at once, and kills those that have not after $1 seconds.
stop_processes() {
  local deadline file
  deadline=$(($(milliseconds) + $1 * 1000))
  shift
  for file in "$@"; do
    if live_pid "$file"; then kill -TERM "$reply" 2>/dev/null || true; fi
  done
  for file in "$@"; do
    if ! await_until "$deadline" is_gone "$file" && live_pid "$file"; then
      say "fleet: process $reply ($file) did not stop in time and is killed"
      kill -KILL "$reply" 2>/dev/null || true
      await_until $(($(milliseconds) + 5000)) is_gone "$file" || die "process $reply ($file) cannot be killed"
    fi
    rm -f "$file"
  done
}

# Agents first, so that they report nothing of the shutdown; then the machines with their units; engines at last.
stop_all() {
  local name files=()
  for name in "${AGENT_NAMES[@]}"; do files+=("$DIR/$name/pid"); done
  stop_processes 10 "${files[@]}"
  files=()
  for name in "${MACHINE_NAMES[@]}"; do files+=("$DIR/$name/machine.pid"); done
  stop_processes 15 "${files[@]}"
  # Also ends what a machine whose supervisor was killed left behind.
  for name in "${MACHINE_NAMES[@]}"; do
    [[ ! -d $DIR/$name/machine ]] || "$ROOT/bin/systemd-machine" clean "$DIR/$name/machine" || true
  done
  files=()
  for name in "${ENGINE_NAMES[@]}"; do files+=("$DIR/$name/pid"); done
  stop_processes 15 "${files[@]}"
  rm -rf "$(socket_dir)" "$DIR/sockets"
}

# Sets `running` to the names of all processes that run.
find_running() {
  local name
  running=()
  for name in "${ENGINE_NAMES[@]}" "${AGENT_NAMES[@]}"; do
    if process_pid "$name"; then running+=("$name"); fi
  done
  for name in "${MACHINE_NAMES[@]}"; do
    if machine_pid "$name"; then running+=("$name's machine"); fi
  done
}
