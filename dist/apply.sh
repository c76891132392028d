# The apply program: performs one release on this host, step by step, and undoes what it did when a step fails.
#
# It runs detached from the connection that brought it. The client appends a list of calls to the functions here and
# in the files beside it (deploy/plan.ts decides it), between `begin` and `finish`. Everything that a later attempt must undo is
# written down before it is done, so that a program that was killed can be cleaned up after.
#
# Set by the client: LW_APP LW_ENVIRONMENT LW_RELEASE LW_ATTEMPT LW_SLOT LW_ROOT LW_HOME LW_KEEP LW_BY

# pull REFERENCE [LOGINS [ANEW]]: what is there already is taken as it is, but for ANEW: a tag may have moved. With LOGINS by the logins that came along, which stand in a docker configuration of this
# attempt alone: `docker login` would hand them to the host's credential helper, which keeps them. The engine stays the
# one that the user's own configuration names.
pull() {
  start_step pull
  names=''
  if [ -z "${3:-}" ] && names=$(docker image inspect --format '{{join .RepoTags " "}}' "$1" 2> /dev/null); then
    end_step pull skipped '' "$1 is there already"
  elif fetch "$@" && said=$(docker image inspect "$1" 2>&1 > /dev/null || mend "$@" 2>&1); then
    end_step pull 'done' '' "$1"
  else
    fail pull '' "$1: $said"
  fi
  # What has no name but its digest, and no container, is what `docker system prune` removes.
  case " $names " in *" $(kept_as "$1") "*) return ;; esac
  ! grep -Fqxs -- "$1" "$LW_DIR/images" || docker image tag "$1" "$(kept_as "$1")" > /dev/null 2>&1 || :
}

# How long docker may say nothing of any layer. A registry that has taken the connection, and then is silent, is waited
# for by docker for ever, and with the lock by every later deploy.
stall=180000

# fetch REFERENCE [LOGINS]: docker tells each layer that has come; without a word it is ended. Why it failed is in `said`.
# shellcheck disable=SC2154 # engine.sh
fetch() {
  rm -f "$LW_TRY/pull.said"
  (exec 9>&- > "$LW_TRY/pull.told" 2>> "$LW_TRY/pull.said" && ${2:+with_logins} exec "$docker" pull "$1") &
  set -- "$!"
  (exec 9>&- && end_stalled "$1") > /dev/null 2>&1 &
  set -- "$1" "$!"
  wait "$1"
  set -- "$?" "$2"
  kill "$2" 2> /dev/null
  said=$(cat "$LW_TRY/pull.said" 2>&1)
  return "$1"
}

end_stalled() { # PID
  told='' since=$(uptime_cs)
  while kill -0 "$1"; do
    now=$(uptime_cs) last=$told told=$(cat "$LW_TRY/pull.told")
    [ "$told" = "$last" ] || since=$now
    if [ $((now - since)) -ge "$stall" ]; then
      echo "nothing has come for $((stall / 6000)) min: docker pull was ended" >> "$LW_TRY/pull.said"
      kill "$1"
      # docker hears of it, and tells its engine.
      nap 1000
      kill -9 "$1"
      return
    fi
    nap "$((stall > 1000 ? 1000 : stall))"
  done
}

# An engine that has lost a layer of an image pulls it without a word, since all of it is there already; nothing can be
# made of it. Only once it has forgotten the image does it get the layers.
mend() { # REFERENCE [LOGINS]
  id=$(docker image ls --all --digests --no-trunc --format '{{.Digest}} {{.ID}}' | awk -v digest="${1##*@}" '$1 == digest { print $2; exit }')
  [ -z "$id" ] || docker image rm --force "$id" > /dev/null
  if ! fetch "$@"; then
    echo "$said"
    return 1
  fi
  docker image inspect "$1" > /dev/null && return
  echo 'The engine has pulled this image, and cannot read it: it has lost some of what it keeps.'
  return 1
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

network() { # NAME [DOCKER-NETWORK-CREATE-ARGUMENTS…]
  has_made network "$@"
}

# What is there already is taken as it is.
volume() { # NAME [DOCKER-VOLUME-CREATE-ARGUMENTS…]
  has_made volume "$@"
}

has_made() { # KIND NAME ARGUMENTS…
  kind=$1 name=$2
  shift 2
  docker "$kind" inspect "$name" > /dev/null 2>&1 && return
  start_step create
  said=$(docker "$kind" create --label "launchway.app=$LW_APP" --label "launchway.environment=$LW_ENVIRONMENT" "$@" "$name" 2>&1) \
    || fail create '' "the $kind $name: $said"
}
