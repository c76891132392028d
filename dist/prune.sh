# What a host keeps no longer: releases that are too old, and what they alone have needed.

# Removes what is older than the releases that are kept, and what never came to be recorded; never the current and the
# previous one. Of a release whose container one that stays has left
# running, that container stays, and its folder, which may be mounted in it: nobody returns to it, and all else of it goes.
prune() {
  current=$(cat "$LW_HOME/current" 2> /dev/null) previous=$(cat "$LW_HOME/previous" 2> /dev/null) left=0 going=''
  for dir in "$LW_HOME"/releases/*/; do
    [ ! -e "$dir/recorded" ] || left=$((left + 1))
  done
  for id in $(by_age); do
    dir=$LW_HOME/releases/$id
    [ "$id" != "$current" ] && [ "$id" != "$previous" ] || continue
    if [ -e "$dir/recorded" ]; then
      [ "$left" -gt "$LW_KEEP" ] || continue
      left=$((left - 1))
    fi
    going="$going $id"
  done
  carried=$(for dir in "$LW_HOME"/releases/*/; do
    dir=${dir%/}
    case "$going " in *" ${dir##*/} "*) ;; *) cat "$dir/carried" 2> /dev/null ;; esac
  done)
  for id in $going; do prune_release "$LW_HOME/releases/$id"; done
  put "$LW_HOME/order" "$(by_age)"
  prune_assets
  prune_files
}

by_age() {
  # shellcheck disable=SC2012 # the name of a release has no blank
  ls "$LW_HOME/releases" | in_order "$(cat "$LW_HOME/order" 2> /dev/null)"
}

prune_release() { # RELEASE_DIR
  # While the engine does not answer nothing is gone: without its folder nobody would ever look for it.
  there=$(own_containers '{{.Names}}' --all --filter "label=launchway.release=${1##*/}" 2> /dev/null) || return 0
  used=''
  for container in $there; do
    if is_carried "$container"; then
      used=yes
    else
      ran=$(grep -Fx -- "$container" "$1/once" 2> /dev/null)
      docker rm --force ${ran:+--volumes} "$container" > /dev/null 2>&1 || is_gone "$container" || return 0
    fi
  done
  [ ! -e "$1/images" ] || forget_images "$1" < "$1/images"
  if [ -z "$used" ]; then
    rm -rf "$1"
  else
    # First what makes it a release.
    rm -f "$1/recorded" "$1/release.json" "$1/images" "$1/secrets" "$1/carried" \
      "$1"/*.log "$1"/site.* "$1"/wrote.* "$1"/cron.* "$1"/job.* "$1/nginx.container"
  fi
}

# By a release that stays.
is_carried() { # CONTAINER
  printf '%s\n' "$carried" | awk -v name="$1" '$2 == name { found = 1 } END { exit !found }'
}

# What a release that stays has pulled stays too, of whichever application: its container may have been removed by hand,
# and of an image with a second name the engine lets the first go although a container was made by it.
forget_images() { # RELEASE_DIR
  while read -r reference; do
    is_needed "$reference" "$1" || forget_image "$reference"
  done
}

# kept_as REFERENCE: the name that an image has on this host for as long as a release needs it. No registry has it.
kept_as() {
  echo "launchway.invalid/kept:${1##*:}"
}

forget_image() { # REFERENCE
  docker image rm "$(kept_as "$1")" "$1" > /dev/null 2>&1 < /dev/null
}

# is_needed REFERENCE [RELEASE_DIR]: by a release that is kept on this host, of any application, other than this one; or
# by one on its way. By the digest alone: docker shows the names of Docker Hub shorter than they are written.
is_needed() {
  for list in "$LW_ROOT"/*/*/releases/*/images "$LW_ROOT"/*/*/attempts/*/images; do
    [ "$list" != "${2:-}/images" ] && grep -Fq -- "@${1##*@}" "$list" 2> /dev/null && return
  done
  return 1
}

# What programs that were killed had brought: a login may be among it.
forget_attempts() {
  waited=''
  for try in "$LW_HOME"/attempts/*/; do
    try=${try%/}
    [ "$try" != "$LW_TRY" ] && [ -d "$try" ] || continue
    # One that has just begun says in a moment whose it is; one that was killed just then never does.
    if [ ! -s "$try/pid" ] && [ -z "$waited" ]; then
      nap 100
      waited=yes
    fi
    is_alive "$try" || rm -rf "$try"
  done
}

# is_alive ATTEMPT-DIR: by what it has open, since its number may be another program's by now: the file with its number
# (launch.sh, receive.sh), or the lock that it waits for.
is_alive() {
  pid=$(cat "$1/pid" 2> /dev/null) && [ -n "$pid" ] || return
  kill -0 "$pid" 2> /dev/null && { [ "/proc/$pid/fd/5" -ef "$1/pid" ] || [ "/proc/$pid/fd/9" -ef "$LW_HOME/lock" ]; }
}
