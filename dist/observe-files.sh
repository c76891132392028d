# What a host has of repositories, and of what others must have made there.
# Set by the client: LW_HOME, LW_PATHS (a line for each path that others must have made), LW_NETWORKS and LW_VOLUMES (yes where
# some of those must be there). Needs `ask`, `as` and `see` of observe.sh.
# shellcheck disable=SC2154 # facts.sh, observe.sh

look_at_files() {
  # What it has of repositories, by hash.
  # shellcheck disable=SC2086 # words
  for stored in $($as ls "$LW_HOME/files" 2> /dev/null); do fact stored "$stored"; done

  # What others must have made. A folder that this account may not look into tells nothing.
  printf '%s\n' "$LW_PATHS" | while IFS= read -r path; do
    if [ -z "$path" ] || [ -e "$path" ]; then continue; fi
    if [ -n "$see" ]; then
      sudo -n test -e "$path" || fact missing "$path"
      continue
    fi
    above=$path
    while [ ! -e "$above" ]; do above=$(dirname "$above"); done
    [ ! -x "$above" ] || fact missing "$path"
  done
  [ -z "$LW_NETWORKS" ] || ask network ls --format "network${tab}{{.Name}}"
  [ -z "$LW_VOLUMES" ] || ask volume ls --format "volume${tab}{{.Name}}"
}
