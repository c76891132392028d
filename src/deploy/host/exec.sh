# Runs a command in the container of a service, or in a new one beside it. Input, output and exit code are those of the
# command; what this program itself has to say is the first line of the error stream that begins with LW_MARK.
# Needs members.sh. Set by the client: LW_APP LW_ENVIRONMENT LW_HOME LW_SERVICE LW_MARK LW_INPUT (yes: standard input is passed on) LW_TTY
say() {
  printf '%s\t%s\t%s\n' "$LW_MARK" "$1" "$2" >&2
}

# within COMMAND…: in the running container of the service, or of the accessory of that name.
within() {
  release=$(cat "$LW_HOME/current" 2> /dev/null)
  if ! found=$(docker ps --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
    --filter label=launchway.release --format '{{.Names}} {{.Label "launchway.release"}} {{.Label "launchway.service"}}' 2>&1); then
    say unfit "$found"
    exit 1
  fi
  found=$(printf '%s\n' "$found" | members_of "$release")
  # As text: to awk 1e1 and 10 are one number, and nan is none.
  container=$(printf '%s\n' "$found" | awk -v service="$LW_SERVICE" '$3 "" == service { print $1; exit }')
  if [ -z "$container" ] && [ -n "$(docker ps --all --format '{{.Label "launchway.cron"}}' --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
    --filter "label=launchway.release=$release" --filter "label=launchway.service=$LW_SERVICE")" ]; then
    say asleep "$LW_SERVICE"
    exit 1
  fi
  [ -n "$container" ] || container=$(accessory_named "$LW_SERVICE" --filter status=running)
  if [ -z "$container" ]; then
    say absent "$(printf '%s\n' "$found" | awk '{ printf "%s ", $3 }')"
    exit 1
  fi
  say begun "$container"
  if [ -n "$LW_INPUT" ]; then exec docker exec --interactive ${LW_TTY:+--tty} "$container" "$@"; fi
  exec docker exec "$container" "$@" < /dev/null
}

# anew CONTAINER SECRETS NETWORKS DOCKER-CREATE-ARGUMENTS…: in a new one, which goes with the command or the connection.
# NETWORKS are those beyond the first, separated by blanks: engines before 25 take one network on their command line.
anew() {
  container=$1 secrets=$2 networks=$3
  shift 3
  set -- "$(command -v docker)" create --name "$container" ${LW_INPUT:+--interactive} ${LW_TTY:+--tty} "$@"
  if ! said=$(
    # shellcheck disable=SC1090 # written by launch.sh, from the secrets of the step that deployed
    [ ! -e "$secrets" ] || . "$secrets"
    "$@" 2>&1 < /dev/null
  ); then
    say unfit "$said"
    exit 1
  fi
  remove="docker rm --force --volumes $container"
  # shellcheck disable=SC2064,SC2086 # expanded now; words
  trap "$remove > /dev/null 2>&1" EXIT
  trap '' HUP PIPE
  # shellcheck disable=SC2086 # words
  while_connected $remove
  for network in $networks; do
    if ! said=$(docker network connect "$network" "$container" 2>&1); then
      say unfit "$said"
      kill "${watcher:-}"
      exit 1
    fi
  done
  say begun "$container"
  if [ -n "$LW_INPUT" ]; then
    docker start --attach --interactive "$container"
  else
    docker start --attach "$container" < /dev/null
  fi
  code=$?
  kill "${watcher:-}"
  exit "$code"
}
