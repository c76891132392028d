# What a host keeps no longer: releases that are too old, and what they alone have needed.

# Removes what is older than the releases that are kept, and what never came to be recorded; never the current and the
# previous one. The shell sorts the folders by name, which is by time.
prune() {
  current=$(cat "$LW_HOME/current" 2> /dev/null) previous=$(cat "$LW_HOME/previous" 2> /dev/null) left=0
  for dir in "$LW_HOME"/releases/*/; do
    [ ! -e "$dir/recorded" ] || left=$((left + 1))
  done
  for dir in "$LW_HOME"/releases/*/; do
    dir=${dir%/}
    id=${dir##*/}
    [ "$id" != "$current" ] && [ "$id" != "$previous" ] || continue
    if [ -e "$dir/recorded" ]; then
      [ "$left" -gt "$LW_KEEP" ] || continue
      left=$((left - 1))
    fi
    own_containers '{{.ID}}' --all --filter "label=launchway.release=$id" | while read -r container; do
      docker rm --force "$container" > /dev/null 2>&1
    done
    # While the engine does not answer nothing is gone: without its folder nobody would ever look for it.
    still=$(own_containers '{{.ID}}' --all --filter "label=launchway.release=$id" 2> /dev/null) && [ -z "$still" ] || continue
    [ ! -e "$dir/images" ] || forget_images "$dir" < "$dir/images"
    rm -rf "$dir"
  done
  prune_assets
}

# What a release that stays has pulled stays too, of whichever application: its container may have been removed by hand,
# and of an image with a second name the engine lets the first go although a container was made by it.
forget_images() { # RELEASE_DIR
  while read -r reference; do
    is_needed "$reference" "$1" || docker image rm "$reference" > /dev/null 2>&1 < /dev/null
  done
}

# is_needed REFERENCE [RELEASE_DIR]: by a release that is kept on this host, of any application, other than this one; or
# by one on its way. By the digest alone: docker shows the names of Docker Hub shorter than they are written.
is_needed() {
  for list in "$LW_ROOT"/*/*/releases/*/images "$LW_ROOT"/*/*/attempts/*/images; do
    [ "$list" != "${2:-}/images" ] && grep -Fq -- "@${1##*@}" "$list" 2> /dev/null && return
  done
  return 1
}
