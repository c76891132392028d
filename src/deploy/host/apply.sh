# The apply program: performs one release on this host, step by step, and undoes what it did when a step fails.
#
# It runs detached from the connection that brought it. The client appends a list of calls to the functions below
# (deploy/plan.ts decides it), between `begin` and `finish`. Everything that a later attempt must undo is written to
# $LW_DIR/undo before it is done, so that a program that was killed can be cleaned up after.
#
# Set by the client: LW_APP LW_ENVIRONMENT LW_RELEASE LW_ATTEMPT LW_SLOT LW_ROOT LW_HOME LW_KEEP LW_BY
set -u
umask 022
LW_DIR="$LW_HOME/releases/$LW_RELEASE"
step_started=0

# ---- steps

start_step() {
  step_started=$(uptime_cs)
  MS='' journal "$1" start "${2:-}"
}

end_step() { # STEP [STATE [SERVICE [NOTE]]]
  MS=$((($(uptime_cs) - step_started) * 10)) journal "$1" "${2:-done}" "${3:-}" "${4:-}"
}

# Ends the attempt. STATE is done, failed (nothing was changed), undone (the old version serves) or broken (act now).
end() {
  rm -rf "$LW_DIR/login" "$LW_DIR/docker-config"
  MS='' journal end "$1" '' "${2:-}"
  exit 0
}

# fail STEP SERVICE NOTE: says why, undoes, ends.
fail() {
  end_step "$1" failed "$2" "$3"
  undo_attempt "$LW_DIR" && end "${undone:-failed}" "$3"
  end broken "$3"
}

# ---- undo

will_undo() { # KIND CONTAINER
  printf '%s %s\n' "$1" "$2" >> "$LW_DIR/undo"
}

# Undoes an attempt, last first. Each line may find its work done already.
undo_attempt() { # RELEASE_DIR
  [ -s "$1/undo" ] || return 0
  start_step undo
  failed=''
  awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' "$1/undo" > "$1/undo.reversed"
  while read -r kind container; do
    case $kind in
      remove) docker rm --force "$container" > /dev/null 2>&1 || [ -z "$(docker ps -aq --filter "name=^$container\$")" ] ;;
      start) docker start "$container" > /dev/null && docker update --restart unless-stopped "$container" > /dev/null ;;
      *) false ;;
    esac || failed="$failed $kind $container"
  done < "$1/undo.reversed"
  rm -f "$1/undo.reversed"
  undone=undone
  if [ -n "$failed" ]; then
    end_step undo broken '' "could not undo:$failed"
    return 1
  fi
  rm -f "$1/undo"
  end_step undo
}

# ---- the calls

# Takes the lock of this application and environment. The kernel drops it when this program ends, however it ends.
begin() {
  start_step lock
  exec 9> "$LW_HOME/lock"
  # Looking whether it is held holds it for a moment (observe.sh): the second try is for that.
  if ! flock -n 9 && ! { sleep 1 && flock -n 9; }; then
    end_step lock failed '' "held by $(cat "$LW_HOME/lock.holder" 2> /dev/null || echo somebody)"
    end failed locked
  fi
  printf '%s, release %s, since %s\n' "$LW_BY" "$LW_RELEASE" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" > "$LW_HOME/lock.holder"
  end_step lock
}

# expect RELEASE: the plan was made while this one was current (empty: none was).
expect() {
  current=$(cat "$LW_HOME/current" 2> /dev/null)
  [ "$current" = "$1" ] && return
  start_step lock
  fail lock '' "${current:-nothing} runs here now, ${1:-nothing} did when this deploy was planned: somebody deployed in between. Run it again."
}

