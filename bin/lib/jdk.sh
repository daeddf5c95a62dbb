# Finds a JDK, and what it has to find. To be sourced by the launchers, by bash or a POSIX shell.
#
#   java=$(find_java [ROOT]) || exit 1
#
# prints the path of a `java` of version 25 or later: the one that was installed below ROOT, else that of JAVA_HOME if it is one, else
# the newest in the usual places, else the one on PATH. Fails with a message that says what is missing and what to do.

RAFTFLEET_JDK_LEAST=25

# Major version of the JDK in a folder, from its `release` file; nothing if it has none. Starts no process.
_jdk_major() {
    _jdk_line=
    [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
    while IFS= read -r _jdk_line; do
        case $_jdk_line in
            JAVA_VERSION=*)
                _jdk_line=${_jdk_line#JAVA_VERSION=}
                _jdk_line=${_jdk_line#\"}
                _jdk_line=${_jdk_line%\"}
                _jdk_line=${_jdk_line%%[.+-]*}
                case $_jdk_line in
                    '' | *[!0-9]*) return 1 ;;
                esac
                echo "$_jdk_line"
                return 0
                ;;
        esac
    done <"$1/release"
    return 1
}

find_java() {
    if [ -n "${1:-}" ] && [ -x "$1/runtime/bin/java" ]; then
        echo "$1/runtime/bin/java"
        return 0
    fi
    _jdk_seen=
    if [ -n "${JAVA_HOME:-}" ]; then
        if _jdk_version=$(_jdk_major "$JAVA_HOME") && [ "$_jdk_version" -ge "$RAFTFLEET_JDK_LEAST" ]; then
            echo "$JAVA_HOME/bin/java"
            return 0
        fi
        _jdk_seen=" JAVA_HOME=$JAVA_HOME (${_jdk_version:-no JDK})"
    fi
    _jdk_best=
    _jdk_best_version=0
    for _jdk_home in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /opt/java/* /opt/jdk* \
        "${SDKMAN_DIR:-$HOME/.sdkman}"/candidates/java/* "$HOME"/.jdks/* "$HOME"/.asdf/installs/java/* \
        "$HOME"/.local/share/mise/installs/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        _jdk_version=$(_jdk_major "$_jdk_home") || continue
        if [ "$_jdk_version" -ge "$RAFTFLEET_JDK_LEAST" ] && [ "$_jdk_version" -gt "$_jdk_best_version" ]; then
            _jdk_best=$_jdk_home
            _jdk_best_version=$_jdk_version
        elif [ "$_jdk_version" -lt "$RAFTFLEET_JDK_LEAST" ]; then
            _jdk_seen="$_jdk_seen $_jdk_home ($_jdk_version)"
        fi
    done
    if [ -z "$_jdk_best" ] && _jdk_java=$(command -v java 2>/dev/null); then
        _jdk_java=$(readlink -f "$_jdk_java" 2>/dev/null || echo "$_jdk_java")
        _jdk_home=${_jdk_java%/bin/java}
        if _jdk_version=$(_jdk_major "$_jdk_home") && [ "$_jdk_version" -ge "$RAFTFLEET_JDK_LEAST" ]; then
            _jdk_best=$_jdk_home
        fi
    fi
    if [ -n "$_jdk_best" ]; then
        echo "$_jdk_best/bin/java"
        return 0
    fi
    {
        echo "raftfleet needs a JDK $RAFTFLEET_JDK_LEAST or later and found none. Found:${_jdk_seen:- no JDK at all}."
        echo "Install one (Debian: apt-get install openjdk-$RAFTFLEET_JDK_LEAST-jdk-headless or temurin-$RAFTFLEET_JDK_LEAST-jdk;" \
            "or from https://adoptium.net), or point JAVA_HOME to it."
    } >&2
    return 1
}

# utf8_names: has Java, and what it starts, take arguments, variables and names of files as UTF-8. Java goes by the locale's characters,
# which are ASCII where there is no locale, as in jobs of cron and minimal images, and where there is one that is not installed, as often
# after ssh; then it finds no file with other letters in its name, or fails over one in HOME. Nothing else of the locale changes, and
# nothing where it has characters of its own, as de_DE.ISO-8859-1: names of files are in them. Starts no process.
utf8_names() {
    case ${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} in
        C | POSIX)
            # The first of these is that which counts.
            if [ -n "${LC_ALL:-}" ]; then export LC_ALL=C.UTF-8; else export LC_CTYPE=C.UTF-8; fi
            ;;
    esac
    for _jdk_locale in /usr/lib/locale/*; do
        case $_jdk_locale in
            */C | */C.* | */POSIX) ;;
            *) return 0 ;; # There are others, or it is not known which there are.
        esac
    done
    # Any other would be C.
    export LC_ALL=C.UTF-8
}
