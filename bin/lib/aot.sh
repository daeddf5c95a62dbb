# Ahead-of-time caches: a JVM that starts from one loads its classes from a file, already parsed and linked. To be sourced by the
# launchers, by bash or a POSIX shell. A cache fits one JDK build, one class path (same files, same order) and, mostly, the same
# garbage collector; the JVM checks that and runs without the cache when it does not fit.

# class_path MODULE_DIR: the jars of a built, or an installed, module in a fixed order, which caches need: one where all is in one; those
# that an installed module lists in lib/jars. What builds, or unpacked tarballs, of an older version have left behind is passed over.
class_path() {
    for _aot_jar in "$1/target/${1##*/}.jar" "$1/lib/${1##*/}.jar"; do
        if [ -e "$_aot_jar" ]; then
            echo "$_aot_jar"
            return 0
        fi
    done
    if [ -e "$1/lib/jars" ]; then
        listed_class_path "$1/lib"
        return
    fi
    _aot_own=
    for _aot_jar in "$1/target/raftfleet-${1##*/}"-*.jar; do
        case $_aot_jar in
            *-tests.jar | *-sources.jar | *\**) ;;
            *) [ -n "$_aot_own" ] && [ "$_aot_own" -nt "$_aot_jar" ] || _aot_own=$_aot_jar ;;
        esac
    done
    _aot_version=${_aot_own##*/"raftfleet-${1##*/}"-}
    _aot_path=$_aot_own
    for _aot_jar in "$1"/target/lib/*.jar "$1"/lib/*.jar; do
        case $_aot_jar in
            *-tests.jar | *-sources.jar | *\**) continue ;;
            "$1"/target/lib/raftfleet-*-"$_aot_version") ;;
            "$1"/target/lib/raftfleet-*) continue ;;
        esac
        _aot_path="$_aot_path${_aot_path:+:}$_aot_jar"
    done
    if [ -z "$_aot_path" ]; then
        echo "$1 is not built: run mvn -q -DskipTests package in ${1%/*}" >&2
        return 1
    fi
    echo "$_aot_path"
}

# listed_class_path LIB_DIR: the jars that LIB_DIR/jars names, a line each, in their order.
listed_class_path() {
    _aot_path=
    while IFS= read -r _aot_jar; do
        if [ ! -e "$1/$_aot_jar" ]; then
            echo "$1/$_aot_jar, which $1/jars lists, is not there: install the same version again" >&2
            return 1
        fi
        _aot_path="$_aot_path${_aot_path:+:}$1/$_aot_jar"
    done <"$1/jars"
    echo "$_aot_path"
}

# cache_file MODULE_DIR: sets `cache` to the file for the cache of a module, beside what was built, or where packages may write.
cache_file() {
    cache=$1/target/${1##*/}.aot
    [ -d "$1/target" ] || cache=/var/cache/raftfleet/${1##*/}.aot
}

# aot_is_current CACHE JAVA CLASS_PATH: whether the cache is there, newer than all jars, and of this JDK.
aot_is_current() {
    [ -s "$1" ] && [ -r "$1.jdk" ] && [ "$(cat "$1.jdk")" = "$2" ] || return 1
    _aot_rest=$3:
    while [ -n "$_aot_rest" ]; do
        [ "${_aot_rest%%:*}" -nt "$1" ] && return 1
        _aot_rest=${_aot_rest#*:}
    done
    return 0
}

# aot_create CACHE JAVA CLASS_PATH [JVM_OPTION...] MAIN [ARGUMENT...]: makes the cache by one training run of the program, which must
# end by itself within a minute; its exit code does not matter. The JVM options must be those of later runs, as far as they choose a
# garbage collector or modules. Never fails: without a cache things only start more slowly.
aot_create() {
    _aot_cache=$1
    _aot_java=$2
    _aot_classes=$3
    shift 3
    _aot_new=$_aot_cache.$$
    _aot_limit=
    command -v timeout >/dev/null 2>&1 && _aot_limit='timeout 60'
    rm -f "$_aot_cache" "$_aot_cache.jdk"
    # Linking ahead pays most; JDK 25 crashes over it for some programs, and then makes a cache without.
    for _aot_linking in -XX:+AOTClassLinking -XX:-AOTClassLinking; do
        $_aot_limit "$_aot_java" -XX:AOTCacheOutput="$_aot_new" "$_aot_linking" -XX:ErrorFile="$_aot_cache.crash" \
            -cp "$_aot_classes" "$@" >"$_aot_cache.log" 2>&1 </dev/null
        rm -f "$_aot_new.config"
        if [ -s "$_aot_new" ] && mv -f "$_aot_new" "$_aot_cache"; then
            echo "$_aot_java" >"$_aot_cache.jdk"
            rm -f "$_aot_cache.log" "$_aot_cache.crash"
            return 0
        fi
        rm -f "$_aot_new"
    done
    echo "warning: no start-up cache $_aot_cache could be made, starting is slower without it; why: $_aot_cache.log" >&2
    return 0
}

# How fleetctl's JVM runs, with a cache or without. Netty's pools of buffers pay off in programs that run for long; setting them up takes
# longer than a command can gain from them. Without pools the client keeps to the heap.
FLEETCTL_JVM='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Dio.netty.jfr.enabled=false -Djdk.reflect.useNativeAccessorOnly=true -Dio.netty.allocator.type=unpooled -Dio.netty.leakDetection.level=disabled'

# fleetctl_cache MODULE_DIR JAVA: makes fleetctl's cache after a build, unless it is there and current.
fleetctl_cache() {
    _aot_fleetctl=$(class_path "$1") || return 0
    cache_file "$1"
    aot_is_current "$cache" "$2" "$_aot_fleetctl" && return 0
    # shellcheck disable=SC2086 # several words on purpose
    aot_create "$cache" "$2" "$_aot_fleetctl" $FLEETCTL_JVM io.raftfleet.fleetctl.Training
}
