# What the apply program does on a manager of a Swarm: it brings a stack to another version, waits until the cluster runs
# it, and has all of it go back when it does not. What runs, and what ran before, is kept in the cluster: the next deploy may
# come by way of another manager. `end` and `undo_attempt` stand in the place of those of a host.
#
# Set by the client: LW_STACK LW_CLUSTER_LOCK LW_CURRENT (the release that the cluster has recorded last)
# shellcheck disable=SC2034 # step_started is read by end_step

swarm_locked=''

end() {
  if [ -n "$swarm_locked" ] && [ "$(lock_label attempt)" = "$LW_ATTEMPT" ]; then docker config rm "$LW_CLUSTER_LOCK" > /dev/null 2>&1; fi
  rm -rf "$LW_TRY"
  rmdir "$LW_DIR" 2> /dev/null
  exec 9>&-
  MS='' journal end "$1" '' "${2:-}"
  exit 0
}

# swarm_expect RELEASE: the plan was made while this one was the newest that the cluster has recorded (empty: none).
swarm_expect() {
  stack_services '{{.Spec.Name}} {{index .Spec.Labels "launchway.content"}}' > "$LW_TRY/before" \
    || end failed 'the manager does not answer: nobody knows which services the stack has'
  newest=$(newest_release)
  [ "$newest" = "$1" ] && return
  step_started=$(uptime_cs)
  note="${newest:-nothing} runs here now, ${1:-nothing} did when this deploy was planned: somebody deployed in between. Run it again."
  end_step lock failed '' "$note"
  end failed "$note"
}

newest_release() {
  docker config ls --filter "label=launchway.kind=release" --filter "label=launchway.stack=$LW_STACK" --format '{{.Name}} {{.Label "launchway.release"}}' \
    | sort | tail -n 1 | { read -r _ release && echo "$release"; }
}

# ---- configs and secrets

# keep_object KIND NAME PARCEL BY: KIND is config or secret. One of the name has this content already. The parcel has a full stop at
# its end, which keeps what may be newlines before it.
keep_object() {
  docker "$1" inspect "$2" > /dev/null 2>&1 && return
  start_step create
  content=$(cat "$LW_TRY/$3")
  said=$(printf '%s' "${content%.}" | docker "$1" create --label "launchway.app=$LW_APP" --label "launchway.environment=$LW_ENVIRONMENT" --label "launchway.kind=$1" \
    --label "launchway.of=$4" "$2" - 2>&1) || swarm_fail create '' "the $1 $4: $said"
  rm -f "$LW_TRY/$3"
  end_step create 'done' '' "the $1 $4 as $2"
}

swarm_fail() {
  end_step "$1" failed "$2" "$3"
  [ -e "$LW_TRY/touched" ] || end failed "$3"
  still_ours
  undo_attempt || end broken "$3"
  end undone "$3"
}

# ---- what runs

# stack_services FORMAT: of the services of this stack.
stack_services() {
  names=$(docker service ls --filter "label=com.docker.stack.namespace=$LW_STACK" --format '{{.Name}}') || return
  # shellcheck disable=SC2086 # names have no blanks
  [ -z "$names" ] || docker service inspect --format "$1" $names
}

# Of each service: `NAME CONTENT STATE`, the content being what launchway made it of (`new` for one that was never changed), the
# state how far its update is. What Swarm calls the spec before is not compared: in the newer one defaults are filled in.
service_states='{{.Spec.Name}} {{if .PreviousSpec}}{{with index .Spec.Labels "launchway.content"}}{{.}}{{else}}unknown{{end}}{{else}}new{{end}} {{if .UpdateStatus}}{{.UpdateStatus.State}}{{else}}none{{end}}'

# content_of LIST NAME: the second word of a line.
content_of() {
  printf '%s\n' "$1" | awk -v name="$2" '$1 == name { print $2 }'
}

# Whether a service is what it was before this attempt.
is_same() { # NAME
  content=$(content_of "$states" "$1")
  [ -n "$content" ] && [ "$content" = "$(content_of "$(cat "$LW_TRY/before")" "$1")" ]
}

