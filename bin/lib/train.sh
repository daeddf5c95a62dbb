# shellcheck shell=bash
# Makes the ahead-of-time caches with which the programs start in a fraction of the time: engine and agent by a
# training run of a whole small cluster, since an engine that has never seen another would not load half of its
# classes.

# In seconds, for Java machines to write their caches, which takes minutes where others use the processors.
readonly TRAINING_TIMEOUT=400
# So often a step is tried: on a busy machine an engine may answer late, or an order come while another one is to lead.
readonly TRAINING_TRIES=5

cache_of() { printf '%s\n' "$ROOT/$1/target/$1.aot"; }

is_trained() { aot_is_current "$(cache_of "$1")" "$JAVA" "$(module_class_path "$1")"; }

# bin/fleet train, which no user needs: `up` and `chaos` do it by themselves. The test suite does not start with them.
fleet_train() {
  require_java
  train
}

# Makes the caches that are missing. Without them everything works all the same, so nothing here is an error.
train() {
  local begin training log=$ROOT/target/training.log failed=$ROOT/target/training-failed.log
  if is_trained engine && is_trained agent && is_trained fleetctl; then return; fi
  mkdir -p "$ROOT/target" 2>/dev/null && [[ -w $ROOT/engine/target ]] || return 0
  begin=$(milliseconds)
  say "Making the programs start faster (once after a build) ..."
  (train_all) >"$log" 2>&1 &
  training=$!
  trap 'kill -TERM "$training"; exit 130' INT TERM HUP
  if wait "$training"; then
    say "Done in $(seconds_since "$begin") s."
  else
    # The next run writes a log, too.
    mv "$log" "$failed"
    say "That failed, so the programs start more slowly; why: $failed"
  fi
  trap - INT TERM HUP
}

train_all() {
  trap 'exit 1' INT TERM HUP
  fleetctl_cache "$ROOT/fleetctl" "$JAVA"
  if is_trained engine && is_trained agent; then return; fi
  DIR=$(mktemp -d)
  trap stop_training EXIT
  CLUSTER_ID=$(</proc/sys/kernel/random/uuid)
  ENGINES=3 AGENTS=1
  choose_unit_manager ''
  name_processes
  PORT_BASE=$(free_port_base)
  save_cluster
  save_setting plain_http true
  # The daemons' launchers write the caches of the first engine and the first agent.
  TRAINED="e1 a1" start_cluster
  # What is slow the first time, and matters: that e1 takes leadership, leads many starts at once and one by one, and hands over.
  order cluster transfer-leader e1
  order start "$ROOT/examples/ping.service"
  order submit "$ROOT/examples/web@.service"
  order load web@{1..400}.service
  order list-units
  order cluster transfer-leader e2
  order cluster transfer-leader e1
  for unit in {401..405}; do order load "web@$unit.service"; done
  # Once, for a second try might find nothing any more.
  client "$(grpc_endpoints)" --request-timeout 20 destroy 'web@*' ping.service || true
  again http_get "$(http_port 1)" /fleet/v1/units
  again http_get "$(http_port 1)" /metrics
  # Java writes a cache while it ends, which takes long. Engines that are not trained go last: they are its company.
  stop_processes "$TRAINING_TIMEOUT" "$DIR/a1/pid" "$DIR/e1/pid"
  keep_cache engine
  keep_cache agent
}

order() { again client "$(grpc_endpoints)" --request-timeout 20 "$@"; }

# Runs a step, which may be done twice, until it succeeds.
again() {
  local try
  for ((try = 1; try < TRAINING_TRIES; try++)); do
    if "$@"; then return; fi
    say "try $try of $TRAINING_TRIES failed: $*"
    sleep "$try"
  done
  "$@"
}

stop_training() {
  local status=$?
  if ((status != 0)); then tail --lines=50 "$DIR"/*/log || true; fi
  stop_all
  rm -f "$ROOT"/{engine,agent}/target/*.aot.new*
  rm -rf "$DIR"
}

keep_cache() {
  local cache
  cache=$(cache_of "$1")
  rm -f "$cache.new.config"
  [[ -s $cache.new ]] || die "Java has left no $cache.new"
  mv "$cache.new" "$cache"
  echo "$JAVA" >"$cache.jdk"
}

# Prints a port base of which no port of nine engines is in use.
free_port_base() {
  local base offset
  while read -r base; do
    for offset in {0..2}{01..09}; do
      if listens $((base * 100 + 10#$offset)); then continue 2; fi
    done
    echo $((base * 100))
    return
  done < <(shuf --input-range=150-310)
  return 1
}
