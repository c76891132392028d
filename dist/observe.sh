# Looks at a host and changes nothing: one line a fact, `name<TAB>value…`. Runs as the user who logs in; what that
# user may not see is asked through sudo, where sudo needs no password.
# Set by the client: LW_APP LW_ENVIRONMENT LW_ROOT LW_HOME LW_WANTED (ports, separated by blanks)
set -u
LC_ALL=C
export LC_ALL
tab=$(printf '\t')

fact() {
  name=$1
  shift
  printf '%s' "$name"
  for value; do printf '\t%s' "$value"; done
  echo
}

as=''
fact uid "$(id -u)"
for tool in docker flock setsid curl wget nginx sudo awk; do
  command -v "$tool" > /dev/null 2>&1 && fact tool "$tool"
done
if sudo -n true 2> /dev/null; then fact sudo yes; fi

engine=$(docker version --format '{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}' 2>&1) && fact docker direct
writable() { # the nearest folder that is there
  folder=$1
  while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
  [ -w "$folder" ]
}
if writable "$LW_HOME"; then fact state direct; fi
if ! { docker version > /dev/null 2>&1 && writable "$LW_HOME"; } && sudo -n true 2> /dev/null; then
  as='sudo -n'
  engine=$(sudo -n docker version --format '{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}' 2>&1) || true
fi
fact engine "$(printf '%s' "$engine" | tail -n 1)"

for file in current previous lock.holder; do
  # shellcheck disable=SC2086 # $as is empty or two words
  content=$($as cat "$LW_HOME/$file" 2> /dev/null) && fact "$file" "$content"
done
# The holder's note outlives the lock: only the lock itself tells whether somebody deploys right now. One that a
# program which was killed has left to its last call of docker ends by itself: `begin` waits for that.
# shellcheck disable=SC2086
if $as test -r "$LW_HOME/lock"; then
  $as flock -n "$LW_HOME/lock" sh -c : 2> /dev/null
  held=$?
  holder=$($as cat "$LW_HOME/lock.pid" 2> /dev/null)
  if [ "$held" = 1 ] && { [ -z "$holder" ] || [ -e "/proc/$holder" ]; }; then fact locked yes; fi
fi

# shellcheck disable=SC2086
$as docker ps --all --no-trunc --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
  --format "container${tab}{{.Names}}${tab}{{.Label \"launchway.service\"}}${tab}{{.Label \"launchway.release\"}}${tab}{{.Label \"launchway.slot\"}}${tab}{{.State}}${tab}{{.Status}}" 2> /dev/null

# Who holds the ports that the release wants: /proc/net/tcp has them in hexadecimal, state 0A being LISTEN.
for port in $LW_WANTED; do
  hex=$(printf '%04X' "$port")
  if cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | awk -v port="$hex" '$4 == "0A" { split($2, at, ":"); if (at[2] == port) found = 1 } END { exit !found }'; then
    # shellcheck disable=SC2086
    fact busy "$port" "$($as docker ps --filter "publish=$port" --format '{{.Names}}' 2> /dev/null | sed q)"
  fi
done

# shellcheck disable=SC2086
root=$($as docker info --format '{{.DockerRootDir}}' 2> /dev/null)
fact free "$(df -Pk "${root:-/}" 2> /dev/null | awk 'NR == 2 { print $4 }')"
fact seen yes