# Of each service, how many of its tasks run of how many there shall be, and how many were rejected: `NAME 2/3 0`. Those on a node
# that has gone still count as running with `docker service ls`; Swarm wants them no more, and has others made.
stack_counts() {
  wanted=$(docker service ls --filter "label=com.docker.stack.namespace=$LW_STACK" --format '{{.Name}} {{.Replicas}}') || return
  [ -n "$wanted" ] || return 0
  # shellcheck disable=SC2046 # names have no blanks
  tasks=$(docker service ps --format '{{.Name}} {{.DesiredState}} {{.CurrentState}}' $(printf '%s\n' "$wanted" | awk '{ print $1 }') 2>&1) || case $tasks in *nothing* | *'no such'*) ;; *) return 1 ;; esac
  printf '%s\n' "$wanted" "--" "$tasks" | awk '
    $1 == "--" { rest = 1; next }
    !rest { split($2, of, "/"); names[++n] = $1; shall[$1] = of[2]; next }
    { sub(/\.[^.]*$/, "", $1) }
    $2 == "Running" && $3 == "Running" { runs[$1]++ }
    $3 == "Rejected" { rejected[$1]++ }
    END { for (i = 1; i <= n; i++) print names[i] " " runs[names[i]] + 0 "/" shall[names[i]] " " rejected[names[i]] + 0 }'
}

# Of services of this stack, how far they are; nothing of one that is gone.
states_of() { # NAME…
  found=$(docker service inspect --format "$service_states" "$@" 2>&1) || case $found in *'no such service'*) ;; *) return 1 ;; esac
  printf '%s\n' "$found"
}

docker_stack() { # FILE
  if [ -e "$LW_TRY/config.json" ]; then
    (exec 9>&- && with_logins docker stack deploy --with-registry-auth --resolve-image never --compose-file "$1" "$LW_STACK" 2>&1)
  else
    (exec 9>&- && docker stack deploy --with-registry-auth --resolve-image never --compose-file "$1" "$LW_STACK" 2>&1)
  fi
}

# The newest task of a service that failed: its error, and what it said last.
failed_task() { # SERVICE
  docker service ps --no-trunc --format '{{.ID}}|{{.Name}}|{{.Node}}|{{.CurrentState}}|{{.Error}}' "$1" 2> /dev/null \
    | awk -F '|' '$4 ~ /^(Failed|Rejected)/ { print; exit }' | {
    IFS='|' read -r id task node state error || return 0
    echo "$task on ${node:-no node}: $state: $error"
    docker service logs --raw --tail 40 "$id" 2>&1 < /dev/null | tail -n 40 | tail -c 6000
  }
}

# ---- what runs once

# swarm_once NAME SERVICE SECONDS: NAME in the cluster. It is there already when an attempt of the same release broke off: its end
# counts, it is not begun again.
swarm_once() {
  start_step before-switch "$2"
  was=$(docker service inspect --format '{{index .Spec.Labels "launchway.release"}}' "$1" 2> /dev/null)
  if [ "$was" != "$LW_RELEASE" ]; then
    [ -z "$was" ] || docker service rm "$1" > /dev/null 2>&1
    said=$(docker_stack "$LW_TRY/swarm.once.$2") || once_failed "$1" "$2" "$said"
  fi
  deadline=$(($(uptime_cs) + $3 * 100))
  while :; do
    state=$(docker service ps --no-trunc --format '{{.CurrentState}}|{{.Error}}' "$1" 2> /dev/null | head -n 1)
    case $state in
      Complete*) break ;;
      Failed* | Rejected* | Shutdown* | Orphaned* | Remove*) once_failed "$1" "$2" "$(failed_task "$1")" ;;
    esac
    [ "$(uptime_cs)" -lt "$deadline" ] || once_failed "$1" "$2" "it was still at it after $3 s ($state), and was ended
$(docker service logs --raw --tail 40 "$1" 2>&1 | tail -c 6000)"
    nap 30
  done
  said=$(docker service logs --raw "$1" 2>&1 | tail -n 200 | tail -c 20000)
  [ -z "$said" ] || MS='' journal before-switch says "$2" "$said"
  end_step before-switch 'done' "$2"
}

once_failed() { # NAME SERVICE NOTE
  docker service rm "$1" > /dev/null 2>&1
  swarm_fail before-switch "$2" "$3"
}

# ---- the stack

swarm_deploy() {
  start_step run
  : > "$LW_TRY/touched"
  said=$(docker_stack "$LW_TRY/swarm.stack") || swarm_fail run '' "$said"
  end_step run
}

