# shellcheck shell=bash
# Builds what is missing or older than its sources.

# Touched when a build begins; what changes during it is newer.
readonly BUILD_MARK=$ROOT/target/launcher-build

# Sets JAVA, the program of a JDK that is new enough, or ends with what to do. Spares the daemons the same search.
require_java() {
  JAVA=$(find_java) || exit 1
  JAVA_HOME=$(dirname -- "$(dirname -- "$(realpath -- "$JAVA")")")
}

# Runs Maven: the installed one, else the wrapper, which downloads one.
run_maven() {
  if command -v mvn >/dev/null; then
    (cd "$ROOT" && mvn --batch-mode -Dstyle.color=never "$@")
  else
    (cd "$ROOT" && JAVA_HOME=$JAVA_HOME ./mvnw --batch-mode -Dstyle.color=never "$@")
  fi
}

# Folders count, too: when a file is deleted only its folder's time changes.
sources_newer_than() {
  [[ -n $(find "$ROOT/pom.xml" "$ROOT"/*/pom.xml "$ROOT"/*/src/main -newer "$1" -print -quit) ]]
}

# Fresh when we built after the last change of a source, or when somebody else did.
is_built() {
  local module jars all_newer=yes
  for module in engine agent fleetctl; do
    jars=("$ROOT/$module/target/raftfleet-$module"-*.jar)
    [[ -e ${jars[0]} && -d $ROOT/$module/target/lib ]] || return 1
    if sources_newer_than "${jars[0]}"; then all_newer=no; fi
  done
  [[ $all_newer == yes ]] || { [[ -e $BUILD_MARK.done ]] && ! sources_newer_than "$BUILD_MARK.done"; }
}

# Of Maven's output, leaves the modules as they come, and errors.
show_progress() { sed -u -n 's/^\[INFO\] Building raftfleet-\([a-z-]*\) .*/  \1/p; /^\[ERROR\]/p'; }

# Runs a function while nothing else in this folder builds. What it starts in the background has the lock, too.
build_locked() {
  local lock
  mkdir -p "$ROOT/target"
  exec {lock}>"$BUILD_MARK.lock"
  if ! flock --exclusive --nonblock "$lock"; then
    say "Waiting for another build in $ROOT ..."
    flock --exclusive "$lock"
  fi
  BUILD_LOCK=$lock
  "$@"
  exec {lock}>&-
}

build() {
  is_built || build_locked build_daemons
}

# With the lock.
build_daemons() {
  local begin
  if ! is_built; then
    begin=$(milliseconds)
    say "Building (the first time, Maven downloads its libraries; this can take minutes) ..."
    touch "$BUILD_MARK"
    # Libraries of versions no longer used must go; and what runs from the old files keeps them, where Maven would
    # change them under its feet.
    rm -rf "$ROOT"/{engine,agent,fleetctl}/target/{lib,raftfleet-*.jar}
    run_maven --no-transfer-progress -Dmaven.test.skip=true -Dspotless.check.skip --projects engine,agent,fleetctl \
      --also-make package {BUILD_LOCK}>&- 2>&1 | show_progress >&2 || die "the build failed; see above"
    mv "$BUILD_MARK" "$BUILD_MARK.done"
    say "Built in $(seconds_since "$begin") s."
  fi
}
