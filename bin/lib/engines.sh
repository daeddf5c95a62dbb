# shellcheck shell=bash
# Starts engines and tells when they are ready.

# All engines as --peers wants them: id=raft/grpc/http.
engine_peers() {
  local i list=''
  for ((i = 1; i <= ENGINES; i++)); do
    list+=",e$i=127.0.0.1:$(raft_port "$i")/127.0.0.1:$(grpc_port "$i")/127.0.0.1:$(http_port "$i")"
  done
  echo "${list:1}"
}

# Only until the cluster has once been ready: an engine that lost its data later must not take part as if it were new.
start_engine() {
  local i=${1#e} begin=() identity
  mapfile -t identity < <(identity_options engine "$1")
  is_plaintext || identity+=("--ca-key-file=$(certificates_dir)/ca-key.pem")
  cluster_is_formed || begin=(--bootstrap)
  ! cluster_is_restoring || begin=(--bootstrap --restore-from-etcd)
  start_daemon engine "$1" "${identity[@]}" --config "$DIR/fleet.conf" \
    --engine-id "$1" --cluster-id "$CLUSTER_ID" --data-dir "$DIR/$1/data" --peers "$(engine_peers)" "${begin[@]}" \
    --http "127.0.0.1:$(http_port "$i")" --http-socket "$(engine_socket "$i")" \
    --grpc "127.0.0.1:$(grpc_port "$i")" --raft "127.0.0.1:$(raft_port "$i")"
}

# Sets `health` to what engine $1 says of itself.
engine_health() { health=$(ask_health "$1"); }

# Whether what an engine says of itself, $1, is that it knows a leader, and has yet to apply what the cluster knows.
catches_up() { [[ -n $(json_field "$1" leaderId) && $(json_field "$1" status) == unavailable ]]; }

# Prints it. Where HTTP asks for a certificate, gRPC is asked, by fleetctl, which is slower.
ask_health() {
  local i=${1#e}
  if http_is_plain; then
    http_get "$(http_port "$i")" /healthz
  else
    client "127.0.0.1:$(grpc_port "$i")" --request-timeout 2 cluster status 2>/dev/null |
      awk -v name="$1" '
        $5 == "leader" { leader = $1 }
        $1 == name { answered = $5 != "unreachable" }
        END { if (answered) printf "{\"leading\":%s,\"leaderId\":\"%s\"}\n", leader == name ? "true" : "false", leader }'
  fi
}

listens() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ends when a port of one of the given engines is taken.
require_free_ports() {
  local name port
  for name in "$@"; do
    for port in "$(http_port "${name#e}")" "$(grpc_port "${name#e}")" "$(raft_port "${name#e}")"; do
      if listens "$port"; then
        die "port $port, which engine $name needs, is in use$(port_user "$port"): stop that process, or choose other" \
          "ports for a new cluster, for example: bin/fleet up --dir OTHER --port-base $((PORT_BASE + 1000))"
      fi
    done
  done
}

port_user() {
  local pid
  command -v ss >/dev/null || return 0
  pid=$(ss --no-header --tcp --listening --numeric --processes "sport = :$1" 2>/dev/null |
    sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1)
  [[ -z $pid ]] || printf ' by process %s (%s)' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-60)"
}

engine_said_ready() { grep -qs '^ready' "$DIR/$1/out"; }
