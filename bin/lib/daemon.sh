# shellcheck shell=bash
# How the daemons' Java machines are started: by bin/fleet-engine and bin/fleet-agent, and for the training run of
# their ahead-of-time caches.

# Prints a module's class path. A cache fits only jars in the order it was made with, which is not to depend on the
# locale.
module_class_path() { (LC_ALL=C && class_path "$ROOT/$1"); }

# Sets `reply` to the memory that this process may use, in MiB: the machine's, or what the strictest of its control groups
# allows, of whichever version.
available_memory() {
  reply=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  obey_limits /sys/fs/cgroup "$(sed -n 's/^0:://p' /proc/self/cgroup)" memory.max
  obey_limits /sys/fs/cgroup/memory "$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)" memory.limit_in_bytes
}

# Lowers `reply` to the limits, in files called $3, of the control group $2 below $1 and of those around it.
obey_limits() {
  local group=$1${2%/} limit
  while :; do
    # No limit is "max", or a number beyond any machine's memory.
    if { read -r limit <"$group/$3"; } 2>/dev/null && [[ $limit != max ]] && ((limit / 1048576 < reply)); then
      reply=$((limit / 1048576))
    fi
    [[ $group != "$1" ]] || return 0
    group=${group%/*}
  done
}

# Sets `reply` to the size of an engine's heap, in MiB: its share of the memory, in percent, 40 unless RAFTFLEET_ENGINE_SHARE
# says otherwise, as bin/fleet does, whose engines are on one machine. Below the floor an engine can't work; beyond the
# ceiling references take twice the room.
engine_heap() {
  available_memory
  reply=$((reply * ${RAFTFLEET_ENGINE_SHARE:-40} / 100))
  if ((reply < 160)); then reply=160; fi
  if ((reply > 31744)); then reply=31744; fi
}

# Sets `collector` to the options of an engine's garbage collector under the java $1. A little at a time: what a collection copies is
# mostly states that stay. Threads that note references all the while, between collections, take more than what they save; JDK 26 has
# another way, and may not know the option.
engine_collector() {
  collector=(-XX:+UseG1GC -XX:MaxGCPauseMillis=10 -XX:+UnlockExperimentalVMOptions -XX:G1NewSizePercent=1
    -XX:G1MixedGCCountTarget=64 -XX:G1OldCSetRegionThresholdPercent=1 -Xms64m)
  if [[ $(_jdk_major "${1%/bin/java}") == 25 ]]; then
    collector+=(-XX:+UnlockDiagnosticVMOptions -XX:-G1UseConcRefinement)
  fi
}

# Sets `jvm` to the options of a daemon's Java machine, which is `java`, those of the user last. An agent has the serial collector, which needs
# the least memory and threads, and, as it does little for a long time, the first compiler alone. Why an engine has what it
# has: docs/decisions/0016-engine-heap.md.
set_jvm_options() {
  local words collector variable=RAFTFLEET_${1^^}_JAVA_OPTS
  jvm=(-XX:+ExitOnOutOfMemoryError --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)
  # No counters in a file under /tmp: a Java machine writes them 20 times a second, and in collections, which then wait for the disk.
  jvm+=(-XX:-UsePerfData)
  case $1 in
    engine)
      engine_heap
      engine_collector "$java"
      jvm+=("${collector[@]}" "-Xmx${reply}m")
      # What was freed outside the heap, buffers of messages above all, goes back to the system and is not kept by the C library.
      jvm+=(-XX:TrimNativeHeapInterval=10000)
      ;;
    agent)
      # What keeps an agent of 1,000 units below 80 MiB: a heap that gives memory back, and no pools for a trickle of messages.
      jvm+=(-XX:+UseSerialGC -Xms8m -Xmx64m -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=20 -XX:TieredStopAtLevel=1)
      jvm+=(-Xss256k -XX:ReservedCodeCacheSize=24m -Dio.netty.allocator.type=unpooled)
      ;;
  esac
  read -ra words <<<"${!variable-}"
  jvm+=(${words[@]+"${words[@]}"})
}

# Becomes the daemon of module $1 with main class $2. RAFTFLEET_TRAIN=FILE makes it write an ahead-of-time cache at
# its end.
exec_daemon() {
  local module=$1 main=$2 java jvm class_path cache
  shift 2
  utf8_names
  cache_file "$ROOT/$module"
  java=$(find_java "$ROOT") || exit 1
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