# swarm_converge SECONDS SETTLE SERVICE…: until every service runs as it is wanted. One that is new, or that Swarm does not update,
# has to run so for SETTLE hundredths of a second. NAMES in the cluster.
swarm_converge() {
  start_step healthy
  deadline=$(($(uptime_cs) + $1 * 100)) settle=$2
  shift 2
  well_since='' told_last=''
  while :; do
    # A manager that has just lost its leader answers later.
    if states=$(states_of "$@") && counts=$(stack_counts 2> /dev/null); then
      look_at_services "$@"
      [ -z "$wrong" ] || swarm_fail healthy "${wrong#"$LW_STACK"_}" "$why
$(failed_task "$wrong")"
      if [ "$progress" != "$told_last" ]; then
        told_last=$progress
        MS='' journal healthy says '' "$progress"
      fi
      if [ -n "$waits" ]; then
        well_since=''
      else
        [ -n "$well_since" ] || well_since=$(uptime_cs)
        if [ -z "$settles" ] || [ $(($(uptime_cs) - well_since)) -ge "$settle" ]; then break; fi
      fi
    fi
    if [ "$(uptime_cs)" -ge "$deadline" ]; then
      for one in $waits; do break; done
      swarm_fail healthy "${one#"$LW_STACK"_}" "the stack did not run as it is wanted in time: $progress
$(docker service ps --no-trunc --format '{{.Name}} on {{.Node}}: {{.CurrentState}} {{.Error}}' "${one:-$LW_STACK}" 2> /dev/null | head -n 5)
$(failed_task "${one:-none}")"
    fi
    # A look costs a manager some tenths of a second of work.
    nap 50
  done
  for one; do
    if is_same "$one"; then kept='kept as it was'; else kept=updated; fi
    MS='' journal healthy 'done' "${one#"$LW_STACK"_}" "$(printf '%s\n' "$counts" | awk -v name="$one" '$1 == name { print $2 }') tasks, $kept"
  done
  end_step healthy
}

# Sets `wrong` and `why` for a service that has failed, `waits` to those that are not as wanted, `settles` where one is new, and
# `progress` for people.
look_at_services() {
  wrong='' why='' waits='' settles='' progress=''
  for one; do
    # shellcheck disable=SC2046 # words
    set -- $(printf '%s\n' "$states" | awk -v name="$one" '$1 == name { print $2, $3 }') $(printf '%s\n' "$counts" | awk -v name="$one" '$1 == name { print $2, $3 }')
    how=${1:-absent}
    if is_same "$one"; then how=same; fi
    state=${2:-none} count=${3:-0/1} rejected=${4:-0}
    word=''
    case $state in
      rollback* | paused)
        wrong=$one why="its update failed: Swarm says $state"
        return
        ;;
      updating) word=' (updating)' waits="$waits $one" ;;
      completed) [ "${count%%/*}" = "${count#*/}" ] || waits="$waits $one" ;;
      *)
        [ "$how" = same ] || settles=yes
        [ "${count%%/*}" = "${count#*/}" ] || waits="$waits $one"
        ;;
    esac
    if [ "$how" = new ] && [ "$rejected" -ge 3 ]; then
      wrong=$one why='its tasks are rejected'
      return
    fi
    progress="$progress, ${one#"$LW_STACK"_} $count$word"
  done
  progress=${progress#, }
}

# ---- the record

# swarm_record NAME LABEL…: from here on the next deploy, through whichever manager, knows this release as the one that runs.
swarm_record() {
  still_ours
  start_step record
  name=$1
  shift
  set -- "$@" "$name"
  docker config inspect "$name" > /dev/null 2>&1 \
    || said=$(docker config create "$@" - < "$LW_TRY/swarm.release" 2>&1) || swarm_fail record '' "$said"
  rm -f "$LW_TRY/touched"
  end_step record
}

# swarm_retire SERVICE…: what the release before had, and this one has no more; and what ran once.
swarm_retire() {
  for one; do
    start_step stop "${one#"$LW_STACK"_}"
    docker service rm "$one" > /dev/null 2>&1
    end_step stop 'done' "${one#"$LW_STACK"_}" "$one"
  done
}

# swarm_forget KIND NAME: docker refuses to remove what a service uses.
swarm_forget() {
  docker "$1" rm "$2" > /dev/null 2>&1
}
