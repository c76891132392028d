# What runs to its end: the command before the switch, in a container of the new image that nothing else is led to, and
# services that run once for a release.

# before_switch SERVICE CONTAINER SECONDS NETWORKS DOCKER-CREATE-ARGUMENTS…: NETWORKS are those after the first, with
# blanks between them: a container has all of them before its command begins.
before_switch() {
  LW_SERVICE=$1 container=$2 limit=$3 networks=$4
  shift 4
  start_step before-switch "$LW_SERVICE"
  # Until when it has time, also where this program does not live to see it (recovery.sh).
  will_undo remove "$container volumes $(($(uptime_cs) + limit * 100))" before-switch "$LW_SERVICE"
  docker rm --force --volumes "$container" > /dev/null 2>&1
  create_named --pull never "$@" || fail before-switch "$LW_SERVICE" "$said"
  for name in $networks; do
    said=$(docker network connect "$name" "$container" 2>&1) || fail before-switch "$LW_SERVICE" "it could not join the network $name: $said"
  done
  run_to_end before-switch "$container" "$limit"
  docker rm --force --volumes "$container" > /dev/null 2>&1
  end_step before-switch 'done' "$LW_SERVICE" "$lines lines; they are kept in $LW_DIR/before-switch.log"
}

# run_to_end STEP CONTAINER SECONDS: starts a container, tells its words as they come, and returns once it has ended well.
run_to_end() {
  container=$2 limit=$3
  said=$(docker start "$container" 2>&1) || fail "$1" "$LW_SERVICE" "$said"
  # A file of this attempt, for its words as they come. Who follows them may outlive this program: it has no lock.
  hook_log="$LW_TRY/$1.log"
  (umask 077 && : > "$hook_log") || fail "$1" "$LW_SERVICE" "$(no_room)"
  (exec 7>&- 8>&- 9>&- && exec docker logs --follow "$container") >> "$hook_log" 2>&1 < /dev/null &
  follower=$!
  exec 7< "$hook_log"
  held='' lines=0 deadline=$(($(uptime_cs) + limit * 100)) overdue='' pause=5
  while :; do
    state=$(look_at --format '{{.State.Status}}' "$container")
    tell_words "$1"
    case $state in
      running | created | restarting | paused) ;;
      exited | dead) break ;;
      # An engine that does not answer for a moment tells nothing.
      *) ! is_gone "$container" || break ;;
    esac
    if [ "$(uptime_cs)" -ge "$deadline" ]; then
      overdue=yes
      docker stop -t 10 "$container" > /dev/null 2>&1
      break
    fi
    # Often at first: what is short is seen to have ended soon.
    nap "$pause"
    [ "$pause" -ge 20 ] || pause=$((pause * 2))
  done
  # It ends with the container; what that said last has to arrive. Not where the container could not be ended, or the engine has
  # lost the end of its log: nothing has a bound from here on. What has ended has nothing open.
  rest=1000
  [ -z "$overdue" ] || rest=100
  deadline=$(($(uptime_cs) + rest))
  while [ -e "/proc/$follower/fd/1" ] && [ "$(uptime_cs)" -lt "$deadline" ]; do nap 5; done
  kill -9 "$follower" 2> /dev/null
  wait "$follower" 2> /dev/null
  tell_words "$1"
  [ -z "$held" ] || MS='' journal "$1" says "$LW_SERVICE" "$held"
  exec 7<&-
  # Kept with the release: the container goes.
  (umask 077 && { date -u "+%Y-%m-%dT%H:%M:%SZ $container" && tail -c 64000 "$hook_log"; } >> "$LW_DIR/$1.log") 2> /dev/null
  ended=$(look_at --format '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Error}}' "$container")
  if [ -n "$overdue" ]; then why="it was still running after its timeout of $limit s, and was ended"; else
    # shellcheck disable=SC2086 # words
    case $ended in
      'exited 0 false'*) why='' ;;
      'exited '*' true'*) why="it ended with exit code $(exit_of $ended): out of memory" ;;
      'exited '*) why="it ended with exit code $(exit_of $ended)" ;;
      *) why="it cannot be said how it ended: $ended" ;;
    esac
  fi
  [ -z "$why" ] || fail "$1" "$LW_SERVICE" "$why
$(tail -n 40 "$hook_log" | tail -c 6000)"
}

# runs_once SERVICE CONTAINER: of one that `create` has made. What it leaves in volumes without a name is nobody's: they go with it,
# by whatever removes it.
runs_once() {
  will_undo remove "$2 volumes" once "$1"
  printf '%s\n' "$2" >> "$LW_DIR/once" || fail create "$1" "$(no_room)"
}

# once SERVICE CONTAINER SECONDS: runs a container of the release that `create` has made, to its end. It stays, for its words.
once() {
  LW_SERVICE=$1
  start_step once "$1"
  will_undo remove "$2 volumes" once "$1"
  run_to_end once "$2" "$3"
  end_step once 'done' "$1" "$lines lines; they are kept in $LW_DIR/once.log"
}

exit_of() { # STATUS CODE …
  echo "$2"
}
