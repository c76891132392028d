# Looks at the Swarm that a host manages, after the look at the host itself. Values of the environment of services are not
# among what is asked for: they may be secrets.
# Set by the client: LW_APP LW_STACK LW_NETWORKS (that must be there, or must not be of this host alone; with blanks between them)
# LW_LOCK (name of the lock in the cluster), LW_NEEDED_CONFIGS and LW_NEEDED_SECRETS (that must be there).
# Needs observe.sh: `as`, `limit`, `alive`.
# shellcheck disable=SC2154

# told NAME ARGUMENTS…: a fact for each line of docker's answer; why there is none, where there is none.
told() {
  fact_name=$1
  shift
  [ -z "$refused_swarm" ] || return
  # shellcheck disable=SC2086 # words
  if said=$($as $limit docker "$@" 2>&1); then
    printf '%s\n' "$said" | while IFS= read -r line; do [ -z "$line" ] || fact "$fact_name" "$line"; done
  else
    refused_swarm=yes
    fact swarm.refused "$(printf '%s' "$said" | tail -n 1)"
  fi
}

refused_swarm=''
told swarm.is info --format "{{.Swarm.LocalNodeState}}${tab}{{.Swarm.ControlAvailable}}${tab}{{.Swarm.NodeID}}${tab}{{.Swarm.Error}}${tab}{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}"
# shellcheck disable=SC2086 # words
control=$($as $limit docker info --format '{{.Swarm.ControlAvailable}}' 2> /dev/null)
if [ "$control" = true ]; then
  # shellcheck disable=SC2086
  nodes=$($as $limit docker node ls --quiet 2> /dev/null)
  # shellcheck disable=SC2086
  told swarm.node node inspect --format '{"id":{{json .ID}},"hostname":{{json .Description.Hostname}},"role":{{json .Spec.Role}},"availability":{{json .Spec.Availability}},"state":{{json .Status.State}},"os":{{json .Description.Platform.OS}},"arch":{{json .Description.Platform.Architecture}},"leader":{{if .ManagerStatus}}{{json .ManagerStatus.Leader}}{{else}}false{{end}},"reachability":{{if .ManagerStatus}}{{json .ManagerStatus.Reachability}}{{else}}""{{end}}}' ${nodes:-self}
  # shellcheck disable=SC2086
  services=$($as $limit docker service ls --quiet 2> /dev/null)
  # shellcheck disable=SC2086
  [ -z "$services" ] || told swarm.service service inspect --format '{"name":{{json .Spec.Name}},"labels":{{json .Spec.Labels}},"image":{{json .Spec.TaskTemplate.ContainerSpec.Image}},"ports":{{json .Endpoint.Ports}},"update":{{if .UpdateStatus}}{{json .UpdateStatus.State}}{{else}}""{{end}}}' $services
  told swarm.replicas service ls --filter "label=com.docker.stack.namespace=$LW_STACK" --format "{{.Name}}${tab}{{.Replicas}}"
  for network in $LW_NETWORKS; do
    # shellcheck disable=SC2086
    said=$($as $limit docker network inspect --format "{{.Scope}}${tab}{{.Driver}}${tab}{{index .Labels \"com.docker.stack.namespace\"}}" "$network" 2> /dev/null)
    fact swarm.network "$network" "$said"
  done
  told swarm.config config ls --filter "label=launchway.app=$LW_APP" --format "{{.Name}}"
  told swarm.secret secret ls --filter "label=launchway.app=$LW_APP" --format "{{.Name}}"
  # shellcheck disable=SC2086
  kept=$($as $limit docker config ls --quiet --filter "label=launchway.app=$LW_APP" --filter label=launchway.kind=release 2> /dev/null)
  # shellcheck disable=SC2086
  [ -z "$kept" ] || told swarm.release config inspect --format '{"name":{{json .Spec.Name}},"labels":{{json .Spec.Labels}},"created":{{json .CreatedAt}},"data":{{json .Spec.Data}}}' $kept
  # shellcheck disable=SC2086
  lock=$($as $limit docker config inspect --format '{{json .Spec.Labels}}' "$LW_LOCK" 2> /dev/null) && fact swarm.lock "$lock"
  for name in $LW_NEEDED_CONFIGS; do
    # shellcheck disable=SC2086
    $as $limit docker config inspect "$name" > /dev/null 2>&1 || fact swarm.lacks config "$name"
  done
  for name in $LW_NEEDED_SECRETS; do
    # shellcheck disable=SC2086
    $as $limit docker secret inspect "$name" > /dev/null 2>&1 || fact swarm.lacks secret "$name"
  done
fi
fact swarm.seen yes
