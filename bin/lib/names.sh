# Names for completion in shells, from a cache, as a Java machine starts too slowly to be waited for at each press of a key. To be
# sourced by fleetctl's launcher, by a POSIX shell.
#
#   complete_names LAUNCHER LINE [WORD]
#
# prints what WORD, the last word of the command line, may become: names of units, machines, rollouts or contexts, a line each, 1,000 at most.
# LINE is what stands before it. Names of a cluster are those of a minute ago at most, or of the last time that somebody asked: older
# ones are fetched anew in the background, for the next time. Whoever may not list them, or has no cluster, gets none, and no message.

# What goes with the question to the cluster: the flags that say which one it is, and who asks.
_NAMES_FLAGS='context endpoint ca-file cert-file key-file'

complete_names() {
    _names_launcher=$1
    _names_line=$2
    _names_word=${3:-}
    _names_head=
    # --context=NAME as one word.
    case $_names_word in
        --*=*)
            _names_head=${_names_word%%=*}=
            _names_word=${_names_word#*=}
            _names_line="$_names_line ${_names_head%=}"
            ;;
        -*) return 0 ;;
    esac
    _names_of=$(_names_kinds "$_names_line")
    for _names_kind in $_names_of; do
        case $_names_kind in
            contexts) _names_contexts ;;
            *) _names_cached "$_names_kind" ;;
        esac
    done | NAMES_WORD=$_names_word NAMES_HEAD=$_names_head LC_ALL=C awk '
        index($0, ENVIRON["NAMES_WORD"]) == 1 { print ENVIRON["NAMES_HEAD"] $0; if (++n == 1000) exit }'
}

# _names_kinds LINE: kinds of names that fit after the line. A command that is not known here is taken to be about units.
_names_kinds() {
    _names_command=
    _names_last=
    set -f
    _names_rest="$1 "
    for _names_each in ${_names_rest#* }; do
        case $_names_each in
            -*) ;;
            *)
                # Not the value of an option before it.
                case $_names_last in
                    --debug | --no-* | --full | --json | --stale | --replace | --follow | --block | *=*) _names_last= ;;
                    --*) _names_last= && continue ;;
                esac
                _names_command="$_names_command $_names_each"
                ;;
        esac
        _names_last=$_names_each
    done
    set +f
    case $_names_last in
        --context) echo contexts && return 0 ;;
        --machine | --drain) echo machines && return 0 ;;
        --unit) echo units && return 0 ;;
    esac
    case $_names_command in
        ' list-unit'*) echo units ;;
        '' | ' list-'* | ' version'* | ' help'* | ' login'* | ' ui'* | ' import'* | ' verify'* | ' names'* | ' fd-forward'*) ;;
        ' rollout '*) echo rollouts ;;
        ' cert'* | ' rollout' | ' token'* | ' user'* | ' cluster'* | ' machine') ;;
        ' cordon'* | ' uncordon'* | ' undrain'* | ' drain'* | ' machine '*) echo machines ;;
        ' ssh'* | ' events'*) echo units machines ;;
        *) echo units ;;
    esac
}

_names_contexts() {
    _names_directory=${XDG_CONFIG_HOME:-${HOME:-}/.config}/raftfleet/contexts
    for _names_file in "$_names_directory"/*.conf; do
        _names_file=${_names_file##*/}
        case ${_names_file%.conf} in
            *[!A-Za-z0-9._-]*) ;;
            *) printf '%s\n' "${_names_file%.conf}" ;;
        esac
    done
}

# _names_cached KIND: names as they were last known, which are fetched in the background when that is a minute ago.
_names_cached() {
    _names_kind=$1
    [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || return 0
    # A tunnel could ask for a password.
    [ -z "${FLEETCTL_TUNNEL:-}" ] || return 0
    _names_cache=${XDG_CACHE_HOME:-$HOME/.cache}/raftfleet/names
    (umask 077 && mkdir -p "$_names_cache") 2>/dev/null || return 0
    _names_value=
    set -f
    set --
    for _names_each in $_names_line; do
        if [ -n "$_names_value" ]; then
            set -- "$@" "$_names_each"
            _names_value=
            continue
        fi
        case $_names_each in
            --tunnel | --tunnel=*) set +f && return 0 ;;
        esac
        for _names_flag in $_NAMES_FLAGS; do
            case $_names_each in
                "--$_names_flag") set -- "$@" "$_names_each" && _names_value=1 ;;
                "--$_names_flag="*) set -- "$@" "$_names_each" ;;
            esac
        done
    done
    set +f
    [ -z "$_names_value" ] || return 0
    _names_key=$(printf '%s\n' "$*" "${FLEETCTL_CONTEXT:-}" "${FLEETCTL_ENDPOINT:-}" "${FLEETCTL_CERT_FILE:-}" \
        "${XDG_CONFIG_HOME:-}" | cksum)
    _names_file=$_names_cache/${_names_key%% *}.$_names_kind
    if [ -z "$(find "$_names_file.asked" -mmin -1 2>/dev/null)" ]; then
        (umask 077 && : >"$_names_file.asked") 2>/dev/null || return 0
        _names_fetch "$@" </dev/null >/dev/null 2>&1 &
    fi
    [ -r "$_names_file" ] && cat "$_names_file"
}

# _names_fetch [FLAG...]: what is fetched takes the old names' place as a whole; where it can't be, there are none.
_names_fetch() {
    umask 077
    _names_new=$_names_file.$$
    find "$_names_cache" -type f -mtime +7 -exec rm -f {} +
    if "$_names_launcher" "$@" names "$_names_kind" >"$_names_new"; then
        mv -f "$_names_new" "$_names_file"
    else
        rm -f "$_names_new" "$_names_file"
    fi
}
