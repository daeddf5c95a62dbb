# shellcheck shell=bash
# By what the cluster's processes, and whoever started it, know each other: an authority and its certificates in
# DIR/certificates, made once, by fleetctl cert; and a context, by which fleetctl finds the user's by the endpoints.

# Each hollow machine has a certificate, and so connections, of its own: beyond these, they are there for scale alone.
readonly MOST_KNOWN_HOLLOW=64

certificates_dir() { printf '%s\n' "$DIR/certificates"; }

# A cluster of before has none until it is brought up again.
is_plaintext() { too_many_to_know || [[ ! -e $(certificates_dir)/ca.pem ]]; }

too_many_to_know() { [[ $UNIT_MANAGER == hollow ]] && ((AGENTS > MOST_KNOWN_HOLLOW)); }

# Whether the engines' HTTP is in plaintext, as the user may have changed it in fleet.conf.
http_is_plain() { is_plaintext || grep -qsE '^[[:space:]]*plain_http[[:space:]]*=[[:space:]]*(true|1|yes|on)[[:space:]]*$' "$DIR/fleet.conf"; }

# The user's name, as far as certificates take it.
user_name() {
  local name
  name=$(id --user --name 2>/dev/null | tr -cd 'A-Za-z0-9_-')
  printf '%s\n' "${name:-admin}"
}

# Prints how daemon $2, of kind $1, says who it is: a flag on each line.
identity_options() {
  if is_plaintext; then
    echo --allow-plaintext
    [[ $1 != engine ]] || echo --plain-http=false
  else
    identity_files "$(certificates_dir)/$1-$2"
  fi
}

identity_files() { printf '%s\n' "--ca-file=$(certificates_dir)/ca.pem" "--cert-file=$1.pem" "--key-file=$1-key.pem"; }

# Runs fleetctl as the cluster's administrator, for endpoints $1.
client() {
  local identity=() endpoints=$1
  shift
  is_plaintext || mapfile -t identity < <(identity_files "$(certificates_dir)/user-$(user_name)")
  "$ROOT/bin/fleetctl" --endpoint "$endpoints" ${identity[@]+"${identity[@]}"} "$@"
}

# Makes what is missing of the authority's and the certificates of kind $1 (engine, agent or user) with names $2...
certify() {
  local kind=$1 name missing=() options=()
  shift
  ! too_many_to_know || return 0
  for name in "$@"; do
    [[ -e $(certificates_dir)/$kind-$name.pem ]] || missing+=("$name")
  done
  ((${#missing[@]} > 0)) || return 0
  case $kind in
    engine) options=(--host "localhost,127.0.0.1") ;;
    user) options=(--role admin) ;;
  esac
  cert issue --ca "$(certificates_dir)" --out "$(certificates_dir)" --days 3650 ${options[@]+"${options[@]}"} \
    "$kind" "${missing[@]}"
}

certify_engines() {
  ! too_many_to_know || return 0
  [[ -e $(certificates_dir)/ca.pem ]] || cert create-ca --cluster-id "$CLUSTER_ID" "$(certificates_dir)"
  certify engine "${ENGINE_NAMES[@]}"
  certify user "$(user_name)"
}

# Machines have ids once they have run.
certify_agents() {
  ! is_plaintext || return 0
  find_machine_ids
  certify agent "${MACHINE_IDS[@]:1}"
}

cert() {
  local said
  said=$("$ROOT/bin/fleetctl" cert "$@" 2>&1) || die "no certificates could be made in $(certificates_dir): $said"
}

# --- the context -----------------------------------------------------------------------------------------------------

contexts_dir() { printf '%s\n' "${XDG_CONFIG_HOME:-$HOME/.config}/raftfleet/contexts"; }

context_file() {
  local name
  name=$(printf '%s' "$DIR" | sha256sum)
  printf '%s\n' "$(contexts_dir)/up-${name:0:12}.conf"
}

# Of clusters that had these ports before, the one that runs now counts.
write_context() {
  local file other endpoint
  file=$(context_file)
  endpoint=endpoint=$(grpc_endpoints)
  for other in "$(contexts_dir)"/up-*.conf; do
    if grep -qsxF "$endpoint" "$other"; then rm -f "$other"; fi
  done
  ! is_plaintext || return 0
  if ! { mkdir -p "$(contexts_dir)" && : >"$file.new"; } 2>/dev/null; then
    say "fleet: $(contexts_dir) can't be written, so fleetctl needs $(identity_files \
      "$(certificates_dir)/user-$(user_name)" | tr '\n' ' ')"
    return
  fi
  {
    echo "# The cluster of bin/fleet in $DIR"
    echo "$endpoint"
    identity_files "$(certificates_dir)/user-$(user_name)" | sed 's/^--//; s/-file=/_file=/'
  } >"$file.new"
  mv "$file.new" "$file"
}

remove_context() { rm -f "$(context_file)"; }
