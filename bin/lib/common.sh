# shellcheck shell=bash
# Small helpers of all launcher scripts.

die() {
  printf 'fleet: %s\n' "$*" >&2
  exit 1
}

usage_error() {
  printf 'fleet: %s\n' "$*" >&2
  exit 2
}

# For people; what scripts read goes to standard output.
say() { printf '%s\n' "$*" >&2; }

milliseconds() { date +%s%3N; }

# Prints the time since the given milliseconds in seconds, as 3.4.
seconds_since() {
  local passed=$(($(milliseconds) - $1))
  printf '%d.%d\n' $((passed / 1000)) $((passed % 1000 / 100))
}

# Sets `reply` to the value of option $1, given as its next word or after '='. Use: `take_value "$@"; shift "$taken"`.
take_value() {
  if [[ $1 == --*=* ]]; then
    reply=${1#*=}
    taken=1
  else
    (($# >= 2)) || usage_error "option $1 needs a value"
    reply=$2
    taken=2
  fi
  [[ -n $reply ]] || usage_error "option ${1%%=*} has an empty value"
}

# Fails unless $2, the value of option $1, is a whole number from $3 to $4.
require_number() {
  if ! [[ $2 =~ ^[0-9]{1,6}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then
    usage_error "option $1: '$2' is not a number from $3 to $4"
  fi
}

# Waits until the rest of the arguments succeed, at most until the given milliseconds since the epoch.
await_until() {
  local deadline=$1
  shift
  until "$@"; do
    (($(milliseconds) < deadline)) || return 1
    sleep 0.05
  done
}

# Prints $1 as a JSON string, or null when it is empty.
json_string() {
  local text=$1
  if [[ -z $text ]]; then
    printf null
    return
  fi
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/\\r}
  printf '"%s"' "$text"
}

# Prints the body of the answer to GET http://127.0.0.1:$1$2, whatever its status; fails without an answer within
# 2 seconds. In bash itself, since a bare machine has no curl.
http_get() {
  local port=$1 path=$2 line deadline=$((SECONDS + 2)) connection
  # A subshell hides the shell's own message when nothing listens.
  (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 1
  exec {connection}<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$path" "$port" >&"$connection"
  while IFS= read -r -t 2 -u "$connection" line && ((SECONDS <= deadline)); do
    [[ $line != $'\r' ]] || break
  done
  local body='' more=1
  while ((more && SECONDS <= deadline)); do
    IFS= read -r -t 2 -u "$connection" line || more=0
    body+=$line
  done
  exec {connection}>&-
  [[ -n $body ]] && printf '%s\n' "$body"
}

# Prints field $2 (a string, number or truth value) of the flat JSON document $1.
json_field() {
  local pattern="\"$2\"[[:space:]]*:[[:space:]]*(\"([^\"]*)\"|([^],}[:space:]]+))"
  if [[ $1 =~ $pattern ]]; then
    printf '%s%s\n' "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
  fi
}
