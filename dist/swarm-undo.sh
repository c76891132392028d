# How a stack goes back to what ran before an attempt. Needs swarm.sh.
# Every service that this attempt has changed returns to what it was before it, and one that it has made goes. What Swarm remembers
# of a service is what it was before the last change: where that is not what ran before, the stack of the release before is
# deployed again, if it came along.
undo_attempt() {
  start_step undo
  await_engine
  again=''
  after=$(stack_services '{{.Spec.Name}}|{{index .Spec.Labels "launchway.release"}}|{{if .PreviousSpec}}{{index .PreviousSpec.Labels "launchway.release"}}{{else}}none{{end}}|{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}|{{with .Spec.TaskTemplate.RestartPolicy}}{{.Condition}}{{end}}') || {
    end_step undo broken '' "$after"
    return 1
  }
  printf '%s\n' "$after" > "$LW_TRY/after"
  while IFS='|' read -r name release previous state condition; do
    [ -n "$name" ] || continue
    # What runs once has run, or is begun anew.
    if [ "$condition" = none ] || ! awk -v name="$name" '$1 == name { found = 1 } END { exit !found }' "$LW_TRY/before"; then
      docker service rm "$name" > /dev/null 2>&1
      continue
    fi
    case $state in rollback_started | rollback_completed) continue ;; esac
    [ "$release" = "$LW_RELEASE" ] || continue
    if [ "$previous" != "$LW_CURRENT" ] || ! docker service rollback --detach "$name" > /dev/null 2>&1; then again=yes; fi
  done < "$LW_TRY/after"
  if [ -n "$again" ]; then
    if [ ! -e "$LW_TRY/swarm.previous" ] || ! said=$(docker_stack "$LW_TRY/swarm.previous"); then
      end_step undo broken '' "the stack before is not known here: ${said:-its variables were not given}"
      return 1
    fi
  fi
  wait_undone || return 1
  # Of a first deploy nothing stays but its volumes.
  if [ ! -s "$LW_TRY/before" ]; then
    for network in $(docker network ls --quiet --filter "label=com.docker.stack.namespace=$LW_STACK"); do docker network rm "$network" > /dev/null 2>&1; done
  fi
  end_step undo
}

wait_undone() {
  deadline=$(($(uptime_cs) + 12000)) well_since=''
  while :; do
    if states=$(stack_services '{{.Spec.Name}} {{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' 2> /dev/null) && counts=$(stack_counts 2> /dev/null); then
      open=$(printf '%s\n' "$states" | awk '$2 ~ /^(rollback_paused|rollback_started|updating|paused)$/ { print $1 " " $2 }')
      counts=$(printf '%s\n' "$counts" | awk '{ split($2, of, "/"); if (of[1] != of[2]) print $1 " " $2 }')
    else
      open='the engine does not answer' counts=''
    fi
    if [ -z "$open$counts" ]; then
      [ -n "$well_since" ] || well_since=$(uptime_cs)
      [ $(($(uptime_cs) - well_since)) -lt 100 ] || return 0
    else
      well_since=''
    fi
    if [ "$(uptime_cs)" -ge "$deadline" ]; then
      end_step undo broken '' "not all services are back: $open $counts"
      return 1
    fi
    nap 50
  done
}

