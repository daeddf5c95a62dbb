# shellcheck shell=bash
# Builds what is missing or older than its sources.

# Of builds of the daemons: there while one goes on; with .done, as old as the last.
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

# built_since JAR MARK SOURCE...: whether the jar is there, and it, or what MARK says of the last build, is younger than all sources: a jar
# in which nothing changed keeps its age. Folders count, too: when a file is deleted only its folder's time changes.
built_since() {
  local jar=$1 mark=$2 since
  shift 2
  [[ -e $jar ]] || return 1
  for since in "$jar" "$mark.done"; do
    if [[ -e $since && -z $(find "$@" -newer "$since" -print -quit) ]]; then return 0; fi
  done
  return 1
}

all_sources() { printf '%s\n' "$ROOT/pom.xml" "$ROOT"/*/pom.xml "$ROOT"/*/src/main; }

# Fresh when we built after the last change of a source, or when somebody else did.
is_built() {
  local module jars sources
  mapfile -t sources < <(all_sources)
  [[ -d $ROOT/engine/target/lib && -d $ROOT/agent/target/lib && -e $ROOT/fleetctl/target/fleetctl.jar ]] || return 1
  for module in engine agent fleetctl; do
    jars=("$ROOT/$module/target/raftfleet-$module"-*.jar)
    built_since "${jars[0]}" "$BUILD_MARK" "${sources[@]}" || return 1
  done
}

# build_projects MARK PROJECTS: without their tests. Notes when that began: what changes during it is younger.
build_projects() {
  touch "$1"
  run_maven --no-transfer-progress -Dmaven.test.skip=true -Dspotless.check.skip --projects "$2" --also-make package \
    {BUILD_LOCK}>&- 2>&1 | show_progress >&2 || die "the build failed; see above"
  mv "$1" "$1.done"
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
    # Libraries of versions no longer used must go; and what runs from the old files keeps them, where Maven would
    # change them under its feet.
    rm -rf "$ROOT"/{engine,agent,fleetctl}/target/{lib,raftfleet-*.jar} "$ROOT/fleetctl/target/fleetctl.jar"
    build_projects "$BUILD_MARK" engine,agent,fleetctl
    say "Built in $(seconds_since "$begin") s."
  fi
}
