# What becomes of an attempt whose program was killed. Needs state.sh.

# An attempt that was killed left its list: what had been recorded is finished, everything else undone.
recover() {
  recover_lists
  unpack
}

recover_lists() {
  current=$(cat "$LW_HOME/current" 2> /dev/null)
  for list in "$LW_HOME"/releases/*/undo; do
    [ -e "$list" ] || continue
    dir=${list%/undo}
    start_step recover
    if [ "${dir##*/}" = "$current" ] && [ -e "$dir/recorded" ]; then
      after_record "$dir"
      end_step recover 'done' '' "finished the interrupted release $current"
    elif await_command "$dir" && undo_attempt "$dir"; then
      step_started=$(uptime_cs)
      end_step recover 'done' '' "undid the interrupted release ${dir##*/}"
    else
      end_step recover failed '' "an earlier deploy was interrupted, and could not be undone"
      end broken "an earlier deploy was interrupted, and could not be undone"
    fi
  done
  stop_strays
  # Killed before it said that the release which it had left is none to return to.
  ! { read -r rejected < "$LW_HOME/releases/$current/rejected"; } 2> /dev/null || unrecord "$rejected"
}

# await_command RELEASE_DIR: nobody ends a migration in the middle. A command before the switch outlives its program; what comes next
# begins once it has ended, by itself or when the time is over that it was given: a second one beside it would be worse than none.
await_command() {
  # shellcheck disable=SC2013 # words
  for one in $(awk '$1 == "remove" && $3 == "volumes" && $5 == "." { print $2 "=" $4 }' "$1/undo"); do
    # One that does not answer knows of no command.
    await_engine || :
    container=${one%=*} left=$(((${one#*=} - $(uptime_cs)) / 100))
    [ "$left" -gt 0 ] || left=0
    if is_running "$container"; then
      MS='' journal recover says '' "waits until the before-switch command of the interrupted release ${1##*/} has ended, for $left s at most
on this host: docker logs --follow $container shows it, docker stop $container ends it"
      wait_run "$container" "$left" || docker stop -t 10 "$container" > /dev/null 2>&1
    fi
    ended=$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$container" 2> /dev/null)
    # Its own program did not come to say so.
    case $ended in
      'exited '*) MS='' journal recover says '' "the before-switch command of the interrupted release ${1##*/} ended with exit code ${ended#* }
$(docker logs --tail 20 "$container" 2>&1 | tail -c 3000)" ;;
    esac
  done
  return 0
}

# Recorded, and killed before the old containers were stopped: no later plan would know of those.
stop_strays() {
  [ -n "$current" ] || return 0
  # A task has no service.
  own_containers '{{.Names}} {{.Label "launchway.release"}} {{or (.Label "launchway.service") "-"}} {{.Label "launchway.cron"}}' \
    | members_of "$current" others | while read -r container _ _ times; do
    step_started=$(uptime_cs)
    if [ -n "$times" ]; then
      seconds=$(docker inspect --format '{{if .Config.StopTimeout}}{{.Config.StopTimeout}}{{end}}' "$container" 2> /dev/null)
      wait_run "$container" "${seconds:-10}"
    fi
    docker update --restart no "$container" > /dev/null 2>&1
    docker stop "$container" > /dev/null 2>&1
    end_step recover 'done' '' "stopped $container, which an interrupted deploy had left running"
  done
}

# rescue: what the supervisor of the program (launch.sh) has done after one that was killed, for want of memory for
# example: a service that was stopped for its port does not wait for the next deploy. Where the supervisor is killed as
# well, where another deploy has been faster, and where a manager leads a stack, it is for the next deploy.
rescue() {
  why='the program on the host was ended from outside while it was at this, for want of memory or by hand'
  step=$(last_word step) service=$(last_word service)
  # shellcheck disable=SC2034 # read by end_step
  step_started=$(uptime_cs)
  [ -z "${LW_STACK:-}" ] || exit 1
  # Nobody ends a migration in the middle: it goes on, and visitors have the old version.
  case "$step $(last_word state)" in 'before-switch start' | 'before-switch says') exit 1 ;; esac
  if ! can_open "$LW_HOME/lock" || ! take_lock; then exit 1; fi
  if is_recorded; then
    claim 2> /dev/null
    recover_lists
    end 'done'
  fi
  undone=undone
  [ -e "$LW_DIR/undo" ] || undone=failed
  # What is done to the release that runs, that one deployed again among it, has nothing to go back to.
  case "${LW_DID:-} $undone" in deploy* | rollback* | 'recreate undone') ;; *) exit 1 ;; esac
  [ "$(cat "$LW_HOME/current" 2> /dev/null)" != "$LW_RELEASE" ] || exit 1
  claim 2> /dev/null
  case $step in '' | lock | undo | recover) step=recover service='' ;; esac
  end_step "$step" failed "$service" "$why"
  recover_lists
  end "$undone" "$why"
}

# Of the last line that this attempt has written.
last_word() { # FIELD
  grep -F "\"attempt\":\"$LW_ATTEMPT\"" "$LW_HOME/journal.jsonl" | tail -n 1 | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# Whether this attempt has made its release the current one.
is_recorded() {
  [ "$(cat "$LW_HOME/current" 2> /dev/null)" = "$LW_RELEASE" ] \
    && grep -F "\"attempt\":\"$LW_ATTEMPT\"" "$LW_HOME/journal.jsonl" | grep -Fq '"step":"record","state":"start"}'
}
