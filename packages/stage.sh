#!/usr/bin/env bash
#
# stage.sh TARGET VERSION TIMESTAMP: puts what each package installs into a tar file, TARGET/stage/PACKAGE.tar, and all of it into
# TARGET/raftfleet-VERSION-linux-ARCHITECTURE.tar.gz. The same sources and the same JDK make the same bytes.

set -euo pipefail

readonly TARGET=$1 VERSION=$2 TIMESTAMP=$3
ROOT=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/..")
readonly ROOT STAGE=$TARGET/stage LIBRARY=usr/lib/raftfleet

# shellcheck source=bin/lib/jdk.sh
source "$ROOT/bin/lib/jdk.sh"

# What the programs' classes need of Java, and jcmd, jstack and jfr for who has to look into a running one.
readonly MODULES=java.base,java.instrument,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml,jdk.httpserver,jdk.jcmd,jdk.jfr,jdk.management,jdk.net,jdk.security.auth,jdk.unsupported

umask 022

# into PACKAGE MODE DIRECTORY FILE...: installs files.
into() {
  local package=$1 mode=$2 directory=$3
  shift 3
  install -D --mode="$mode" --target-directory="$STAGE/$package/$directory" -- "$@"
}

# zipped FILE TARGET: without name and time, so that it is the same each time.
zipped() {
  mkdir -p "$(dirname -- "$2")"
  gzip -9 --no-name --stdout <"$1" >"$2"
}

# What Debian has in each package.
documentation() {
  local package=$1 doc=$STAGE/$1/usr/share/doc/$1
  mkdir -p "$doc"
  install --mode=644 "$ROOT/packages/src/deb/copyright" "$doc/copyright"
  sed "s/^raftfleet (/$package (/" "$ROOT/packages/src/deb/changelog" >"$TARGET/changelog"
  zipped "$TARGET/changelog" "$doc/changelog.gz"
  if [[ -e $ROOT/packages/src/deb/$2/overrides ]]; then
    install -D --mode=644 "$ROOT/packages/src/deb/$2/overrides" "$STAGE/$package/usr/share/lintian/overrides/$package"
  fi
}

# Manual page and completions of a program: PACKAGE PROGRAM SECTION.
manual() {
  local share=$STAGE/$1/usr/share
  zipped "$TARGET/documents/man/$2.$3" "$share/man/man$3/$2.$3.gz"
  into "$1" 644 usr/share/bash-completion/completions "$TARGET/documents/bash/$2"
  into "$1" 644 usr/share/zsh/vendor-completions "$TARGET/documents/zsh/_$2"
  into "$1" 644 usr/share/fish/vendor_completions.d "$TARGET/documents/fish/$2.fish"
}

