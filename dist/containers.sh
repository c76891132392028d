# What the apply program does to containers: stop, make, wake, keep, retire. Each says first how it is undone.
away_since=''

# An engine that does not answer tells nothing.
is_gone() {
  names=$(docker ps --all --format '{{.Names}}') && ! printf '%s\n' "$names" | grep -Fqx -- "$1"
}

# Whether the engine answers. One that is being restarted does in some seconds: it is given a minute, and once that was in
# vain it is only asked.
await_engine() {
  until docker version > /dev/null 2>&1; do
    : "${away_since:=$(uptime_cs)}"
    [ $(($(uptime_cs) - away_since)) -lt 6000 ] || return
    nap 50
  done
  away_since=''
}

# halt SERVICE CONTAINER SECONDS POLICY: stops a container whose place the new one needs. Until the release is recorded a
# reboot brings the old one back: its policy is `always`, that of the new one `no` (`keep` turns that round). Undone, it is
# POLICY; who wants no restart at all is not given one.
halt() {
  start_step stop "$1"
  ! is_gone "$2" || fail stop "$1" "$2 is gone: it went with an attempt that had broken off, or somebody removed it. Run it again."
  will_undo start "$2 $4" stop "$1"
  [ "$4" = no ] || docker update --restart always "$2" > /dev/null 2>&1
  : "${down_since:=$(uptime_cs)}"
  stop_in "$3" "$2" "$1" || fail stop "$1" "$said"
  end_step stop 'done' "$1" "$2"
}

# stop_in SECONDS CONTAINER SERVICE: stops it; docker's words are in `said`. Docker calls it well where it had to kill, too, and
# nobody else would hear of what was cut off then. It is asked only where all of the time has passed.
stop_in() {
  asked_at=$(uptime_cs)
  said=$(docker stop -t "$1" "$2" 2>&1) || return
  [ "$1" -gt 0 ] && [ $(($(uptime_cs) - asked_at)) -ge $(($1 * 100)) ] || return 0
  [ "$(docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$2" 2> /dev/null)" = '137 false' ] || return 0
  MS='' journal stop says "$3" "$2 was killed, whatever it was at, since it had not ended within its stop-timeout of $1 s: give it a longer one, or have its first process obey its stop signal (options: [--init], exec in its start-up script, or another stop-signal)"
}

# create SERVICE CONTAINER DOCKER-CREATE-ARGUMENTS…: makes the container and does not start it: what the engine refuses
# is told while all that runs still runs. Values of secrets come from a file, by way of docker's environment.
create() {
  LW_SERVICE=$1 container=$2
  shift 2
  start_step create "$LW_SERVICE"
  will_undo remove "$container" create "$LW_SERVICE"
  undefine "$container"
  note_job "$container" "$@"
  # The same release again finds the container of its earlier attempt.
  if make "$@" || { ! is_gone "$container" && docker rm --force "$container" > /dev/null 2>&1 && make "$@"; }; then
    define "$LW_SERVICE" "$container"
    end_step create 'done' "$LW_SERVICE" "$container"
  else
    fail create "$LW_SERVICE" "$said"
  fi
}

# has_secrets SERVICE: a return brings none with it: what it makes anew gets those that were kept.
has_secrets() {
  [ ! -e "$LW_DIR/secrets" ] || return 0
  start_step create "$1"
  fail create "$1" "the values of its secrets are gone with $LW_DIR/secrets, and its container has to be made anew: without them it would not be what it was. Put that version live as a new release, which brings them: launchway redeploy VERSION"
}

# make DOCKER-CREATE-ARGUMENTS…: one of the release. Labels that its image brings would make it what it is not: of two the
# later one counts.
make() {
  create_named --restart no --label launchway.accessory= --label launchway.cron= "$@"
}

# create_named DOCKER-CREATE-ARGUMENTS…: makes `container`, with the values of secrets. Docker's words are in `said`.
create_named() {
  # Everything is a word of the command line before the secrets are read: none can take the place of a variable.
  # shellcheck disable=SC2154 # engine.sh
  set -- ${bound:+"$bound" 600} "$docker" create --name "$container" "$@"
  said=$(
    # shellcheck disable=SC1091 # written by launch.sh, from the step's secrets
    [ ! -e "$LW_DIR/secrets" ] || . "$LW_DIR/secrets"
    "$@" 2>&1
  ) && return
  : "${said:=the engine does not answer: docker create was ended after 600 s}"
  return 1
}

# start SERVICE CONTAINER: the one that `create` has made. Undoing, it goes before what was halted for it comes back.
start() {
  start_step run "$1"
  will_undo remove "$2" run "$1"
  said=$(docker start "$2" 2>&1) || fail run "$1" "$said"
  end_step run 'done' "$1" "$2"
}

# wake SERVICE CONTAINER: starts one that was kept, with everything it was made with.
wake() {
  start_step run "$1"
  will_undo stop "$2" run "$1"
  said=$(docker start "$2" 2>&1) || { is_cut_off && rejoin "$2" && said=$(docker start "$2" 2>&1); } || fail run "$1" "$said"
  end_step run 'done' "$1" "$2"
}

