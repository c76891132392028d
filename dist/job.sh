# Starts the container of a scheduled command, and waits for its end: job.sh APP.ENVIRONMENT SERVICE, as a line of a
# crontab has it. What the command says is in `docker logs`; what this program has to say cron sends by mail, if it can.
#
# Set above, where this was written on the host (cron.sh): PATH, docker's own variables, LW_APP LW_ENVIRONMENT LW_HOME
set -u
LC_ALL=C
export LC_ALL
service=$2
# A line that stands in the crontab of an account which deployed before does nothing.
[ "$(id -un)" = "$(cat "$LW_HOME/cron.of" 2> /dev/null)" ] || exit 0

give_up() {
  echo "launchway: $service of $LW_APP.$LW_ENVIRONMENT $1" >&2
  exit 1
}

# One at a time: who looks what runs must not be overtaken. A deploy waits for it before it stops what is old.
exec 9>> "$LW_HOME/jobs.$service.lock"
tries=0
until flock -n 9; do
  tries=$((tries + 1))
  [ "$tries" -le 60 ] || give_up "was not started: $LW_HOME/jobs.$service.lock has been held for a minute"
  sleep 1
done
# A first deploy that is not recorded yet.
current=$(cat "$LW_HOME/current" 2> /dev/null) || exit 0
if ! found=$(docker ps --all --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
  --filter "label=launchway.service=$service" --format '{{.Names}} {{.State}} {{.Label "launchway.release"}} {{.Label "launchway.cron"}}' 2>&1); then
  give_up "was not started: $found"
fi
container=''
while read -r name state release times; do
  # Whichever release it is of: two never run at once.
  case $state in running | restarting | paused) exit 0 ;; esac
  if [ "$release" = "$current" ] && [ -n "$times" ]; then container=$name; fi
done << END
$found
END
# Somebody has removed it: it is made again as the deploy has made it (cron.sh).
kept=$LW_HOME/releases/$current docker=$(command -v docker)
# created DOCKER-CREATE-ARGUMENTS…: all of them are words before the secrets are read.
created() (
  set -- "$docker" create "$@"
  # shellcheck disable=SC2034 # read by the secrets
  LW_SERVICE=$service
  # shellcheck disable=SC1091 # written by launch.sh
  [ ! -e "$kept/secrets" ] || . "$kept/secrets"
  "$@"
)
if [ -z "$container" ] && [ -e "$kept/job.$service" ]; then
  container=$LW_APP.$LW_ENVIRONMENT.$service.$current
  # shellcheck disable=SC1090 # calls of `created` and of docker
  if ! said=$( (. "$kept/job.$service") 2>&1); then
    docker rm --force "$container" > /dev/null 2>&1
    give_up "has no container any more, and none could be made: $said"
  fi
fi
[ -n "$container" ] || give_up "was not started: release $current has no container for it"
said=$(docker start "$container" 2>&1) || give_up "could not be started: $said"
exec 9>&-
code=$(docker wait "$container" 2> /dev/null)
[ "${code:-unknown}" = 0 ] || give_up "ended with exit code ${code:-unknown}; what it said: docker logs $container"
