# shellcheck shell=bash
# bin/fleet test

# What the tests use: "program:Debian package". Without these, tests of real systemd managers are skipped.
readonly TEST_PACKAGES=(
  systemctl:systemd dbus-daemon:dbus-daemon unshare:util-linux mount:mount awk:mawk ps:procps git:git mvn:maven
  shellcheck:shellcheck etcd:etcd-server etcdctl:etcd-client promtool:prometheus
)
# Tells a failed download, which is tried again, from a failed test, which is not.
readonly DOWNLOAD_FAILURE='Could not transfer (artifact|metadata)|Failed to read artifact descriptor'
readonly DOWNLOAD_TRIES=4

test_usage() {
  cat <<'USAGE'
Usage: bin/fleet test
       bin/fleet test machines [--root DIR] [--keep] [STEP...]

Runs the whole test suite: `mvn verify`, then the tests of the scripts in bin/test. As root on Debian it first installs
the packages that the tests need and that are missing; elsewhere it says which. The last line says how it went.

machines builds the Debian packages, boots whole Debian machines, installs them there, follows docs/deployment.md,
docs/recovery.md and docs/upgrade.md command by command, and does to the cluster what happens to real ones. It takes root, systemd-nspawn
and minutes, and is no part of the suite. `bin/fleet test machines --help` says more.
USAGE
}

fleet_test() {
  case ${1-} in
    '') ;;
    --help | -h) test_usage; return ;;
    machines) shift; test_machines "$@"; return ;;
    *) usage_error "test: unknown argument '$1'; see bin/fleet test --help" ;;
  esac
  local begin
  begin=$(milliseconds)
  TEST_BEGIN=$begin
  STAGE=start
  trap 'test_verdict $?' EXIT
  stage packages install_test_packages
  require_java
  say "JDK: $("$JAVA" -version 2>&1 | head -n 1)"
  stage "mvn verify" verify
  stage scripts check_scripts
  local script
  for script in "$ROOT"/bin/test/*-test; do stage "${script##*/}" run_script_test "$script"; done
  STAGE=
}

test_machines() {
  local argument
  for argument in "$@"; do
    [[ $argument != --help && $argument != -h ]] || exec "$ROOT/bin/test/machines" --help
  done
  build_locked build_packages
  exec "$ROOT/bin/test/machines" "$@"
}

build_packages() {
  say "Building the packages ..."
  # Of another version there must be none beside them.
  rm -f "$ROOT"/packages/target/*.deb
  run_maven --no-transfer-progress -Ppackages -Dmaven.test.skip=true -Dspotless.check.skip --projects packages --also-make \
    package {BUILD_LOCK}>&- 2>&1 | show_progress >&2 || die "the build failed; see above"
}

# The status alone does not tell: that of a shell which a signal ends may be that of its last command, which went well.
test_verdict() {
  local passed
  passed=$(seconds_since "$TEST_BEGIN")
  if (($1 == 0)) && [[ -z $STAGE ]]; then
    say "bin/fleet test: all passed, after $passed s"
  else
    say "bin/fleet test: FAILED in stage '$STAGE', after $passed s"
  fi
}

# Runs a stage of the suite and says how long it took.
stage() {
  local begin
  STAGE=$1
  shift
  begin=$(milliseconds)
  say "=== $STAGE"
  "$@"
  say "=== $STAGE: $(seconds_since "$begin") s"
}

install_test_packages() {
  local pair missing=()
  for pair in "${TEST_PACKAGES[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  if ((${#missing[@]} == 0)); then
    say "nothing is missing"
  elif ((EUID == 0)) && command -v apt-get >/dev/null; then
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o Acquire::Retries=3 update --quiet --quiet &&
      apt-get -o Acquire::Retries=3 install --quiet --quiet --yes --no-install-recommends "${missing[@]}" >/dev/null ||
      say "could not install ${missing[*]}: what needs them is skipped"
  else
    say "not installed, so tests that need them are skipped: ${missing[*]} (as root: apt-get install ${missing[*]})"
  fi
}

# Maven itself tries each download several times; this helps over a longer break.
verify() {
  local log try
  log=$(mktemp)
  for ((try = 1; ; try++)); do
    # So many clusters are started that making their daemons start faster pays, once all is built.
    if run_maven --no-transfer-progress --fail-at-end -Draftfleet.train verify 2>&1 | tee "$log"; then break; fi
    if ((try == DOWNLOAD_TRIES)) || ! grep --quiet --extended-regexp "$DOWNLOAD_FAILURE" "$log"; then
      rm -f "$log"
      return 1
    fi
    say "A download failed; trying again in $((try * 10)) s."
    sleep $((try * 10))
  done
  rm -f "$log"
}

check_scripts() {
  local script
  for script in "$ROOT"/bin/fleet* "$ROOT"/bin/systemd-machine "$ROOT"/bin/{lib,test}/* "$ROOT/.ci/run"; do
    bash -n "$script"
  done
  if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --source-path="$ROOT" --source-path="$ROOT/bin" \
      "$ROOT"/bin/fleet* "$ROOT"/bin/systemd-machine "$ROOT"/bin/test/* "$ROOT/.ci/run"
  else
    say "skipped: no shellcheck"
  fi
}

# Exit status 77 means that the test cannot run here and has said why.
run_script_test() {
  local status=0
  timeout --kill-after=30 300 "$1" || status=$?
  case $status in
    0 | 77) ;;
    124) die "${1##*/} did not end within 300 s" ;;
    *) die "${1##*/} failed with status $status" ;;
  esac
}
