# A service behind the project's own nginx, which runs in a container of the same network. nginx looks a name up when it
# reads its configuration, and Docker gives the old and the new container for it while both run. So for that moment the
# name stands in the /etc/hosts of nginx's container, with the address of the one that is meant, and nginx is reloaded.
#
#   releases/<id>/led.LEADER      while nginx leads to what is not recorded yet: CONTAINER NETWORK NAMES… of what it led to before
#   releases/<id>/since.BOX       when the container of nginx had been started as the attempt began
#   attempts/<id>/workers.BOX     the workers that nginx had before it was reloaded
# Needs box.sh, site.sh, containers.sh.

# may_lead BOX: whatever becomes of this attempt, nothing of it is left in there. One that had to be started again while old
# and new ones ran has found both: it is reloaded once the new ones are gone.
may_lead() {
  # shellcheck disable=SC2034 # read by end_step
  step_started=$(uptime_cs)
  put "$LW_DIR/since.$1" "$(started_at "$1")" || fail switch '' "$(no_room)"
  will_undo unlead "$1" switch ''
}

started_at() {
  docker inspect --format '{{.State.StartedAt}}' "$1" 2> /dev/null
}

# lead LEADER BOX [SERVICE CONTAINER OLD NETWORK NAMES]…: nginx in BOX leads to these from now on. OLD is what it has led
# to until now, if that runs; NAMES have blanks between them.
lead() {
  leader=$1 lead_box=$2 lines='' olds=''
  shift 2
  start_step switch "$leader"
  while [ $# -gt 4 ]; do
    address=$(address_in "$2" "$4")
    [ -n "$address" ] || fail switch "$leader" "$2 has no address in the network $4
$(evidence "$2")"
    lines="$lines$address $5 # launchway
"
    [ -z "$3" ] || olds="$olds$3 $4 $5
"
    shift 5
  done
  find_master "$lead_box"
  if [ -z "$master" ]; then
    [ "$(docker inspect --format '{{.State.Running}}' "$lead_box" 2> /dev/null)" = true ] || fail switch "$leader" "$lead_box does not run
$(evidence "$lead_box")"
    end_step switch skipped "$leader" "no nginx runs in $lead_box: what runs there has to find the new container by itself"
    return
  fi
  said=$(write_hosts "$lead_box" "$lines" 2>&1) || fail switch "$leader" "the /etc/hosts of $lead_box could not be written: $said"
  if ! test_box "$lead_box"; then
    write_hosts "$lead_box" '' > /dev/null 2>&1
    fail switch "$leader" "nginx in $lead_box refuses its own configuration, and was not reloaded: $said"
  fi
  # shellcheck disable=SC2154 # test_box
  notes=$box_notes
  put "$LW_DIR/led.$leader" "$olds" || fail switch "$leader" "$(no_room)"
  will_undo lead "$lead_box $leader" switch "$leader"
  load_box "$lead_box" || fail switch "$leader" "$said"
  put "$LW_TRY/workers.$lead_box" "$master$before" || fail switch "$leader" "$(no_room)"
  end_step switch 'done' "$leader" "nginx reloaded in $lead_box$notes"
}

address_in() { # CONTAINER NETWORK
  docker inspect --format "{{with index .NetworkSettings.Networks \"$2\"}}{{or .IPAddress .GlobalIPv6Address}}{{end}}" "$1" 2> /dev/null < /dev/null
}

# Sets `master`, empty where there is none.
find_master() { # BOX
  top=$(docker inspect --type container --format '{{.State.Pid}}' "$1" 2> /dev/null < /dev/null) master=''
  [ "${top:-0}" = 0 ] || master=$(box_master "$top")
}

# How nginx was started: sets `program`, and `started` to the arguments that say where its configuration is.
# shellcheck disable=SC2086 # words
find_program() {
  words=$(tr '\000' ' ' < "/proc/$master/cmdline" 2> /dev/null)
  set -f
  set -- ${words#nginx: master process }
  set +f
  program=${1:-nginx} started=''
  while [ $# -gt 1 ]; do
    case $1 in -c | -p) started="$started $1 $2" ;; esac
    shift
  done
}

# Whether nginx could read its configuration now: `said` is why not, `box_notes` what is to be told of it.
# shellcheck disable=SC2086 # words
test_box() { # BOX
  find_program
  box_notes='' asked_at=$(uptime_cs)
  if ! text=$(docker exec "$1" "$program" $started -T 2> "$LW_TRY/nginx.said" < /dev/null); then
    said=$(cat "$LW_TRY/nginx.said")
    # What has gone to the standard output is the engine's own word.
    [ -n "$said" ] || said=$(printf '%s' "$text" | tail -n 5)
    return 1
  fi
  nginx_patience "$(($(uptime_cs) - asked_at))"
  printf '%s\n' "$text" | grep -q '^[[:space:]]*keepalive_min_timeout[[:space:]]' \
    || box_notes='; it has no keepalive_min_timeout, so connections of visitors that are idle at this moment are closed'
  ! printf '%s\n' "$text" | grep -q '^[[:space:]]*resolver[[:space:]]' \
    || box_notes="$box_notes; it has a resolver: where it asks for names at each request it finds the old and the new container while both run"
}

# Returns once nginx has workers with what it has read now; `before` are those that it had. `said` is why it has not.
# shellcheck disable=SC2086 # words
load_box() { # BOX
  before=" $(workers | tr '\n' ' ')"
  find_program
  # Not by `docker kill`: an engine before 23 takes any signal for a wish that the container stays stopped.
  said=$(docker exec "$1" "$program" $started -s reload 2>&1 < /dev/null) || kill -HUP "$master" 2> /dev/null || return
  # shellcheck disable=SC2154 # site.sh
  until=$(($(uptime_cs) + reads_in))
  while [ "$(uptime_cs)" -lt "$until" ]; do
    for worker in $(workers); do
      case $before in *" $worker "*) ;; *) return 0 ;; esac
    done
    short_sleep
  done
  said="nginx in $1 did not start new workers within $((reads_in / 100)) s
$(docker logs --tail 20 "$1" 2>&1 < /dev/null | tail -c 4000)"
  return 1
}

