# shellcheck shell=bash
# bin/fleet chaos

# Where campaigns run from. See copy_programs.
readonly COPIES=$ROOT/target/programs

# All sources would be too many: it needs the daemons' jars, and its own.
chaos_is_built() {
  local jars=("$ROOT"/chaos-tests/target/raftfleet-chaos-tests-*.jar)
  [[ -d $ROOT/chaos-tests/target/lib ]] &&
    built_since "${jars[0]}" "$BUILD_MARK.chaos" "$ROOT"/{chaos-tests,client,fleetctl,identity,proto,unit}/{pom.xml,src/main}
}

build_chaos() {
  chaos_is_built && return
  say "Building the campaigns ..."
  build_projects "$BUILD_MARK.chaos" chaos-tests
}

# Prints paths of all that a campaign runs, from $ROOT.
programs() {
  (cd "$ROOT" && find bin {engine,agent,fleetctl,chaos-tests}/target -maxdepth 2 -type f \
    \( -path 'bin/*' -o -name '*.jar' -o -name '*.aot' -o -name '*.aot.jdk' \) ! -name '*-tests.jar' | sort)
}

# Copies the programs to a folder that no build touches, and sets PROGRAMS to it: a campaign runs for hours, and starts
# processes all the time. Campaigns of the same build share a copy. Each holds a lock on it, as long as it lives; copies
# on which nobody has one are removed. To be called with the build lock.
copy_programs() {
  local name copy lock
  mkdir -p "$COPIES"
  # The time is part of the name: a start-up cache fits jars of one time alone.
  name=$(cd "$ROOT" && programs | xargs -d '\n' stat --format='%n %s %Y' | sha1sum | cut -c 1-12)
  for copy in "$COPIES"/*.lock; do
    [[ -e $copy && $copy != "$COPIES/$name.lock" ]] || continue
    exec {lock}>"$copy"
    if flock --exclusive --nonblock "$lock"; then rm -rf "${copy%.lock}" "$copy"; fi
    exec {lock}>&-
  done
  PROGRAMS=$COPIES/$name
  exec {PROGRAMS_LOCK}>"$PROGRAMS.lock"
  flock --shared "$PROGRAMS_LOCK"
  if [[ ! -d $PROGRAMS ]]; then
    rm -rf "$PROGRAMS.new"
    mkdir "$PROGRAMS.new"
    programs | (cd "$ROOT" && xargs -d '\n' cp --parents --preserve=mode,timestamps --target-directory="$PROGRAMS.new")
    mv "$PROGRAMS.new" "$PROGRAMS"
  fi
}

prepare_check() {
  build_chaos
  copy_programs
}

prepare_campaign() {
  build_daemons
  build_chaos
  (
    exec {BUILD_LOCK}>&-
    train
  )
  copy_programs
}

fleet_chaos() {
  require_java
  case ${1-} in
    # Reads a file, needs no daemon.
    check) build_locked prepare_check ;;
    *) build_locked prepare_campaign ;;
  esac
  exec "$JAVA" -XX:+UseSerialGC -Xmx2g --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -Draftfleet.root="$PROGRAMS" -cp "$(class_path "$PROGRAMS/chaos-tests")" \
    io.raftfleet.chaos.campaign.ChaosCommand "$@"
}