# What the engine has `said`: it knows networks by their numbers, and one that is made anew under its name has another.
is_cut_off() {
  case $said in *network*'not found'*) ;; *) return 1 ;; esac
}

# rejoin CONTAINER: has it in the networks that have the names of those it was made with, under the names it had there.
rejoin() {
  said=$(docker inspect --format '{{range $name, $in := .NetworkSettings.Networks}}{{$name}} {{$in.NetworkID}}{{range $in.Aliases}} --alias {{.}}{{end}}{{with $in.IPAMConfig}}{{with .IPv4Address}} --ip {{.}}{{end}}{{end}}{{println}}{{end}}' "$1" 2>&1 \
    | while read -r name id how; do
      [ -n "$name" ] && [ "$(docker network inspect --format '{{.Id}}' "$name" 2> /dev/null)" != "$id" ] || continue
      # shellcheck disable=SC2086 # words
      docker network connect $how "$name" "$1" 2>&1 || { echo "$1 could not join the network $name again" && break; }
    done)
  [ -z "$said" ]
}

# join SERVICE NETWORK CONTAINER [ALIAS…]: engines before 25 take one network on their command line.
join() {
  LW_SERVICE=$1 network=$2 container=$3
  shift 3
  for name; do
    shift
    set -- "$@" --alias "$name"
  done
  note_join "$@" "$network" "$container"
  said=$(docker network connect "$@" "$network" "$container" 2>&1) && return
  start_step create "$LW_SERVICE"
  fail create "$LW_SERVICE" "$container could not join the network $network: $said"
}

# served SERVICE WHY: again; the time since the first container was halted for it is that in which nobody did.
served() {
  MS=$((($(uptime_cs) - down_since) * 10)) journal downtime 'done' "$1" "stopped first: $2"
  down_since=''
}

# retire SERVICE CONTAINER SECONDS [PORT]: an old container that nothing needs any more, kept for a rollback; with PORT
# after its last request there. They go side by side, each in its own time; `retired` waits for the last, and prunes
# meanwhile: what is kept no longer is none of them, but after a return from a release that nobody returns to.
retire() {
  retire_one "$1" "$2" "$3" ${4:+drain "$1" "$4" "$3"} &
}

retired() {
  [ ! -e "$LW_DIR/rejected" ] || wait
  prune
  wait
}

# retire_one SERVICE CONTAINER SECONDS [COMMAND…]: the command returns after its last request.
retire_one() {
  # A reboot brings the new one alone, whether the old one has been drained by then or not.
  docker update --restart no "$2" > /dev/null 2>&1 &
  updating=$!
  (shift 3 && "$@")
  start_step stop "$1"
  wait "$updating"
  if stop_in "$3" "$2" "$1"; then
    end_step stop 'done' "$1" "$2"
  else
    end_step stop failed "$1" "$2 runs on beside the new one until the next deploy, which stops it: $said"
  fi
}

# keep CONTAINER POLICY [HALTED…]: from now on a reboot brings this one back, and not those that were halted for it: of two
# that want one port, an engine starts whichever it likes. Until now what ended has ended for good, and that must not
# replace what serves: so it is looked at once more, after all policies are set.
keep() {
  kept=$1 policy=$2
  shift 2
  if said=$(docker update --restart "$policy" "$kept" 2>&1 && { [ $# -eq 0 ] || docker update --restart no "$@" 2>&1; }); then
    now=$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$kept" 2> /dev/null)
    if [ "${now%% *}" = running ]; then
      [ -e "$LW_HOME/current" ] || tell_unnamed "$kept"
      return 0
    fi
    said="it was well, and then ended with exit code ${now#* }"
    ! has_new_engine || said="$said: the engine has been restarted, which ends what is not recorded yet. Run it again."
    said="$said
$(evidence "$kept")"
  fi
  whose=$(docker inspect --format '{{or (index .Config.Labels "launchway.service") (index .Config.Labels "launchway.accessory")}}' "$kept" 2> /dev/null)
  start_step healthy "$whose"
  fail healthy "$whose" "$said"
}

# tell_unnamed CONTAINER: the volumes of a service that docker has named, for a VOLUME of its image. Told once, with the first
# release: the look at the host tells later whether something is in them (observe-data.sh).
tell_unnamed() {
  docker inspect --format '{{with index .Config.Labels "launchway.service"}}{{$of := .}}{{range $.Mounts}}{{if eq .Type "volume"}}{{.Name}} {{$of}} {{.Destination}}{{println}}{{end}}{{end}}{{end}}' "$1" 2> /dev/null \
    | while read -r name whose path; do
      [ "${#name}" != 64 ] || MS='' journal run says "$whose" "its image says VOLUME at $path, and no volume has a name there: each release begins with a new one. To keep what is written there: volumes: [\"$LW_APP-$LW_ENVIRONMENT-$whose-${path##*/}:$path\"]"
    done
}

# Whether an engine was started after this program.
has_new_engine() {
  cat "/proc/$$/stat" /proc/[0-9]*/stat 2> /dev/null | awk '
    NR == 1 { sub(/.*\) /, ""); own = $20; next }
    / \(dockerd\) / { sub(/.*\) /, ""); if ($20 > own) found = 1 }
    END { exit !found }'
}