# wait_workers MASTER PIDS LIMIT_CS: until these workers have gone: their last requests are answered.
wait_workers() {
  master=$1
  wait_until=$(($(uptime_cs) + $3))
  while :; do
    left=''
    for worker in $(workers); do
      case " $2 " in *" $worker "*) left=yes ;; esac
    done
    [ -n "$left" ] || return 0
    [ "$(uptime_cs)" -lt "$wait_until" ] || return 1
    short_sleep
  done
}

# retire_led SERVICE CONTAINER SECONDS BOX: as `retire`, after the last request that nginx in BOX has given it.
retire_led() {
  retire_one "$1" "$2" "$3" drain_led "$1" "$3" "$4" &
}

drain_led() { # SERVICE SECONDS BOX
  [ -e "$LW_TRY/workers.$3" ] || return 0
  start_step drain "$1"
  read -r of pids < "$LW_TRY/workers.$3"
  if wait_workers "$of" "$pids" "$(($2 * 100))"; then
    end_step drain 'done' "$1"
  else
    end_step drain 'done' "$1" "requests are still under way after $2 s"
  fi
}

# unlead BOX…: one address is left for each name by now, and docker knows it.
unlead() {
  for lead_box; do write_hosts "$lead_box" '' > /dev/null 2>&1 || :; done
}

# edit FILE LINES, for a shell that may be that of another image: our lines are these, all others stay.
# shellcheck disable=SC2016 # for another shell
edit_hosts='kept=""
while IFS= read -r line || [ -n "$line" ]; do
  case $line in *"# launchway") ;; *) kept="$kept$line
" ;; esac
done < "$1"
printf "%s%s" "$kept" "$2" > "$1"'

# The file is the engine's, mounted into the container: root writes it there. Who may use docker alone writes it within,
# and where the container may not be written to, by way of a container of the same image.
write_hosts() { # BOX LINES
  file=$(docker inspect --format '{{.HostsPath}}' "$1" < /dev/null) || return
  if [ -n "$file" ] && [ -w "$file" ]; then
    sh -c "$edit_hosts" sh "$file" "$2"
    return
  fi
  docker exec --user 0 "$1" sh -c "$edit_hosts" sh /etc/hosts "$2" < /dev/null && return
  image=$(docker inspect --format '{{.Image}}' "$1" < /dev/null) || return
  docker run --rm --pull never --network none --no-healthcheck --user 0 --volume "$file:/hosts" --entrypoint sh "$image" -c "$edit_hosts" sh /hosts "$2" < /dev/null
}

# Undo: nothing here may end the program.

# lead_back RELEASE_DIR BOX LEADER: nginx leads to what it led to before, and asks nothing of the new ones any more.
lead_back() {
  [ -s "$1/led.$3" ] || return 0
  find_master "$2"
  # It runs no more; or the engine does not say, and then it is asked again (undo_attempt).
  [ -n "$master" ] || { [ "${top:-unknown}" = 0 ] || is_gone "$2"; return; }
  lines=''
  while read -r old network names; do
    address=$([ -z "$old" ] || address_in "$old" "$network")
    [ -z "$address" ] || lines="$lines$address $names # launchway
"
  done < "$1/led.$3"
  [ -n "$lines" ] || return 0
  write_hosts "$2" "$lines" > /dev/null 2>&1 && load_box "$2" || return
  wait_workers "$master" "$before" 1000 || :
  rm -f "$1/led.$3"
}

# unlead_back RELEASE_DIR BOX
unlead_back() {
  write_hosts "$2" '' > /dev/null 2>&1 || :
  [ "$(cat "$1/since.$2" 2> /dev/null)" != "$(started_at "$2")" ] || return 0
  find_master "$2"
  [ -z "$master" ] || load_box "$2" || :
}
