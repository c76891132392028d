# Prints what the tasks of services wrote: `service<TAB>time task@node | text`, each line as it comes.
# Set by the client: LW_LINES LW_SINCE LW_FOLLOW. Needs connection.sh.
end_all() {
  trap '' TERM
  kill -TERM 0
}
[ -z "$LW_FOLLOW" ] || while_connected end_all
followed=''

follow_logs() { # SERVICE
  set -- "$1" --timestamps --no-trunc ${LW_LINES:+--tail "$LW_LINES"} ${LW_SINCE:+--since "$LW_SINCE"}
  service=$1
  shift
  if [ -z "$LW_FOLLOW" ]; then
    docker service logs "$@" "$service" 2>&1 < /dev/null | sed "s/^/$service$(printf '\t')/"
  else
    docker service logs --follow "$@" "$service" 2>&1 < /dev/null | while IFS= read -r line || [ -n "$line" ]; do printf '%s\t%s\n' "$service" "$line"; done &
    followed="$followed $!"
  fi
}

end_logs() {
  # shellcheck disable=SC2086 # words
  [ -z "$followed" ] || wait $followed
  [ -z "$LW_FOLLOW" ] || kill "${watcher:-}"
  fact '#answered' yes
}
