# Prints what containers of one release wrote: `service<TAB>time text`, each line as it comes.
# Set by the client: LW_APP LW_ENVIRONMENT LW_HOME LW_KEPT (a release; empty: the current one) LW_SERVICE (empty: all)
# LW_LINES LW_SINCE LW_FOLLOW. Needs members.sh.
release=${LW_KEPT:-$(cat "$LW_HOME/current" 2> /dev/null)}
fact '#release' "$release"
if ! found=$(docker ps --all --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
  --filter label=launchway.release --format '{{.Names}} {{.Label "launchway.release"}} {{or (.Label "launchway.service") "-"}} {{.State}}' 2>&1); then
  fact '#said' "$found"
  exit 0
fi
found=$(printf '%s\n' "$found" | members_of "$release")
# An accessory is no part of a release: its log is there for who names it.
if [ -n "$LW_SERVICE" ] && ! printf '%s\n' "$found" | grep -q "^[^ ]* [^ ]* $LW_SERVICE "; then
  accessory=$(accessory_named "$LW_SERVICE" --all)
  [ -z "$accessory" ] || found="$accessory - $LW_SERVICE $(docker inspect --format '{{.State.Status}}' "$accessory" 2> /dev/null)"
fi

lines_of() { # SERVICE CONTAINER
  set -- "$1" "$2" --timestamps ${LW_LINES:+--tail "$LW_LINES"} ${LW_SINCE:+--since "$LW_SINCE"}
  service=$1 container=$2
  shift 2
  if [ -z "$LW_FOLLOW" ]; then
    docker logs "$@" "$container" 2>&1 | sed "s/^/$service$(printf '\t')/"
  else
    docker logs --follow "$@" "$container" 2>&1 | while IFS= read -r line || [ -n "$line" ]; do printf '%s\t%s\n' "$service" "$line"; done
  fi
}

end_all() {
  trap '' TERM
  kill -TERM 0
}
[ -z "$LW_FOLLOW" ] || while_connected end_all
followed=''
while read -r container _ service state; do
  [ "$service" != - ] || continue
  [ -n "$container" ] || continue
  fact '#container' "$service" "$container" "$state"
  [ -z "$LW_SERVICE" ] || [ "$LW_SERVICE" = "$service" ] || continue
  if [ -z "$LW_FOLLOW" ]; then
    lines_of "$service" "$container" < /dev/null
  else
    lines_of "$service" "$container" < /dev/null &
    followed="$followed $!"
  fi
done <<END
$found
END
# shellcheck disable=SC2086 # words
[ -z "$followed" ] || wait $followed
[ -z "$LW_FOLLOW" ] || kill "${watcher:-}"
fact '#answered' yes
