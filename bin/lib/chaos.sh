# shellcheck shell=bash
# bin/fleet chaos

# The module's own check of the whole build's age would be too coarse: it needs the daemons' jars, and its own.
chaos_is_built() {
  local jars=("$ROOT"/chaos-tests/target/raftfleet-chaos-tests-*.jar)
  [[ -e ${jars[0]} && -d $ROOT/chaos-tests/target/lib ]] &&
    [[ -z $(find "$ROOT"/{chaos-tests,fleetctl,proto,unit}/{pom.xml,src/main} -newer "${jars[0]}" -print -quit) ]]
}

build_chaos() {
  chaos_is_built && return
  say "Building the campaigns ..."
  run_maven --no-transfer-progress -Dmaven.test.skip=true -Dspotless.check.skip --projects chaos-tests --also-make \
    package 2>&1 | show_progress >&2 || die "the build failed; see above"
}

fleet_chaos() {
  require_java
  build
  build_chaos
  train
  exec "$JAVA" -XX:+UseSerialGC -Xmx2g --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -Draftfleet.root="$ROOT" -cp "$(class_path "$ROOT/chaos-tests")" io.raftfleet.chaos.campaign.ChaosCommand "$@"
}
