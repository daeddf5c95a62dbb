# shellcheck shell=bash
# bin/fleet bench

bench_is_built() {
  local jars=("$ROOT"/bench/target/raftfleet-bench-*.jar) sources
  mapfile -t sources < <(all_sources)
  [[ -d $ROOT/bench/target/lib ]] && built_since "${jars[0]}" "$BUILD_MARK.bench" "${sources[@]}"
}

# With the lock. Reports need no daemons, but their programs come from the same build.
prepare_bench() {
  build_daemons
  if ! bench_is_built; then
    say "Building the benchmarks ..."
    build_projects "$BUILD_MARK.bench" bench
  fi
  (
    exec {BUILD_LOCK}>&-
    train
  )
}

fleet_bench() {
  local jar version safepoints collector
  require_java
  build_locked prepare_bench
  if [[ ${1-} == jmh ]]; then
    exec "$JAVA" -cp "$(class_path "$ROOT/bench")" org.openjdk.jmh.Main "${@:2}"
  fi
  jar=$(basename -- "$ROOT"/bench/target/raftfleet-bench-*.jar .jar)
  version=${jar#raftfleet-bench-}
  safepoints=$(mktemp -d)
  engine_collector "$JAVA"
  # As in production, the collector and both compilers, and memory for a million units; what the user says comes last and wins.
  RAFTFLEET_ENGINE_JAVA_OPTS="-XX:-UseSerialGC ${collector[*]} -XX:TieredStopAtLevel=4 -Xmx${RAFTFLEET_BENCH_ENGINE_HEAP:-1g} \
    -Xlog:safepoint:file=$safepoints/%p.log:time ${RAFTFLEET_ENGINE_JAVA_OPTS-}"
  export RAFTFLEET_ENGINE_JAVA_OPTS
  # A process that plays hundreds of hollow machines is no agent of one machine; in `systemd` each is.
  if [[ ${1-} != systemd ]]; then
    export RAFTFLEET_AGENT_JAVA_OPTS="-XX:TieredStopAtLevel=4 -Xmx${RAFTFLEET_BENCH_AGENT_HEAP:-512m} ${RAFTFLEET_AGENT_JAVA_OPTS-}"
  fi
  exec "$JAVA" -XX:+UseSerialGC -Xmx2g --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -Draftfleet.root="$ROOT" -Draftfleet.version="$version" -Draftfleet.safepoints="$safepoints" -cp "$(class_path "$ROOT/bench")" \
    io.raftfleet.bench.BenchCommand "$@"
}
