# What may be left running by the next release: what it is made from, and whether it answers. Part of observe.sh.
# Set by the client: LW_DEFINITIONS (yes where anything may be), LW_ASKED (a line for each service that has a health page:
# SERVICE URL STATUS HOST PROTO, by tabs, - for none; the address of a service behind nginx is `slot`)
# Needs health.sh.

# Digests by a key that is with them: who may see them here may see the secrets in them as well.
# shellcheck disable=SC2086,SC2154 # $as is empty or two words
look_at_definitions() {
  for made in "$LW_HOME"/releases/*/definitions; do
    $as cat "$made" 2> /dev/null | while read -r container key digest; do fact definition "$container" "$key" "$digest"; done
  done
}

# Asked once: what does not answer right now is made anew.
# shellcheck disable=SC2154 # observe.sh: $ports
look_at_answers() {
  column=2
  [ ! -e "$LW_HOME/slot.b" ] || column=3
  printf '%s\n' "$LW_ASKED" | while IFS=$tab read -r service url status host proto; do
    [ -n "$proto" ] || continue
    case $url in
      http://slot/*)
        port=$(printf '%s\n' "$ports" | awk -v service="$service" -v column="$column" '$1 "" == service { print $column }')
        [ -n "$port" ] || continue
        url="http://127.0.0.1:$port/${url#http://slot/}"
        ;;
    esac
    answer=$(probe "$url" "${host#-}" "${proto#-}")
    if is_well "${answer%% *}" "${status#-}"; then fact answers "$service"; fi
  done
}