# The jars of a built module, and their list, by which the launcher knows them from what an older tarball left there; of another version, from a
# build before this one, there must be none.
jars() {
  local jar lib=$STAGE/$1/$LIBRARY/$2/lib
  for jar in "$ROOT/$2"/target/lib/raftfleet-*.jar; do
    if [[ $jar != *-"$VERSION".jar ]]; then
      printf 'stage.sh: %s is of another version than %s: build with mvn -Ppackages clean package\n' "$jar" "$VERSION" >&2
      exit 1
    fi
  done
  into "$1" 644 "$LIBRARY/$2/lib" "$ROOT/$2/target/raftfleet-$2-$VERSION.jar" "$ROOT/$2"/target/lib/*.jar
  (cd "$lib" && printf '%s\n' *.jar | LC_ALL=C sort >jars)
}

program() {
  into "$1" 755 "$LIBRARY/bin" "$ROOT/bin/$2"
  mkdir -p "$STAGE/$1/usr/bin"
  ln -s "../lib/raftfleet/bin/$2" "$STAGE/$1/usr/bin/$2"
}

service() {
  into "$1" 644 usr/lib/systemd/system "$ROOT/dist/systemd/$2"
}

runtime() {
  local java
  java=$(find_java)
  mkdir -p "$STAGE/raftfleet-runtime/$LIBRARY"
  "$(dirname -- "$java")/jlink" --add-modules "$MODULES" --output "$STAGE/raftfleet-runtime/$LIBRARY/runtime" --strip-debug \
    --no-header-files --no-man-pages --compress zip-6 --generate-cds-archive \
    --dedup-legal-notices=error-if-not-same-content >/dev/null
  # Debian's place for licences; nobody reads them by the links of each module.
  rm -rf "$STAGE/raftfleet-runtime/$LIBRARY/runtime/legal"
  into raftfleet-runtime 644 usr/share/doc/raftfleet-runtime/java "$(dirname -- "$(dirname -- "$java")")"/legal/java.base/{LICENSE,ASSEMBLY_EXCEPTION,ADDITIONAL_LICENSE_INFO}
  into raftfleet-runtime 644 "$LIBRARY/bin/lib" "$ROOT"/bin/lib/{aot,common,daemon,jdk}.sh
  # Laid out as here, so that links between them hold.
  into raftfleet-runtime 644 usr/share/doc/raftfleet-runtime "$ROOT"/{README,CHANGELOG,SECURITY,CONTRIBUTING}.md "$TARGET/raftfleet-sbom.cdx.json"
  into raftfleet-runtime 644 usr/share/doc/raftfleet-runtime/docs "$ROOT"/docs/*.{md,svg}
  into raftfleet-runtime 644 usr/share/doc/raftfleet-runtime/docs/decisions "$ROOT"/docs/decisions/*.md
  into raftfleet-runtime 644 usr/share/doc/raftfleet-runtime/docs/images "$ROOT"/docs/images/*
  into raftfleet-runtime 644 usr/share/doc/raftfleet-runtime/examples "$ROOT"/dist/prometheus/raftfleet.rules.yml "$ROOT"/dist/grafana/raftfleet.json \
    "$ROOT"/engine/src/main/resources/io/raftfleet/engine/http/openapi.yaml
  documentation raftfleet-runtime runtime
}

engine() {
  jars raftfleet-engine engine
  program raftfleet-engine fleet-engine
  into raftfleet-engine 755 "$LIBRARY/bin" "$ROOT/bin/fleet-backup"
  service raftfleet-engine fleet-engine.service
  service raftfleet-engine fleet-backup.service
  service raftfleet-engine fleet-backup.timer
  install -D --mode=644 "$ROOT/dist/config/raftfleet.sysusers" "$STAGE/raftfleet-engine/usr/lib/sysusers.d/raftfleet.conf"
  install -D --mode=644 "$ROOT/dist/config/raftfleet.tmpfiles" "$STAGE/raftfleet-engine/usr/lib/tmpfiles.d/raftfleet.conf"
  into raftfleet-engine 640 etc/fleet "$ROOT/dist/config/engine.conf"
  manual raftfleet-engine fleet-engine 8
  documentation raftfleet-engine engine
}

agent() {
  jars raftfleet-agent agent
  program raftfleet-agent fleet-agent
  service raftfleet-agent fleet-agent.service
  into raftfleet-agent 644 etc/fleet "$ROOT/dist/config/agent.conf"
  manual raftfleet-agent fleet-agent 8
  documentation raftfleet-agent agent
}

client() {
  into raftfleet-client 644 "$LIBRARY/fleetctl/lib" "$ROOT/fleetctl/target/fleetctl.jar"
  program raftfleet-client fleetctl
  into raftfleet-client 644 "$LIBRARY/bin/lib" "$ROOT/bin/lib/names.sh"
  manual raftfleet-client fleetctl 1
  documentation raftfleet-client client
}

# Nothing of who builds, or when, is in it.
pack() {
  tar --create --sort=name --mtime="$TIMESTAMP" --owner=0 --group=0 --numeric-owner --format=gnu --directory="$1" .
}

# What dpkg runs, with what it has to know of the programs.
controls() {
  local format package
  format=$(sed -n 's/.* int ENTRY_FORMAT = \([0-9]*\);/\1/p' "$ROOT/raft-state/src/main/java/io/raftfleet/state/raft/RaftConfig.java")
  [[ -n $format ]]
  rm -rf "$TARGET/control"
  cp -r "$ROOT/packages/src/deb" "$TARGET/control"
  sed -i "s/@ENTRY_FORMAT@/$format/g" "$TARGET/control/preinst"
  for package in runtime engine agent client; do cp "$TARGET/control/preinst" "$TARGET/control/$package/"; done
  rm -f "$TARGET"/control/*/overrides
}

if [[ ! -e $TARGET/raftfleet-sbom.cdx.json ]]; then
  printf 'stage.sh: there is no bill of materials, %s: its Maven plugin skips it when Maven runs offline (-o)\n' "$TARGET/raftfleet-sbom.cdx.json" >&2
  exit 1
fi
rm -rf "$STAGE"
controls
runtime
engine
agent
client
for package in raftfleet-runtime raftfleet-engine raftfleet-agent raftfleet-client; do
  pack "$STAGE/$package" >"$STAGE/$package.tar"
  cp -a "$STAGE/$package/." "$STAGE/all/" 2>/dev/null || { mkdir "$STAGE/all" && cp -a "$STAGE/$package/." "$STAGE/all/"; }
done
# Unpacked at / it must not write over anybody's settings: those that packages bring are examples there.
for settings in "$STAGE"/all/etc/fleet/*.conf; do
  install -D --mode=644 --target-directory="$STAGE/all/usr/share/doc/raftfleet-runtime/examples" "$settings"
done
rm -r "$STAGE/all/etc"
pack "$STAGE/all" | gzip -6 --no-name >"$TARGET/raftfleet-$VERSION-linux-$(uname -m).tar.gz"