# An attempt that was killed left its undo list: its work is undone before anything new begins.
recover() {
  for list in "$LW_HOME"/releases/*/undo; do
    [ -e "$list" ] || continue
    start_step recover
    if ! undo_attempt "${list%/undo}"; then
      end_step recover failed '' "an earlier deploy was interrupted, and could not be undone"
      end broken "an earlier deploy was interrupted, and could not be undone"
    fi
    unset undone
    end_step recover 'done' '' "undid the interrupted release $(basename "${list%/undo}")"
  done
}

# login HOST USER: the password waits in a file that only this attempt reads, and goes on standard input.
login() {
  DOCKER_CONFIG="$LW_DIR/docker-config"
  export DOCKER_CONFIG
  if ! said=$(docker login --username "$2" --password-stdin "$1" < "$LW_DIR/login" 2>&1); then
    start_step pull
    fail pull '' "login to $1 failed: $said"
  fi
}

pull() { # REFERENCE
  start_step pull
  if docker image inspect "$1" > /dev/null 2>&1; then
    end_step pull skipped '' "$1 is there already"
  elif said=$(docker pull --quiet "$1" 2>&1); then
    end_step pull 'done' '' "$1"
  else
    fail pull '' "$said"
  fi
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
  will_undo start "$2"
  docker update --restart always "$2" > /dev/null 2>&1
  down_since=$(uptime_cs)
  said=$(docker stop --time "$3" "$2" 2>&1) || fail stop "$1" "$said"
  end_step stop 'done' "$1" "$2"
}

# run SERVICE CONTAINER DOCKER-RUN-ARGUMENTS…: values of secrets come from a file, by way of docker's environment.
run() {
  service=$1 container=$2
  shift 2
  start_step run "$service"
  will_undo remove "$container"
  # The same release again finds the container of its earlier attempt.
  docker rm --force "$container" > /dev/null 2>&1
  if said=$(
    # shellcheck disable=SC1091 # written by launch.sh, from the step's secrets
    [ ! -e "$LW_DIR/secrets" ] || . "$LW_DIR/secrets"
    docker run --detach --restart no --name "$container" "$@" 2>&1 9>&-
  ); then
    end_step run 'done' "$service" "$container"
  else
    fail run "$service" "$said"
  fi
}

# join SERVICE NETWORK CONTAINER: engines before 25 take one network on their command line.
join() {
  docker network connect "$2" "$3" 2> /dev/null && return
  start_step run "$1"
  fail run "$1" "$3 could not join the network $2"
}

# evidence CONTAINER: why it ended, and its last lines.
evidence() {
  docker inspect --format 'state {{.State.Status}}, exit code {{.State.ExitCode}}{{if .State.OOMKilled}}, out of memory{{end}}{{if .State.Error}}, {{.State.Error}}{{end}}' "$1" 2>&1
  docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}health check (exit {{.ExitCode}}): {{.Output}}{{end}}{{end}}' "$1" 2> /dev/null | tail -n 5
  docker logs --tail 40 "$1" 2>&1
}

probe() { # URL HOST-HEADER: prints the status
  if command -v curl > /dev/null 2>&1; then
    curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' ${2:+--header "Host: $2"} "$1" 2> /dev/null
  else
    wget -S -q -T 5 -O /dev/null ${2:+--header "Host: $2"} "$1" 2>&1 | awk '$1 ~ /^HTTP\// { status = $2 } END { printf "%s", status }'
  fi
}

is_well() { # STATUS WANTED
  case $1 in
    '') return 1 ;;
    "$2") return 0 ;;
    2??) [ -z "$2" ] ;;
    *) return 1 ;;
  esac
}

# watch SERVICE CONTAINER KIND TIMEOUT_CS SETTLE_CS INTERVAL_S [URL [STATUS [HOST]]]: returns once the container has
# been well for the settle time; fails at once when it ends.
watch() {
  start_step healthy "$1"
  deadline=$(($(uptime_cs) + $4)) well_since='' answer=''
  while :; do
    state=$(docker inspect --format '{{.State.Status}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "$2" 2>&1)
    case $state in
      'running 0 unhealthy') fail healthy "$1" "the health check failed
$(evidence "$2")" ;;
      'running 0 '*) ;;
      *) fail healthy "$1" "the container ended
$(evidence "$2")" ;;
    esac
    well=''
    if [ "$3" = http ]; then
      answer=$(probe "$7" "${9:-}")
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
    sleep "$6"
  done
  end_step healthy 'done' "$1" "${7:-container} ${answer:-$state}"
}

# switched SERVICE: the time since its old container was halted, in which nobody served.
switched() {
  MS=$((($(uptime_cs) - down_since) * 10)) journal switch 'done' "$1" 'stopped first: the port is fixed'
}

# retire SERVICE CONTAINER SECONDS: an old container that nothing needs any more, kept for a rollback.
retire() {
  start_step stop "$1"
  docker update --restart no "$2" > /dev/null 2>&1
  if said=$(docker stop --time "$3" "$2" 2>&1); then
    end_step stop 'done' "$1" "$2"
  else
    end_step stop failed "$1" "$said"
  fi
}

# keep CONTAINER: from now on a reboot brings this one back.
keep() {
  docker update --restart unless-stopped "$1" > /dev/null || fail record '' "the restart policy of $1 could not be set"
}

# The point of no return: one rename makes the new release the current one.
record() {
  start_step record
  was=$(cat "$LW_HOME/current" 2> /dev/null)
  [ -z "$was" ] || [ "$was" = "$LW_RELEASE" ] || write previous "$was"
  write current "$LW_RELEASE"
  rm -f "$LW_DIR/undo"
  end_step record
}

# A reader sees the old content or the new one, never half of it.
write() { # FILE TEXT
  printf '%s\n' "$2" > "$LW_HOME/$1.new" && mv -f "$LW_HOME/$1.new" "$LW_HOME/$1" || fail record '' "$LW_HOME/$1 could not be written"
}

# Removes what is older than the releases that are kept; never the current and the previous one.
prune() {
  current=$(cat "$LW_HOME/current" 2> /dev/null) previous=$(cat "$LW_HOME/previous" 2> /dev/null) seen=0
  for dir in $(ls -1d "$LW_HOME"/releases/*/ | sort -r); do
    id=$(basename "$dir")
    seen=$((seen + 1))
    [ "$seen" -gt "$LW_KEEP" ] && [ "$id" != "$current" ] && [ "$id" != "$previous" ] || continue
    for container in $(docker ps -aq --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" --filter "label=launchway.release=$id"); do
      docker rm --force "$container" > /dev/null 2>&1
    done
    # An image that another container or tag still needs is refused by the engine, and stays.
    while read -r reference; do
      grep -Fqx -- "$reference" "$LW_HOME/releases/$current/images" "$LW_HOME/releases/$previous/images" 2> /dev/null \
        || docker image rm "$reference" > /dev/null 2>&1
    done < "$dir/images"
    rm -rf "$dir"
  done
}

finish() {
  prune
  end 'done'
}
