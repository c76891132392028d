# The apply program: performs one release on this host, step by step, and undoes what it did when a step fails.
#
# It runs detached from the connection that brought it. The client appends a list of calls to the functions below and
# in state.sh (deploy/plan.ts decides it), between `begin` and `finish`. Everything that a later attempt must undo is
# written down before it is done, so that a program that was killed can be cleaned up after.
#
# Set by the client: LW_APP LW_ENVIRONMENT LW_RELEASE LW_ATTEMPT LW_SLOT LW_ROOT LW_HOME LW_KEEP LW_BY
docker=$(command -v docker)

# pull REFERENCE [LOGINS]: with LOGINS by the logins that came along, which stand in a docker configuration of this
# attempt alone: `docker login` would hand them to the host's credential helper, which keeps them. The engine stays the
# one that the user's own configuration names.
pull() {
  start_step pull
  if docker image inspect "$1" > /dev/null 2>&1; then
    end_step pull skipped '' "$1 is there already"
  elif said=$(exec 9>&- && ${2:+with_logins} docker pull --quiet "$1" 2>&1); then
    end_step pull 'done' '' "$1"
  else
    fail pull '' "$said"
  fi
}

with_logins() {
  : "${DOCKER_HOST:=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2> /dev/null)}"
  DOCKER_CONFIG=$LW_TRY
  export DOCKER_CONFIG
  [ -z "$DOCKER_HOST" ] || export DOCKER_HOST
  "$@"
}

forget_logins() {
  rm -f "$LW_TRY/config.json"
}

network() { # NAME
  docker network inspect "$1" > /dev/null 2>&1 && return
  start_step run
  said=$(docker network create --label "launchway.app=$LW_APP" --label "launchway.environment=$LW_ENVIRONMENT" "$1" 2>&1) || fail run '' "$said"
}

# halt SERVICE CONTAINER SECONDS: stops a container whose place the new one needs. Until the release is recorded a
# reboot brings the old one back: its policy is `always`, that of the new one `no`.
halt() {
  start_step stop "$1"
  will_undo start "$2" stop "$1"
  docker update --restart always "$2" > /dev/null 2>&1
  : "${down_since:=$(uptime_cs)}"
  said=$(docker stop -t "$3" "$2" 2>&1) || fail stop "$1" "$said"
  end_step stop 'done' "$1" "$2"
}

# run SERVICE CONTAINER DOCKER-RUN-ARGUMENTS…: values of secrets come from a file, by way of docker's environment.
run() {
  service=$1 container=$2
  shift 2
  start_step run "$service"
  will_undo remove "$container" run "$service"
  # The same release again finds the container of its earlier attempt.
  docker rm --force "$container" > /dev/null 2>&1
  # Everything is a word of the command line before the secrets are read: none can take the place of a variable.
  set -- "$docker" run --detach --restart no --name "$container" "$@"
  if said=$(
    # shellcheck disable=SC1091 # written by launch.sh, from the step's secrets
    [ ! -e "$LW_DIR/secrets" ] || . "$LW_DIR/secrets"
    "$@" 2>&1
  ); then
    end_step run 'done' "$service" "$container"
  else
    fail run "$service" "$said"
  fi
}

# wake SERVICE CONTAINER: starts one that was kept, with everything it was made with.
wake() {
  start_step run "$1"
  will_undo stop "$2" run "$1"
  said=$(docker start "$2" 2>&1) || fail run "$1" "$said"
  end_step run 'done' "$1" "$2"
}

# join SERVICE NETWORK CONTAINER: engines before 25 take one network on their command line.
join() {
  said=$(docker network connect "$2" "$3" 2>&1) && return
  start_step run "$1"
  fail run "$1" "$3 could not join the network $2: $said"
}

# evidence CONTAINER: why it ended, and its last lines.
evidence() {
  docker inspect --format 'state {{.State.Status}}{{if not .State.Running}}, exit code {{.State.ExitCode}}{{end}}{{if .State.OOMKilled}}, out of memory{{end}}{{if .State.Error}}, {{.State.Error}}{{end}}' "$1" 2>&1
  docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}health check (exit {{.ExitCode}}): {{println .Output}}{{end}}{{end}}' "$1" 2> /dev/null \
    | sed '/^$/d' | tail -n 5
  docker logs --tail 40 "$1" 2>&1 | tail -c 6000
}

