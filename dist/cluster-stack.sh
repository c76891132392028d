# What a stack of a swarm is, by the words of one of its managers: facts, and nothing is changed. Values of the
# environment of its services are not among them: they may be secrets.
# Set by the client: LW_STACK LW_APP LW_ENVIRONMENT LW_HOME
stack="label=com.docker.stack.namespace=$LW_STACK"
rows() { # NAME ARGUMENTS…
  row=$1
  shift
  docker "$@" 2> /dev/null < /dev/null | while IFS= read -r line; do [ -z "$line" ] || fact "$row" "$line"; done
}
if ! said=$(docker node ls --format '{{json .}}' 2>&1 < /dev/null); then
  fact unfit "$(printf '%s' "$said" | tail -n 1)"
else
  printf '%s\n' "$said" | while IFS= read -r line; do fact node "$line"; done
  counts=$(docker service ls --filter "$stack" --format '{{.Name}} {{json .}}' 2> /dev/null < /dev/null)
  printf '%s\n' "$counts" | while read -r _ line; do [ -z "$line" ] || fact counts "$line"; done
  names=$(printf '%s\n' "$counts" | awk '{ print $1 }')
  if [ -n "$names" ]; then
    # shellcheck disable=SC2086 # names of services have no blanks
    rows service service inspect --format '{"name":{{json .Spec.Name}},"labels":{{json .Spec.Labels}},"update":{{json .UpdateStatus}},"replicas":{{if .Spec.Mode.Replicated}}{{json .Spec.Mode.Replicated.Replicas}}{{else}}null{{end}}}' $names
    # shellcheck disable=SC2086
    rows task service ps --no-trunc --format '{{json .}}' $names
  fi
  rows network network ls --filter "$stack" --format '{{.Name}}'
  # What was made for this stack by name, and by launchway.
  for kind in config secret; do rows "$kind" "$kind" ls --filter "$stack" --format '{{.Name}}'; done
  rows secret secret ls --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" --format '{{.Name}}'
  docker config ls --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
    --format 'is-{{.Label "launchway.kind"}} {{.Name}} {{.Label "launchway.release"}} {{.Label "launchway.version"}}' 2> /dev/null < /dev/null \
    | while read -r kind object line; do
      fact config "$object"
      [ "$kind" != is-release ] || fact release "$object $line"
    done
fi
# Who keeps everybody from deploying through this manager (hold.sh).
[ ! -e "$LW_HOME/held" ] || fact held "$(cat "$LW_HOME/held")"
fact answered yes
