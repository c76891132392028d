# What the apply program does to scheduled commands: lines in the crontab of the account that it runs as. Each starts
# job.sh, and that the container of the current release. What a user has written reaches a line as digits, * , - and /.
#
#   job.sh                      what the lines start
#   cron.of                     whose crontab has the lines; not there while there are none
#   jobs.<service>.lock         held while a run of it is being started
#   releases/<id>/job.<service> what its container is made with, for job.sh
#   releases/<id>/cron.*        both as they were before this release
# Needs crontab.sh.

crontab_of() { # ACCOUNT ARGUMENTS…
  whose=$1
  shift
  if [ "$whose" = "$(id -un)" ]; then crontab "$@"; else crontab -u "$whose" "$@"; fi
}

# Sets `table`. Not by way of a file: a full disk would make somebody's crontab shorter. Why it cannot be read is in `said`.
read_table() { # ACCOUNT
  # A full stop, since what ends with empty lines would lose them.
  table=$(crontab_of "$1" -l 2> /dev/null && echo .) && table=${table%.} && return
  table=''
  said=$(crontab_of "$1" -l 2>&1 > /dev/null)
  case $said in *'no crontab for'* | *'No such file'*) ;; *) return 1 ;; esac
}

# Puts these lines in the place of those that are there.
put_lines() { # ACCOUNT LINES
  read_table "$1" || return
  fresh=$(printf '%s' "$table" | cron_text "$2" && echo .) || return
  fresh=${fresh%.}
  if [ "$fresh" = "$table" ]; then
    return 0
  elif [ -z "$fresh" ]; then
    said=$(crontab_of "$1" -r 2>&1)
  else
    said=$(printf '%s' "$fresh" | crontab_of "$1" - 2>&1)
  fi
}

# schedule [SERVICE TIMES]…: these run at their times from now on, and no others.
schedule() {
  start_step schedule
  find_lines $#
  reschedule "$(lines_for "$@")"
}

# schedule_again [SERVICE TIMES]…: these as well.
schedule_again() {
  start_step schedule
  find_lines 1
  lines=$(lines_for "$@") again=''
  while [ $# -gt 0 ]; do
    again="$again $1"
    shift 2
  done
  # shellcheck disable=SC2086 # words
  reschedule "$(printf '%s\n' "$(lines_but $again)" "$lines" | sed '/^$/d')"
}

# unschedule SERVICE…: these no longer.
unschedule() {
  start_step schedule
  find_lines 1
  reschedule "$(lines_but "$@")"
}

lines_for() { # [SERVICE TIMES]…
  while [ $# -gt 0 ]; do
    echo "$2 test ! -e $LW_HOME/job.sh || /bin/sh $LW_HOME/job.sh $LW_APP.$LW_ENVIRONMENT $1"
    shift 2
  done
}

# Those that are there, of other services: the service is the last word.
lines_but() { # SERVICE…
  printf '%s\n' "$had" | awk -v gone=" $* " '$0 != "" && !index(gone, " " $NF " ")'
}

# find_lines WANTED: sets `me`, `of` (whose crontab has the lines, if any) and `had`, its lines. What is not wanted any more
# keeps no deploy from going on: without cron.of, job.sh does nothing.
find_lines() {
  me=$(id -un) of=$(cat "$LW_HOME/cron.of" 2> /dev/null) had='' unread=''
  hold_host || fail schedule '' "$said"
  [ -n "$of" ] || return 0
  # Somebody has taken the account away, and its crontab with it.
  if ! id "$of" > /dev/null 2>&1; then
    of=''
    return 0
  fi
  # Only root sees the crontab of another; without the program nobody has one.
  [ "$of" = "$me" ] || [ "$(id -u)" = 0 ] || return 0
  command -v crontab > /dev/null || return 0
  if ! read_table "$of"; then
    [ "$1" = 0 ] || fail schedule '' "the crontab of $of cannot be read: $said"
    unread=", and the crontab of $of cannot be read, whose lines do nothing any more: $said"
    return 0
  fi
  had=$(printf '%s' "$table" | cron_lines)
}

# The lines become these, in the crontab of this account; another that had them before loses its own.
reschedule() { # LINES
  left=$unread
  put "$LW_DIR/cron.of" "$of" || fail schedule '' "$(no_room)"
  if [ -n "$1" ]; then
    write_job || fail schedule '' "$(no_room)"
    change_lines "$me" "$1"
  fi
  if [ -n "$of" ] && { [ "$of" != "$me" ] || [ -z "$1" ]; }; then
    if ! command -v crontab > /dev/null; then
      left=", and crontab is not installed any more"
    elif [ -z "$unread" ] && { [ "$of" = "$me" ] || [ "$(id -u)" = 0 ]; }; then
      change_lines "$of" ''
    elif [ -z "$unread" ]; then
      # job.sh does nothing for an account that is not in cron.of.
      left=", and those in the crontab of $of do nothing any more; as root: crontab -u $of -e"
    fi
  fi
  [ -n "$1" ] || rm -f "$LW_HOME/cron.of"
  let_host
  end_step schedule 'done' '' "$(printf '%s' "$1" | grep -c .) in the crontab of $me$left"
}

change_lines() { # ACCOUNT LINES
  was=''
  [ "$1" != "$of" ] || was=$had
  # One that cannot be read could not be put back either.
  read_table "$1" || fail schedule '' "the crontab of $1 cannot be read: $said"
  put "$LW_DIR/cron.lines.$1" "$was" || fail schedule '' "$(no_room)"
  will_undo cron "$1" schedule ''
  [ -z "$2" ] || put "$LW_HOME/cron.of" "$1" || fail schedule '' "$(no_room)"
  put_lines "$1" "$2" || fail schedule '' "the crontab of $1 cannot be changed: $said"
}

# The account's own way to docker: what cron gives a program is less.
write_job() {
  put "$LW_HOME/job.sh" "$(
    for name in PATH DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG XDG_RUNTIME_DIR LW_APP LW_ENVIRONMENT LW_HOME; do
      eval "value=\${$name-}"
      [ -z "$value" ] || printf "%s='%s'\nexport %s\n" "$name" "$(printf '%s' "$value" | sed "s/'/'\\\\''/g")" "$name"
    done
    job_text
  )"
}

# Undo: nothing here may end the program.
cron_back() { # RELEASE_DIR ACCOUNT
  hold_host || return
  of=$(cat "$1/cron.of" 2> /dev/null)
  had=$(cat "$1/cron.lines.$2") || return
  if ! put_lines "$2" "$had"; then
    rm -f "$LW_HOME/reserve"
    put_lines "$2" "$had" || return
  fi
  if [ -n "$of" ]; then put "$LW_HOME/cron.of" "$of" || return; else rm -f "$LW_HOME/cron.of"; fi
  let_host
}

# note_job CONTAINER DOCKER-CREATE-ARGUMENTS…: where it is of a scheduled command. It is stopped between two runs, and
# `docker system prune` removes what is stopped.
note_job() {
  case " $* " in *' launchway.cron='*) ;; *) return 0 ;; esac
  name=$1
  shift
  noted="created$(in_quotes --restart no --name "$name" --label launchway.accessory= "$@") || exit"
  (umask 077 && put "$LW_DIR/job.$LW_SERVICE" "$noted") || fail create "$LW_SERVICE" "$(no_room)"
}

