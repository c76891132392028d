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
  if [ -z "${3:-}" ] && docker image inspect "$1" > /dev/null 2>&1; then
    end_step pull skipped '' "$1 is there already"
  elif said=$(fetch "$@" 2>&1) && said=$(docker image inspect "$1" 2>&1 > /dev/null || mend "$@" 2>&1); then
    end_step pull 'done' '' "$1"
  else
    fail pull '' "$1: $said"
  fi
}

fetch() { # REFERENCE [LOGINS]
  (exec 9>&- && ${2:+with_logins} docker pull --quiet "$1")
}

# An engine that has lost a layer of an image pulls it without a word, since all of it is there already; nothing can be
# made of it. Only once it has forgotten the image does it get the layers.
mend() { # REFERENCE [LOGINS]
  id=$(docker image ls --all --digests --no-trunc --format '{{.Digest}} {{.ID}}' | awk -v digest="${1##*@}" '$1 == digest { print $2; exit }')
  [ -z "$id" ] || docker image rm --force "$id" > /dev/null
  fetch "$@" > /dev/null && docker image inspect "$1" > /dev/null && return
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
