# shellcheck shell=bash
# How the daemons' Java machines are started: by bin/fleet-engine and bin/fleet-agent, and for the training run of
# their ahead-of-time caches.

# Prints a module's class path. A cache fits only jars in the order it was made with, which is not to depend on the
# locale.
module_class_path() { (LC_ALL=C && class_path "$ROOT/$1"); }

# Sets `jvm` to the options of a daemon's Java machine, those of the user last. The serial collector needs the least
# memory and threads, and heaps of this size no other. An agent does little for a long time: the first compiler is
# enough.
set_jvm_options() {
  local words variable=RAFTFLEET_${1^^}_JAVA_OPTS
  jvm=(-XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError --enable-native-access=ALL-UNNAMED
    --sun-misc-unsafe-memory-access=allow)
  case $1 in
    engine) jvm+=(-Xms64m -Xmx512m) ;;
    agent)
      # What keeps an agent of 1,000 units below 80 MiB: a heap that gives memory back, and no pools for a trickle of messages.
      jvm+=(-Xms8m -Xmx64m -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=20 -XX:TieredStopAtLevel=1)
      jvm+=(-Xss256k -XX:ReservedCodeCacheSize=24m -XX:-UsePerfData -Dio.netty.allocator.type=unpooled)
      ;;
  esac
  read -ra words <<<"${!variable-}"
  jvm+=(${words[@]+"${words[@]}"})
}

# Becomes the daemon of module $1 with main class $2. RAFTFLEET_TRAIN=FILE makes it write an ahead-of-time cache at
# its end.
exec_daemon() {
  local module=$1 main=$2 java jvm class_path cache=$ROOT/$1/target/$1.aot
  shift 2
  java=$(find_java) || exit 1
  class_path=$(module_class_path "$module") || exit 1
  set_jvm_options "$module"
  if [[ -n ${RAFTFLEET_TRAIN-} ]]; then
    jvm+=("-XX:AOTCacheOutput=$RAFTFLEET_TRAIN")
  elif aot_is_current "$cache" "$java" "$class_path"; then
    # Also after a change that makes the cache useless the daemon starts, without a word about it.
    jvm+=("-XX:AOTCache=$cache" '-Xlog:aot*=off' '-Xlog:cds*=off')
  fi
  exec "$java" "${jvm[@]}" -cp "$class_path" "$main" "$@"
}