# probe URL HOST-HEADER PROTO: prints the status of the first answer, nothing when there is none. PROTO is what nginx will
# tell the application that it was asked by (curl alone says it: behind nginx there is one). The host's own settings for
# curl, and its proxies, are for the world outside.
probe() (
  exec 9>&-
  if command -v curl > /dev/null 2>&1; then
    curl -q --noproxy '*' --silent --output /dev/null --max-time 5 --write-out '%{http_code}' ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2> /dev/null | sed 's/^000$//'
  else
    unset http_proxy HTTP_PROXY
    # GNU wget tries 20 times by itself. That of busybox knows one try only, and 1.35 dies of -T.
    case $(wget --version 2>&1) in
      GNU*) wget='wget -t 1 -T 5' ;;
      *) wget="$(command -v timeout > /dev/null && echo 'timeout 5') wget" ;;
    esac
    # shellcheck disable=SC2086 # words
    $wget -S -q -O /dev/null ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2>&1 \
      | awk '!found && match($0, /HTTP\/[0-9.]+ [0-9][0-9][0-9]/) { found = 1; print substr($0, RSTART + RLENGTH - 3, 3) }'
  fi
)

is_well() { # STATUS WANTED
  case $1 in
    '') return 1 ;;
    "$2") return 0 ;;
    2??) [ -z "$2" ] ;;
    *) return 1 ;;
  esac
}

# watch SERVICE CONTAINER KIND TIMEOUT_CS SETTLE_CS INTERVAL_S [URL [STATUS [HOST [PROTO]]]]: returns once the
# container has been well for the settle time; fails at once when it ends.
watch() {
  start_step healthy "$1"
  deadline=$(($(uptime_cs) + $4)) well_since='' answer=''
  while :; do
    state=$(docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "$2" 2>&1)
    case $state in
      'running unhealthy') fail healthy "$1" "the health check failed
$(evidence "$2")" ;;
      'running '*) ;;
      *) fail healthy "$1" "the container ended
$(evidence "$2")" ;;
    esac
    well=''
    if [ "$3" = http ]; then
      answer=$(probe "$7" "${9:-}" "${10:-}")
      ! is_well "$answer" "${8:-}" || well=yes
    else
      case $state in *' none' | *' healthy') well=yes ;; esac
    fi
    now=$(uptime_cs)
    if [ -z "$well" ]; then
      well_since=''
    elif [ -z "$well_since" ]; then
      well_since=$now
    fi
    [ -z "$well_since" ] || [ $((now - well_since)) -lt "$5" ] || break
    if [ "$now" -ge "$deadline" ]; then
      fail healthy "$1" "not healthy after $(($4 / 100)) s${7:+; $7 answered ${answer:-nothing}}
$(evidence "$2")"
    fi
    sleep "$6" 9>&- 2> /dev/null || sleep 1 9>&-
  done
  end_step healthy 'done' "$1" "${7:-container} ${answer:-$state}"
}

# served SERVICE: again; the time since the first container was halted for it is that in which nobody did.
served() {
  MS=$((($(uptime_cs) - down_since) * 10)) journal downtime 'done' "$1" 'stopped first: the port is fixed'
  down_since=''
}

# retire SERVICE CONTAINER SECONDS: an old container that nothing needs any more, kept for a rollback.
retire() {
  start_step stop "$1"
  docker update --restart no "$2" > /dev/null 2>&1
  if said=$(docker stop -t "$3" "$2" 2>&1); then
    end_step stop 'done' "$1" "$2"
  else
    end_step stop failed "$1" "$said"
  fi
}

# keep CONTAINER: from now on a reboot brings this one back.
keep() {
  docker update --restart unless-stopped "$1" > /dev/null && return
  start_step record
  fail record '' "the restart policy of $1 could not be set"
}
