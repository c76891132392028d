
# What is done to the release that runs: stop, start, remove, prune. Appended to the functions of a release, so that
# the lock, the journal and the undo list are the same.

# cease SERVICE CONTAINER SECONDS POLICY: stays stopped, also over a reboot; the next deploy starts the service again.
cease() {
  start_step stop "$1"
  docker update --restart no "$2" > /dev/null 2>&1
  if stop_in "$3" "$2" "$1"; then
    end_step stop 'done' "$1" "$2"
  else
    docker update --restart "$4" "$2" > /dev/null 2>&1
    fail stop "$1" "$said"
  fi
}

# discard SERVICE CONTAINER SECONDS: for good, as all containers of the service. Its volumes stay, those without a name as well.
discard() {
  start_step remove "$1"
  volumes=$(docker inspect --format '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}' "$2" 2> /dev/null)
  docker update --restart no "$2" > /dev/null 2>&1
  docker stop -t "$3" "$2" > /dev/null 2>&1
  rm -rf "${LW_HOME:?}/assets/$1"
  if said=$(docker rm --force "$2" 2>&1) || is_gone "$2"; then
    end_step remove 'done' "$1" "$2
$volumes"
  else
    fail remove "$1" "$said"
  fi
}

# forget_all: what is kept of this environment: images, networks and files. The journal stays, and who has locked it.
forget_all() {
  start_step remove
  for list in "$LW_HOME"/releases/*/images; do
    [ -e "$list" ] || continue
    mv -f "$list" "$list.gone"
    while read -r reference; do
      is_needed "$reference" || forget_image "$reference"
    done < "$list.gone"
  done
  for network in $(docker network ls --quiet --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT"); do
    docker network rm "$network" > /dev/null 2>&1
  done
  # Last what says that something runs: until then it can be removed once more.
  rm -rf "$LW_HOME/current" "$LW_HOME/previous" "$LW_HOME/releases" "$LW_HOME/order" "$LW_HOME/owner" "$LW_HOME/ports" "$LW_HOME/waits" "$LW_HOME/maintenance" \
    "$LW_HOME/nginx.container" "$LW_HOME/assets" "$LW_HOME/job.sh" "$LW_HOME/cron.of" "$LW_HOME"/jobs.*.lock "$LW_HOME"/slot.?
  # What accessories mount goes with them.
  prune_files
  end_step remove 'done' '' 'what was kept here'
}

there() { # REPOSITORY…: containers and images of this environment
  own_containers 'container {{.Names}}' --all
  for repository; do
    docker image ls --digests --no-trunc --format 'image {{.Repository}}@{{.Digest}}' "$repository" < /dev/null
  done | grep '@sha256:'
}

free_kb() {
  df -Pk "$(docker info --format '{{.DockerRootDir}}' 2> /dev/null)" 2> /dev/null | awk 'NR == 2 { print $4 }'
}

# tidy REPOSITORY…: what no kept release needs any more. The engine refuses to remove what a container still uses.
tidy() {
  start_step prune
  free_before=$(free_kb) before=$(there "$@")
  prune
  own_containers '{{.Names}} {{.Label "launchway.release"}}' --all | while read -r container release; do
    [ -e "$LW_HOME/releases/$release" ] || docker rm --force "$container" > /dev/null 2>&1 < /dev/null
  done
  there "$@" | while read -r kind reference; do
    [ "$kind" = image ] || continue
    is_needed "$reference" || forget_image "$reference"
  done
  after=$(there "$@") free_after=$(free_kb)
  gone=$(printf '%s\n' "$before" | while IFS= read -r one; do
    printf '%s\n' "$after" | grep -Fqx -- "$one" || printf '%s\n' "$one"
  done)
  end_step prune 'done' '' "freed $((${free_after:-0} - ${free_before:-0}))
$gone"
}

finished() {
  end 'done'
}
