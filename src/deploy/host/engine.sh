# Calls of docker that have an end: an engine that hangs must not keep the lock, and with it every later deploy, for good. What
# may take its time has none here: pull (apply.sh), copies, logs, other people's commands. A host without `timeout`, or
# with one of another syntax, has none at all.
docker=$(command -v docker) bound=$(command -v timeout)
timeout 5 sh -c : 2> /dev/null || bound=''

# Sets `call_limit`, in seconds; empty for what has none.
limit_of() { # DOCKER-ARGUMENTS…
  case "$1 ${2:-}" in
    'version '*) call_limit=20 ;;
    'stop -t') call_limit=$(($3 + 300)) ;;
    # In the container's own time.
    'stop '*) call_limit=3600 ;;
    'image rm' | 'create '* | 'start '* | 'update '* | 'rename '* | 'rm '* | 'network '* | 'volume '* | 'exec '*) call_limit=300 ;;
    'run '* | 'service '* | 'config '* | 'node '*) call_limit=300 ;;
    'ps '* | 'inspect '* | 'info '* | 'image '* | 'logs --tail') call_limit=60 ;;
    *) call_limit='' ;;
  esac
}

# Once a call was in vain the next ones wait less: undoing asks many things, one after the other.
docker() {
  limit_of "$@"
  if [ -z "$call_limit" ] || [ -z "$bound" ]; then
    "$docker" "$@"
    return
  fi
  # What ends a container takes the container's time.
  [ "$1" = stop ] || [ ! -e "$LW_TRY/deaf" ] || [ "$call_limit" -lt 20 ] || call_limit=20
  "$bound" "$call_limit" "$docker" "$@"
  set -- "$?" "$1"
  case $1 in
    124 | 137 | 143)
      { true > "$LW_TRY/deaf"; } 2> /dev/null
      echo "the engine does not answer: docker $2 was ended after $call_limit s" >&2
      ;;
    *) [ ! -e "$LW_TRY/deaf" ] || rm -f "$LW_TRY/deaf" ;;
  esac
  return "$1"
}

# look_at ARGUMENTS…: of `docker inspect`. What docker has to say beside an answer is none of it, and is told only where
# there is no answer.
look_at() {
  if seen=$(docker inspect "$@" 2> /dev/null); then printf '%s\n' "$seen"; else docker inspect "$@" 2>&1; fi
}