note_join() { # DOCKER-NETWORK-CONNECT-ARGUMENTS…
  [ -e "$LW_DIR/job.$LW_SERVICE" ] || return 0
  noted="$(cat "$LW_DIR/job.$LW_SERVICE")
docker network connect$(in_quotes "$@") || exit"
  (umask 077 && put "$LW_DIR/job.$LW_SERVICE" "$noted") || fail create "$LW_SERVICE" "$(no_room)"
}

in_quotes() { # WORDS…
  for word; do
    # A full stop, since what ends with empty lines would lose them.
    case $word in *\'*) word=$(printf '%s.' "$word" | sed "s/'/'\\\\''/g") && word=${word%.} ;; esac
    printf " '%s'" "$word"
  done
}

# ---- runs that are under way

# retire_job SERVICE CONTAINER SECONDS: as `retire`, but a run is a job: it has this time to end by itself.
retire_job() {
  retire_run "$@" &
}

retire_run() {
  started_runs "$1"
  is_running "$2" || return 0
  start_step drain "$1"
  if wait_run "$2" "$3"; then
    end_step drain 'done' "$1" 'its run has ended'
    return
  fi
  end_step drain 'done' "$1" "its run is still under way after $3 s"
  start_step stop "$1"
  grace=10
  [ "$3" -ge 10 ] || grace=$3
  if said=$(docker stop -t "$grace" "$2" 2>&1); then
    end_step stop 'done' "$1" "$2"
  else
    end_step stop failed "$1" "$2 runs on: $said"
  fi
}

# A run that is being started just now may be of the release before: job.sh has read what was the current one.
started_runs() (
  { exec 6>> "$LW_HOME/jobs.$1.lock"; } 2> /dev/null || return
  until=$(($(uptime_cs) + 3000))
  until flock -n 6 || [ "$(uptime_cs)" -ge "$until" ]; do nap 5; done
)

is_running() {
  [ "$(docker inspect --format '{{.State.Running}}' "$1" 2> /dev/null)" = true ]
}

wait_run() { # CONTAINER SECONDS
  until=$(($(uptime_cs) + $2 * 100))
  # An engine that does not answer says nothing of a run.
  while is_running "$1" || { ! docker inspect "$1" > /dev/null 2>&1 && ! is_gone "$1"; }; do
    [ "$(uptime_cs)" -lt "$until" ] || return
    # Beside the program: once that was killed, the lock that this holds with it is the next deploy's, which asks anew.
    kill -0 $$ 2> /dev/null || exit
    nap 20
  done
}
